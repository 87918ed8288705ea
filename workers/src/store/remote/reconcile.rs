//! Finding accepted, unfinished jobs that the queue lost, and pushing them again.

use super::Remote;
use crate::{
    clock::millis,
    store::{
        Error, QueueStats, Reconciled,
        postgres::OpenJob,
        redis::{self, Known, MAX_SCRIPT_BATCH, ReadyAt},
    },
};
use flotilla_jobs::JobId;
use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

impl Remote {
    pub(super) async fn do_reconcile(
        &self,
        after: Option<JobId>,
        min_age: Duration,
        batch: u32,
    ) -> Result<Reconciled, Error> {
        if after.is_none() {
            self.restore_settings().await?;
        }
        let batch = batch.clamp(1, MAX_SCRIPT_BATCH as u32);
        let page = self.record.scan_open(after, millis(min_age), batch).await?;
        let next = if page.len() < batch as usize { None } else { page.last().map(|(job, _)| job.id) };
        let checked = page.len() as u32;
        let old = page.into_iter().filter(|(_, old)| *old).map(|(job, _)| job);
        let (broken, lost) = self.broken_and_lost(old).await?;
        self.intake.fail_broken(&broken).await;
        let (cancelled, again): (Vec<OpenJob>, Vec<OpenJob>) = lost.into_iter().partition(|job| job.cancel);

        self.end_cancelled(&cancelled).await?;
        let raised = if again.is_empty() {
            HashSet::new()
        } else {
            self.record.raise_run(&again.iter().collect::<Vec<_>>()).await?
        };
        let pushed = self.push_open(&raised, ReadyAt::Since).await;
        Ok(Reconciled { checked, pushed, next })
    }

    /// Jobs that nobody runs and that cannot be as they are on record, and jobs that the queue does not know.
    async fn broken_and_lost(
        &self,
        jobs: impl Iterator<Item = OpenJob>,
    ) -> Result<(Vec<OpenJob>, Vec<OpenJob>), Error> {
        let mut by_queue: BTreeMap<String, Vec<OpenJob>> = BTreeMap::new();
        for job in jobs {
            by_queue.entry(job.queue.clone()).or_default().push(job);
        }
        let (mut broken, mut lost) = (Vec::new(), Vec::new());
        for (queue, jobs) in by_queue {
            let tickets: Vec<String> = jobs.iter().map(|j| redis::ticket(j.id, j.priority, j.group.as_ref())).collect();
            let known = self.queues.known(&queue, &tickets).await?;
            for (job, known) in jobs.into_iter().zip(known) {
                match known {
                    Known::Leased => {}
                    _ if job.broken.is_some() => broken.push(job),
                    Known::No => lost.push(job),
                    Known::Waiting => {}
                }
            }
        }
        Ok((broken, lost))
    }

    /// Queues that were repaired hand out nothing until they know their settings again.
    pub(super) async fn restore_repaired(&self) -> Result<(), Error> {
        let repaired = self.queues.take_repaired();
        if repaired.is_empty() {
            return Ok(());
        }
        for queue in self.record.queues().await?.into_iter().filter(|queue| repaired.contains(&queue.name)) {
            self.queues.configure(&queue.name, queue.paused, queue.cap).await?;
        }
        Ok(())
    }

    /// The settings of queues are on record too; a queue that was wiped has forgotten them.
    async fn restore_settings(&self) -> Result<(), Error> {
        for queue in self.record.queues().await? {
            if queue.paused || queue.cap.is_some() {
                self.queues.configure(&queue.name, queue.paused, queue.cap).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn do_queues(&self) -> Result<Vec<QueueStats>, Error> {
        let mut all = Vec::new();
        for queue in self.record.queues().await? {
            let now = self.queues.stats(&queue.name).await?;
            all.push(QueueStats {
                name: queue.name,
                paused: queue.paused,
                cap: queue.cap,
                scheduled: now.delayed,
                pending: now.pending,
                running: now.leased,
                paused_jobs: queue.paused_jobs,
                oldest_pending_ms: now.oldest_ms,
                waiting_for_worker: now.parked,
            });
        }
        Ok(all)
    }
}
