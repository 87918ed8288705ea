//! Accepting jobs: on record first, then into their queues.

use super::{Remote, keyed};
use crate::store::{
    Error, Submission,
    postgres::{Loaded, Record},
    redis::{self, Head, MAX_SCRIPT_BATCH, Push, Queues, ReadyAt},
};
use flotilla_jobs::{Accepted, JobId};
use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex},
};

/// From this many jobs on, a caller's batch is written by itself.
const OWN_WRITE: usize = 200;

/// What it takes to accept jobs without keys.
#[derive(Clone)]
pub(super) struct Intake {
    pub(super) record: Arc<Record>,
    pub(super) queues: Arc<Queues>,
    /// Queues that are known to be on record.
    pub(super) noted: Arc<Mutex<HashSet<String>>>,
}

impl Remote {
    pub(super) async fn do_enqueue(&self, jobs: Vec<Submission>) -> Result<Vec<Accepted>, Error> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        if jobs.iter().any(keyed::has_key) {
            return self.enqueue_keyed(jobs).await;
        }
        let accepted = jobs.iter().map(|j| Accepted { id: j.id, duplicate: false }).collect();
        if jobs.len() < OWN_WRITE {
            self.gather.accept(jobs).await?;
        } else {
            self.intake.accept(&jobs).await?;
        }
        Ok(accepted)
    }

    /// Pushes unfinished jobs as they are on record. What fails is left to reconciliation.
    pub(super) async fn push_open(&self, ids: &HashSet<JobId>, ready: fn(i64) -> ReadyAt) -> u32 {
        if ids.is_empty() {
            return 0;
        }
        let ids: Vec<JobId> = ids.iter().copied().collect();
        let loaded = match self.record.load_open(&ids).await {
            Ok(loaded) => loaded,
            Err(error) => {
                tracing::warn!(%error, jobs = ids.len(), "could not push jobs; reconciliation will");
                return 0;
            }
        };
        let pushes = loaded.iter().map(|l| (l.open.queue.as_str(), Push::of_record(l, ready)));
        self.intake.push(pushes).await
    }
}

impl Intake {
    /// Accepts jobs without keys: on record in one statement, then into the queues.
    pub(super) async fn accept(&self, jobs: &[Submission]) -> Result<(), Error> {
        self.note_queues(jobs).await?;
        self.record.insert(jobs).await?;
        self.push_new(jobs).await;
        Ok(())
    }

    /// Pushes jobs that were just accepted.
    pub(super) async fn push_new(&self, jobs: &[Submission]) {
        self.push(jobs.iter().map(|j| (j.spec.queue.as_str(), Push::of_new(j)))).await;
    }

    /// Puts queues on record that this process has not met before.
    pub(super) async fn note_queues(&self, jobs: &[Submission]) -> Result<(), Error> {
        let mut new: Vec<&str> = match self.noted.lock() {
            Ok(noted) => jobs.iter().map(|j| j.spec.queue.as_str()).filter(|q| !noted.contains(*q)).collect(),
            Err(_) => return Ok(()),
        };
        if new.is_empty() {
            return Ok(());
        }
        new.sort_unstable();
        new.dedup();
        self.record.add_queues(&new).await?;
        if let Ok(mut noted) = self.noted.lock() {
            noted.extend(new.into_iter().map(str::to_owned));
        }
        Ok(())
    }

    /// Never fails: the jobs are on record, so what the queue does not take now, reconciliation brings later.
    async fn push(&self, jobs: impl Iterator<Item = (&str, Push)>) -> u32 {
        let mut by_queue: BTreeMap<&str, Vec<Push>> = BTreeMap::new();
        for (queue, push) in jobs {
            by_queue.entry(queue).or_default().push(push);
        }
        let mut pushed = 0;
        for (queue, pushes) in by_queue {
            for batch in pushes.chunks(MAX_SCRIPT_BATCH) {
                match self.queues.push(queue, batch).await {
                    Ok(n) => pushed += n,
                    Err(error) => {
                        tracing::warn!(%error, queue, jobs = batch.len(), "accepted jobs wait for reconciliation");
                        break;
                    }
                }
            }
        }
        pushed
    }
}

impl Push {
    fn of_new(job: &Submission) -> Self {
        Self {
            ticket: redis::ticket(job.id, job.spec.priority.get(), job.spec.group.as_ref()),
            envelope: redis::write_envelope(Head::default(), job),
            ready_at: ReadyAt::New(job.spec.run_at.map(jiff::Timestamp::as_millisecond)),
        }
    }

    fn of_record(loaded: &Loaded, ready: fn(i64) -> ReadyAt) -> Self {
        let open = &loaded.open;
        Self {
            ticket: redis::ticket(open.id, open.priority, open.group.as_ref()),
            envelope: redis::write_envelope(Head { run: open.run, attempts: open.attempts }, &loaded.job),
            ready_at: ready(open.ready_at),
        }
    }
}
