//! What an operator does to jobs in a store: to one, or to every one that matches.

use flotilla_jobs::{
    Filter, Invalid, JobId, JobState,
    api::{CancelReply, Swept},
};
use flotilla_workers::store::{Error, Store};

/// Most jobs one call does something to.
pub const MAX_SWEEP: usize = 1_000;
/// Most pages one call looks at: those whose jobs someone asked to cancel already, and that still run, are passed over.
const MAX_PAGES: usize = 20;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Cancel,
    Retry,
    Resume,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// It is done.
    Yes,
    /// It will be: a running job was asked to end.
    Asked,
    /// The job is in a state in which it makes no sense.
    No(JobState),
}

impl Action {
    /// Its name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::Resume => "resume",
        }
    }

    /// What was done, for people.
    pub fn done(self) -> &'static str {
        match self {
            Self::Cancel => "cancelled",
            Self::Retry => "queued again",
            Self::Resume => "resumed",
        }
    }

    /// The states in which it makes sense.
    pub fn states(self) -> &'static [JobState] {
        match self {
            Self::Cancel => &[JobState::Scheduled, JobState::Pending, JobState::Running, JobState::Paused],
            Self::Retry => &[JobState::Failed, JobState::Quarantined],
            Self::Resume => &[JobState::Paused],
        }
    }

    /// Does it to one job; `None` where there is none of that id.
    pub async fn on_one(self, store: &dyn Store, id: JobId) -> Result<Option<Done>, Error> {
        let done = match self {
            Self::Cancel => match store.cancel(&[id]).await?.into_iter().next().flatten() {
                Some(CancelReply::Cancelled) => return Ok(Some(Done::Yes)),
                Some(CancelReply::Asked) => return Ok(Some(Done::Asked)),
                Some(CancelReply::AlreadyFinished) | None => false,
            },
            Self::Retry => store.retry(&[id]).await?.contains(&true),
            Self::Resume => store.resume(&[id]).await?.contains(&true),
        };
        if done {
            return Ok(Some(Done::Yes));
        }
        Ok(store.get(id).await?.map(|job| Done::No(job.state)))
    }

    /// Does it to jobs that match, newest first, at most [`MAX_SWEEP`] of them.
    pub async fn on_matching(self, store: &dyn Store, filter: &Filter) -> Result<Swept, Error> {
        let mut swept = Swept::default();
        for state in self.states_of(filter)? {
            let filter = Filter { state: Some(state), ..filter.clone() };
            let mut after = None;
            for page in 1.. {
                let room = MAX_SWEEP - swept.count as usize;
                if room == 0 || page > MAX_PAGES {
                    swept.more = true;
                    return Ok(swept);
                }
                let page = store.list(&filter, after, room as u32).await?;
                let ids: Vec<JobId> = page.jobs.iter().filter(|job| !job.cancel_requested).map(|job| job.id).collect();
                swept.count += self.on_all(store, &ids).await?;
                match page.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
        }
        Ok(swept)
    }

    fn states_of(self, filter: &Filter) -> Result<Vec<JobState>, Error> {
        match filter.state {
            None => Ok(self.states().to_vec()),
            Some(state) if self.states().contains(&state) => Ok(vec![state]),
            Some(state) => {
                let usable: Vec<_> = self.states().iter().map(|state| state.as_str()).collect();
                let message =
                    format!("there is nothing to {} in a {state} job; use {}", self.as_str(), usable.join(", "));
                Err(Invalid::new("state", message).into())
            }
        }
    }

    async fn on_all(self, store: &dyn Store, ids: &[JobId]) -> Result<u64, Error> {
        if ids.is_empty() {
            return Ok(0);
        }
        let done = match self {
            Self::Cancel => {
                let ended = [None, Some(CancelReply::AlreadyFinished)];
                store.cancel(ids).await?.iter().filter(|reply| !ended.contains(reply)).count()
            }
            Self::Retry => store.retry(ids).await?.iter().filter(|done| **done).count(),
            Self::Resume => store.resume(ids).await?.iter().filter(|done| **done).count(),
        };
        Ok(done as u64)
    }
}
