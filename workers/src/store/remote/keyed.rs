//! Accepting jobs with unique or idempotency keys: the first holder of a key is the answer for the others.

use super::{Remote, enqueue::Intake};
use crate::store::{
    Error, Submission,
    keys::{Key, keys_of, same_json},
    postgres::{Acceptance, Holder, KeyClaim},
    redis::{self, Known},
};
use flotilla_jobs::{Accepted, JobId};
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};
use tokio::time::timeout;

/// How long it waits to hear from the queue whether a job runs, while it holds the job's key.
const KNOWN_PATIENCE: Duration = Duration::from_secs(3);

pub(super) fn has_key(job: &Submission) -> bool {
    job.spec.unique.is_some() || job.idempotency_key.is_some()
}

impl Remote {
    /// In a task of its own: a caller that goes away in the middle would leave jobs on record that nobody pushes.
    pub(super) async fn accept_keyed(&self, jobs: Vec<Submission>) -> Result<Vec<Accepted>, Error> {
        let intake = self.intake.clone();
        let accepted = self.under_way.spawn(async move { intake.accept_keyed(jobs).await });
        let ended = |_| Error::Unavailable { what: "postgres", detail: "the store is closed".to_owned() };
        accepted.await.map_err(ended)?
    }
}

impl Intake {
    async fn accept_keyed(&self, jobs: Vec<Submission>) -> Result<Vec<Accepted>, Error> {
        self.note_queues(&jobs).await?;
        let wishes: Vec<Vec<KeyClaim>> = jobs.iter().map(wishes_of).collect();
        let mut acceptance = self.record.accept().await?;
        match self.look_at(jobs, &wishes, &mut acceptance).await {
            Ok(batch) => {
                let recorded = acceptance.commit(&batch.new).await;
                self.recorded(recorded, &batch.new).await?;
                Ok(batch.answers)
            }
            Err(error) => {
                // The first error says more than one about what is left of it.
                let _ = acceptance.refuse().await;
                Err(error)
            }
        }
    }

    /// Takes the keys of jobs that are new, and finds the jobs that the others are.
    async fn look_at<'a>(
        &self,
        jobs: Vec<Submission>,
        wishes: &'a [Vec<KeyClaim>],
        acceptance: &mut Acceptance<'_>,
    ) -> Result<Batch<'a>, Error> {
        let flat: Vec<&KeyClaim> = wishes.iter().flatten().collect();
        let mut holders = acceptance.claim(&flat).await?.into_iter();

        let mut batch = Batch { ids: jobs.iter().map(|j| j.id).collect(), ..Batch::default() };
        for (job, wishes) in jobs.into_iter().zip(wishes) {
            let held: Vec<Option<Holder>> = holders.by_ref().take(wishes.len()).collect();
            match self.first_holder(wishes, &held, &batch).await? {
                Some(first) => batch.duplicate(job.id, first),
                None => batch.accept(job, wishes, &held),
            }
        }
        acceptance.take_over(&batch.take_over).await?;
        // Keys a job took before it met one that is held must not point at a job that never was.
        acceptance.give_up(&batch.duplicates).await?;
        Ok(batch)
    }

    /// The job that holds one of the keys and still counts.
    async fn first_holder(
        &self,
        wishes: &[KeyClaim],
        held: &[Option<Holder>],
        batch: &Batch<'_>,
    ) -> Result<Option<JobId>, Error> {
        for (wish, held) in wishes.iter().zip(held) {
            let (first, same) = match (batch.taken.get(wish.key.as_str()), held) {
                (Some(earlier), _) => (earlier.0, batch.is_same(*earlier, wish)),
                // The record compares with jobs it has; one of this batch that was not accepted never counts.
                (None, Some(holder)) if !batch.ids.contains(&holder.job) && self.counts(holder).await? => {
                    (holder.job, holder.same)
                }
                _ => continue,
            };
            if let Some(key) = wish.idempotency_key.as_ref().filter(|_| !same) {
                return Err(Error::IdempotencyMismatch(key.clone()));
            }
            return Ok(Some(first));
        }
        Ok(None)
    }

    async fn counts(&self, holder: &Holder) -> Result<bool, Error> {
        match (holder.scope.as_str(), &holder.open) {
            ("window", _) => Ok(holder.in_window),
            (_, None) => Ok(false),
            ("waiting", Some(open)) if !open.paused => {
                let ticket = redis::ticket(open.id, open.priority, open.group.as_ref());
                match timeout(KNOWN_PATIENCE, self.queues.known(&open.queue, &[ticket])).await {
                    Ok(Ok(known)) => Ok(known.first() != Some(&Known::Leased)),
                    Ok(Err(error)) if !error.is_transient() => Err(error),
                    // It may run already: a job too many costs less than one too few.
                    _ => Ok(false),
                }
            }
            _ => Ok(true),
        }
    }
}

/// A batch while it is looked at, job by job.
#[derive(Default)]
struct Batch<'a> {
    /// Every job handed in.
    ids: HashSet<JobId>,
    new: Vec<Submission>,
    duplicates: Vec<JobId>,
    answers: Vec<Accepted>,
    /// Keys of the jobs accepted so far: by which, and its place in `new`.
    taken: HashMap<&'a str, (JobId, usize)>,
    /// Keys whose holders on record no longer count.
    take_over: Vec<&'a KeyClaim>,
}

impl<'a> Batch<'a> {
    fn accept(&mut self, job: Submission, wishes: &'a [KeyClaim], held: &[Option<Holder>]) {
        for (wish, held) in wishes.iter().zip(held) {
            self.taken.insert(&wish.key, (job.id, self.new.len()));
            if held.is_some() {
                self.take_over.push(wish);
            }
        }
        self.answers.push(Accepted { id: job.id, duplicate: false });
        self.new.push(job);
    }

    fn duplicate(&mut self, job: JobId, first: JobId) {
        self.answers.push(Accepted { id: first, duplicate: true });
        self.duplicates.push(job);
    }

    fn is_same(&self, (_, place): (JobId, usize), wish: &KeyClaim) -> bool {
        self.new.get(place).is_some_and(|j| j.kind == wish.kind && same_json(j.payload.get(), &wish.payload))
    }
}

fn wishes_of(job: &Submission) -> Vec<KeyClaim> {
    let wish = |key: Key<'_>| KeyClaim {
        key: key.name,
        job: job.id,
        scope: key.scope,
        window_ms: key.window_ms,
        idempotency_key: key.idempotency.map(str::to_owned),
        kind: job.kind.clone(),
        payload: job.payload.get().to_owned(),
    };
    keys_of(job).map(wish).collect()
}
