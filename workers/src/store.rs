//! The seam: what a store of jobs is, in the language of jobs.
//!
//! A store has two halves. The *record* is the truth: every job, attempt and result. The *queue* says what may
//! run now; it can be rebuilt from the record. On SQLite both are one file; [`remote`] joins Postgres and Redis.
//!
//! Operations take batches, because batching is where the speed is; no connection or transaction leaks out. Every
//! behavior is a case in `tests/conformance`, run on both stores.

mod books;
mod damage;
mod desk;
mod ending;
mod error;
pub mod fault;
mod health;
mod keys;
pub mod metered;
mod migrations;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing {
    //! Parsers of what a store holds, for fuzz targets.

    pub use super::redis::fuzzing::{envelope, reply, ticket};
}
mod postgres;
mod redis;
pub mod remote;
mod sane;
mod spending;
pub mod sqlite;
mod steps;
mod turns;
mod types;

pub use crate::lease::Lease;
pub use error::{Error, OpenError, Trouble};
pub use types::*;

use crate::{
    admission::Admission, approvals::Approvals, archive::Shelf, cache::Cache, journal::Journal, ledger::Ledger,
    sessions::Sessions,
};
use async_trait::async_trait;
use flotilla_jobs::{Accepted, Filter, JobId, JobRecord, JobState, Page, Progress, StateChange};

/// Accepts jobs, hands them out under leases, and records how they end.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Puts jobs on record and into their queues; answers in the order given.
    ///
    /// Once it has answered, each job ends in exactly one terminal state. A job whose unique or idempotency key is
    /// taken is not accepted again: the answer names the first job. All of a batch is accepted, or none of it.
    /// `IdempotencyMismatch` where the key was used before with another kind or payload.
    async fn enqueue(&self, jobs: Vec<Submission>) -> Result<Vec<Accepted>, Error>;

    /// Hands out ready jobs, at most `max` from each queue named, each under a lease that ends `p.lease_ttl` from now.
    ///
    /// Two callers never receive the same job while a lease is live. Order within a queue: priority, then age (the
    /// time a job became ready, then its id). A paused queue and a queue at its cap give nothing. Returns fewer than
    /// asked for, or none, rather than wait.
    ///
    /// A job of a kind that is not among `p.kinds` is left for a worker that knows it: it keeps its place and its
    /// group's slot and holds up no other kind. Until such a worker claims, [`Upkeep::queues`] counts it as waiting for
    /// one, once it has been met.
    async fn claim(&self, p: Claim<'_>) -> Result<Vec<Claimed>, Error>;

    /// Extends leases to `ttl` from now; answers in the order given, for each: kept, lost, or cancel asked (and kept).
    async fn renew(&self, leases: &[Lease], ttl: std::time::Duration) -> Result<Vec<Renewal>, Error>;

    /// Records how runs ended; answers in the order given.
    ///
    /// Result, attempt and state are written in one transaction of the record. A lease that was taken away changes
    /// nothing and answers [`Settled::LeaseLost`]. A job that someone asked to cancel is never run again: an end that
    /// would have put it back records it as cancelled instead.
    async fn settle(&self, ends: Vec<Settle>) -> Result<Vec<Settled>, Error>;

    /// Asks for jobs to be cancelled; answers in the order given, `None` for ids not on record.
    ///
    /// A waiting or paused job is cancelled at once. A running one gets [`Signal::Cancel`] and its next renewal says
    /// so; the wish survives until the job ends. A finished job stays as it is.
    async fn cancel(&self, ids: &[JobId]) -> Result<Vec<Option<CancelReply>>, Error>;

    /// Runs failed and quarantined jobs once more, with fresh attempt counters; answers per id whether it did.
    /// Their former result joins the job's history.
    async fn retry(&self, ids: &[JobId]) -> Result<Vec<bool>, Error>;

    /// Puts paused jobs back into their queues; answers per id whether it did.
    async fn resume(&self, ids: &[JobId]) -> Result<Vec<bool>, Error>;

    /// One job with payload, output and history.
    async fn get(&self, id: JobId) -> Result<Option<JobRecord>, Error>;

    /// Jobs that match, newest first, at most `limit` (1 to 1,000), those older than `after`.
    async fn list(&self, filter: &Filter, after: Option<JobId>, limit: u32) -> Result<Page, Error>;
}

/// Keeps the queues going. Each operation does a bounded amount of work; the loops call them again.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// Moves at most `batch` due jobs of each queue from `scheduled` to `pending`.
    async fn promote(&self, queues: &[String], batch: u32) -> Result<Promoted, Error>;

    /// Takes back at most `batch` expired leases of each queue.
    ///
    /// A first crash returns the job to the front of its queue; a second quarantines it; a job that someone asked to
    /// cancel becomes cancelled. The crash is on record before the job can run again.
    async fn rescue(&self, queues: &[String], batch: u32) -> Result<Vec<Rescued>, Error>;

    /// Pushes at most `batch` accepted, unfinished jobs that the queue does not know, among those accepted at least
    /// `min_age` ago, starting after the id `after`. Doing it twice is harmless. A job that cannot be as it is on record,
    /// because somebody else wrote there, fails with the reason.
    async fn reconcile(
        &self,
        after: Option<JobId>,
        min_age: std::time::Duration,
        batch: u32,
    ) -> Result<Reconciled, Error>;

    /// Takes over at most `batch` jobs that a stock apalis-redis producer pushed, each exactly once; answers how many.
    /// Only a store with Redis can.
    async fn adopt(&self, from: &AdoptSource, batch: u32) -> Result<u32, Error> {
        let _ = batch;
        let message = format!("`{}` cannot be adopted: this store has no redis", from.source);
        Err(flotilla_jobs::Invalid::new("worker.adopt", message).into())
    }

    /// Deletes at most `batch` jobs that ended in `state` at least `age` ago, with all that is on record about them;
    /// answers how many. A store may take fewer at a time; 0 says that none is left. What is unfinished always stays.
    async fn prune(&self, state: JobState, age: std::time::Duration, batch: u32) -> Result<u32, Error>;

    /// Deletes at most `batch` idempotency and unique keys whose window is over, though their jobs stay; answers how
    /// many. Other keys go with their jobs.
    async fn prune_keys(&self, batch: u32) -> Result<u32, Error>;

    /// Makes `holder` the one of a fleet that does each duty until `ttl` from now, unless another one is; answers in
    /// the order given whether it is. A holder that asks again extends its time; one that asks for no time gives up.
    ///
    /// A store that lost its memory of it may let two lead until the first asks again: what is led must bear that.
    async fn lead(&self, duties: &[String], holder: &str, ttl: std::time::Duration) -> Result<Vec<bool>, Error>;

    /// Pauses or resumes a queue, or changes its cap, for the whole fleet; what is `None` stays as it is.
    async fn configure_queue(&self, queue: &str, change: QueueChange) -> Result<(), Error>;

    /// Every queue ever used, with counts and the age of what waits longest; sorted by name.
    async fn queues(&self) -> Result<Vec<QueueStats>, Error>;

    /// Whether each dependency answers now.
    async fn health(&self) -> Vec<Dependency>;
}

/// What a running job tells the outside while it runs.
#[async_trait]
pub trait Live: Send + Sync {
    /// Appends events to jobs' live output, numbering each job's from 1 without a gap. Events of a lease that was
    /// taken away are dropped; a progress event also becomes the job's progress.
    ///
    /// A job keeps at most [`MAX_OUTPUT_EVENTS`] events; the last one kept then says that the rest is cut.
    async fn append(&self, events: Vec<(Lease, LiveEvent)>) -> Result<(), Error>;

    /// Events of a job with a number above `after`, in order, at most `limit`.
    async fn read(&self, job: JobId, after: u64, limit: u32) -> Result<Vec<NumberedEvent>, Error>;

    /// The same for many jobs at once: of each, events with a number above the one given, in order, at most `limit`;
    /// answers in the order given. A job may be named once.
    async fn read_many(&self, jobs: &[(JobId, u64)], limit: u32) -> Result<Vec<Vec<NumberedEvent>>, Error>;

    /// Where jobs are now; answers in the order given, `None` for ids not on record and for what cannot be read.
    async fn states(&self, jobs: &[JobId]) -> Result<Vec<Option<StateChange>>, Error>;

    /// The last progress on record of each job, whichever run said it; answers in the order given.
    async fn progress(&self, jobs: &[JobId]) -> Result<Vec<Option<Progress>>, Error>;

    /// Wake-ups from now on. They may be lost (a receiver also needs a slow poll) and may come for nothing.
    fn signals(&self) -> tokio::sync::broadcast::Receiver<Signal>;
}

/// A whole store.
#[async_trait]
pub trait Store:
    Jobs + Upkeep + Live + Journal + Ledger + Admission + Sessions + Shelf + Approvals + Cache + 'static
{
    /// Ends background tasks and closes connections; what was accepted before is safe without it.
    async fn close(&self);

    /// Connections in use and open, by pool: `("postgres", 2, 8)`.
    fn pools(&self) -> Vec<(&'static str, u32, u32)>;

    /// How often this process met something in the store that cannot be what it says. Each is in the log.
    fn damage(&self) -> u64;
}
