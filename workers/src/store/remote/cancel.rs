//! Cancelling: the wish goes on record first, so that it survives whatever becomes of the queue.

use super::{Remote, enqueue::Intake};
use crate::store::{
    CancelReply, Error,
    postgres::{Finish, OpenJob},
    redis::{self, Known, MAX_SCRIPT_BATCH},
};
use flotilla_jobs::{JobId, JobState};
use std::collections::{BTreeMap, HashMap};

/// Stands for a worker in the record of a job that ended without one.
pub(super) const NOBODY: &str = "-";

impl Remote {
    pub(super) async fn do_cancel(&self, ids: &[JobId]) -> Result<Vec<Option<CancelReply>>, Error> {
        let open = self.record.ask_cancel(ids).await?;
        let mut replies: HashMap<JobId, CancelReply> = HashMap::with_capacity(ids.len());
        let mut waiting: Vec<OpenJob> = Vec::new();
        for (job, known) in self.intake.take_out(open).await? {
            match known {
                // A paused job may be held by the worker that is about to let it go.
                Known::Leased if !job.paused => drop(replies.insert(job.id, CancelReply::Asked)),
                _ => waiting.push(job),
            }
        }
        for id in self.end_cancelled(&waiting).await? {
            replies.insert(id, CancelReply::Cancelled);
        }
        self.add_finished(ids, &mut replies).await?;
        Ok(ids.iter().map(|id| replies.get(id).copied()).collect())
    }

    /// Records jobs that wait nowhere any more as cancelled; answers which.
    pub(super) async fn end_cancelled(&self, jobs: &[OpenJob]) -> Result<Vec<JobId>, Error> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let finishes: Vec<Finish<'_>> = jobs.iter().map(|j| Finish::cancelled(j.id, j.run, NOBODY)).collect();
        let done: Vec<JobId> = self.record.finish(&finishes).await?.into_iter().collect();
        // Only a wake-up: a watcher that misses it looks again by itself.
        let _ = self.queues.announce(&done).await;
        Ok(done)
    }

    async fn add_finished(&self, ids: &[JobId], replies: &mut HashMap<JobId, CancelReply>) -> Result<(), Error> {
        let rest: Vec<JobId> = ids.iter().copied().filter(|id| !replies.contains_key(id)).collect();
        if !rest.is_empty() {
            for id in self.record.on_record(&rest).await? {
                replies.insert(id, CancelReply::AlreadyFinished);
            }
        }
        Ok(())
    }
}

impl Intake {
    /// Takes jobs out of their queues; a running one stays and its worker is told.
    pub(super) async fn take_out(&self, open: Vec<OpenJob>) -> Result<Vec<(OpenJob, Known)>, Error> {
        let mut by_queue: BTreeMap<String, Vec<OpenJob>> = BTreeMap::new();
        for job in open {
            by_queue.entry(job.queue.clone()).or_default().push(job);
        }
        let mut out = Vec::new();
        for (queue, mut jobs) in by_queue {
            while !jobs.is_empty() {
                let part: Vec<OpenJob> = jobs.split_off(jobs.len().saturating_sub(MAX_SCRIPT_BATCH));
                let name = |j: &OpenJob| (redis::ticket(j.id, j.priority, j.group.as_ref()), j.id);
                let tickets: Vec<_> = part.iter().map(name).collect();
                let known = self.queues.remove(&queue, &tickets).await?;
                out.extend(part.into_iter().zip(known));
            }
        }
        Ok(out)
    }
}

impl Finish<'_> {
    /// A job that ends because someone asked for it.
    pub(super) fn cancelled(id: JobId, run: u32, worker: &str) -> Finish<'_> {
        Finish { id, run, state: JobState::Cancelled, worker, started_at: None, output: None, error: None }
    }
}
