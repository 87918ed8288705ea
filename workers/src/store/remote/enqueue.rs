//! Accepting jobs: on record first, then into their queues.

use super::{Remote, keyed, owed::Owed};
use crate::store::{
    Error, Submission,
    postgres::{Loaded, Record},
    redis::{self, Head, MAX_SCRIPT_BATCH, Push, Queues, ReadyAt},
};
use flotilla_jobs::{Accepted, JobId};
use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::timeout;

/// Jobs are accepted whether or not the queue has them: nobody waits longer for it than this.
const PUSH_PATIENCE: Duration = Duration::from_secs(3);
/// From this many jobs on, a caller's batch is written by itself.
const OWN_WRITE: usize = 200;

/// What it takes to accept jobs without keys.
#[derive(Clone)]
pub(super) struct Intake {
    pub(super) record: Arc<Record>,
    pub(super) queues: Arc<Queues>,
    /// Queues that are known to be on record.
    pub(super) noted: Arc<Mutex<HashSet<String>>>,
    /// What the queue did not take.
    pub(super) owed: Arc<Owed>,
}

impl Remote {
    pub(super) async fn do_enqueue(&self, jobs: Vec<Submission>) -> Result<Vec<Accepted>, Error> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        if jobs.iter().any(keyed::has_key) {
            return self.accept_keyed(jobs).await;
        }
        let accepted = jobs.iter().map(|j| Accepted { id: j.id, duplicate: false }).collect();
        if jobs.len() < OWN_WRITE {
            self.gather.accept(jobs).await?;
        } else {
            self.intake.accept(&jobs).await?;
        }
        Ok(accepted)
    }

    /// As [`Intake::push_open`].
    pub(super) async fn push_open(&self, ids: &HashSet<JobId>, ready: fn(i64) -> ReadyAt) -> u32 {
        self.intake.push_open(ids, ready).await
    }
}

impl Intake {
    /// Accepts jobs without keys: on record in one statement, then into the queues.
    pub(super) async fn accept(&self, jobs: &[Submission]) -> Result<(), Error> {
        self.note_queues(jobs).await?;
        let recorded = self.record.insert(jobs).await;
        self.recorded(recorded, jobs).await
    }

    /// Pushes what is on record now. Where the answer was lost it may be, or not: what then is, is owed to the queue.
    pub(super) async fn recorded(&self, recorded: Result<(), Error>, jobs: &[Submission]) -> Result<(), Error> {
        match &recorded {
            Ok(()) => self.push_new(jobs).await,
            Err(error) if error.is_transient() => self.owed.add(jobs.iter().map(|j| j.id)),
            Err(_) => {}
        }
        recorded
    }

    /// Pushes jobs that were just accepted.
    async fn push_new(&self, jobs: &[Submission]) {
        self.push(jobs.iter().map(|j| (j.spec.queue.as_str(), Push::of_new(j)))).await;
    }

    /// Pushes unfinished jobs as they are on record. What fails is owed.
    pub(super) async fn push_open(&self, ids: &HashSet<JobId>, ready: fn(i64) -> ReadyAt) -> u32 {
        if ids.is_empty() {
            return 0;
        }
        let ids: Vec<JobId> = ids.iter().copied().collect();
        let loaded = match self.record.load_open(&ids).await {
            Ok(loaded) => loaded,
            Err(error) => {
                tracing::warn!(%error, jobs = ids.len(), "could not push jobs; they will be later");
                if error.is_transient() {
                    self.owed.add(ids);
                }
                return 0;
            }
        };
        let (broken, loaded): (Vec<Loaded>, Vec<Loaded>) = loaded.into_iter().partition(|l| l.open.broken.is_some());
        self.fail_broken(&broken.into_iter().map(|l| l.open).collect::<Vec<_>>()).await;
        self.push(loaded.iter().map(|l| (l.open.queue.as_str(), Push::of_record(l, ready)))).await
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

    /// Never fails: the jobs are on record, so what the queue does not take now is owed to it.
    async fn push(&self, jobs: impl Iterator<Item = (&str, Push)>) -> u32 {
        let mut by_queue: BTreeMap<&str, Vec<Push>> = BTreeMap::new();
        for (queue, push) in jobs {
            by_queue.entry(queue).or_default().push(push);
        }
        let mut pushed = 0;
        for (queue, pushes) in by_queue {
            for batch in pushes.chunks(MAX_SCRIPT_BATCH) {
                let ids = batch.iter().filter_map(|push| redis::id_of(&push.ticket));
                if self.owed.is_paused() {
                    self.owed.add(ids);
                    continue;
                }
                let push = timeout(PUSH_PATIENCE, self.queues.push(queue, batch));
                match push.await.unwrap_or_else(|_| Err(no_answer())) {
                    Ok(n) => pushed += n,
                    Err(error) => {
                        if self.owed.pause() {
                            tracing::warn!(%error, queue, "the queue does not take jobs; it gets them once it does");
                        }
                        self.owed.add(ids);
                    }
                }
            }
        }
        pushed
    }
}

fn no_answer() -> Error {
    Error::Unavailable { what: "redis", detail: format!("no answer within {} s", PUSH_PATIENCE.as_secs()) }
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
