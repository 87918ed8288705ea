//! What crosses the seam.

use crate::{clock::Millis, lease::Lease, sessions::Left};
pub use flotilla_jobs::api::{CancelReply, QueueChange, QueueStats};
use flotilla_jobs::{Attempts, Backoff, Cause, Fault, JobId, JobState, NewJob, Progress, Spec};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{sync::Arc, time::Duration};

/// Most events in one job's live output.
pub const MAX_OUTPUT_EVENTS: u64 = 10_000;

/// A job to accept: validated, with all options resolved.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the parts of a NewJob")]
pub struct Submission {
    pub id: JobId,
    pub kind: String,
    pub payload: Box<RawValue>,
    pub spec: Spec,
    pub idempotency_key: Option<String>,
}

impl Submission {
    /// A submission of `job`, whose kind has these default options.
    pub fn new(job: NewJob, kind_defaults: flotilla_jobs::Options) -> Result<Self, flotilla_jobs::Invalid> {
        job.validate()?;
        let NewJob { kind, payload, options, idempotency_key } = job;
        Ok(Self { id: JobId::new(), kind, payload, spec: options.resolve(kind_defaults)?, idempotency_key })
    }
}

/// What a worker asks for.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Unique per process start.
    pub worker: &'a str,
    /// Queues and how many at most from each, in the order they are served.
    pub queues: &'a [(String, u32)],
    /// The kinds it can run; `None` for any.
    pub kinds: Option<&'a [&'a str]>,
    /// How long the leases last.
    pub lease_ttl: Duration,
}

/// A job handed out under a lease.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "named as in Spec; what is not is described")]
pub struct Claimed {
    pub lease: Lease,
    pub kind: String,
    pub payload: Box<RawValue>,
    pub tenant: String,
    pub trace: Option<String>,
    pub max_attempts: u32,
    pub timeout_ms: u64,
    pub backoff: Backoff,
    /// When this lease began, by the store's clock.
    pub claimed_at: Millis,
}

impl Claimed {
    /// The job's id.
    pub fn id(&self) -> JobId {
        self.lease.job
    }

    /// When it became ready, by the store's clock.
    pub fn ready_at(&self) -> Millis {
        self.lease.ready_at
    }

    /// Counters of earlier runs.
    pub fn attempts(&self) -> Attempts {
        self.lease.attempts
    }
}

/// What became of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// It goes on.
    Kept,
    /// Someone else may run the job now; stop.
    Lost,
    /// It goes on, but someone asked for the job to be cancelled.
    CancelAsked,
}

/// How one run of a job ended.
#[derive(Clone, Debug)]
pub struct Settle {
    /// The right to say so.
    pub lease: Lease,
    /// When the run began, by the store's clock: [`Claimed::claimed_at`].
    pub started_at: Millis,
    /// How it ended.
    pub end: End,
    /// What it leaves in its session, on record only with a final result.
    pub left: Option<Left>,
}

impl Settle {
    /// The end of a run that leaves nothing in a session.
    pub fn new(lease: Lease, started_at: Millis, end: End) -> Self {
        Self { lease, started_at, end, left: None }
    }
}

/// How a run ended, with all policy decided.
#[derive(Clone, Debug)]
pub enum End {
    /// With an output. Terminal.
    Completed(Box<RawValue>),
    /// For good. Terminal.
    Failed(Fault),
    /// On request. Terminal.
    Cancelled(String),
    /// It took down a second process. Terminal, until an operator retries it.
    Quarantined(Fault),
    /// It failed; run again after the delay. Spends an attempt.
    Retry(Fault, Duration),
    /// Run again after the delay; spends none.
    Snoozed(Duration),
    /// Run again at once, at the front; spends none.
    HandedOver,
    /// Wait for [`Jobs::resume`](super::Jobs::resume).
    Paused(String),
}

impl End {
    /// The cause this run is counted under, where it was not the last.
    pub fn cause(&self) -> Option<Cause> {
        match self {
            Self::Completed(_) | Self::Failed(_) | Self::Cancelled(_) | Self::Quarantined(_) => None,
            Self::Retry(..) => Some(Cause::Failure),
            Self::Snoozed(_) => Some(Cause::Throttle),
            Self::HandedOver => Some(Cause::Handover),
            Self::Paused(_) => Some(Cause::Budget),
        }
    }

    /// The state a job ends in, for the ends that are final.
    pub fn terminal(&self) -> Option<JobState> {
        match self {
            Self::Completed(_) => Some(JobState::Completed),
            Self::Failed(_) => Some(JobState::Failed),
            Self::Cancelled(_) => Some(JobState::Cancelled),
            Self::Quarantined(_) => Some(JobState::Quarantined),
            _ => None,
        }
    }
}

/// What came of a [`Settle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is on record; the job is now in this state.
    Recorded(JobState),
    /// The lease was taken away, or the job had its final result: nothing changed.
    LeaseLost,
}

/// What a promotion did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Promoted {
    /// Jobs that became ready.
    pub moved: u32,
    /// When the next delayed job is due, in milliseconds from now; `None` where there is none.
    pub next_due_in_ms: Option<u64>,
}

/// A job taken back from a worker that lost it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Rescued {
    pub job: JobId,
    /// The worker that held it.
    pub worker: String,
    /// `pending`, `quarantined` or `cancelled`.
    pub state: JobState,
}

/// What a reconciliation did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Unfinished jobs that were looked at.
    pub checked: u32,
    /// Jobs that the queue did not know and now does.
    pub pushed: u32,
    /// Where to go on; `None` when all have been looked at.
    pub next: Option<JobId>,
}

/// One thing a store needs, and whether it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// `postgres`, `redis` or `sqlite`.
    pub name: String,
    #[allow(missing_docs)]
    pub ok: bool,
    /// Whether no job is accepted without it.
    pub required: bool,
    /// How long it took to answer, in milliseconds.
    pub latency_ms: u64,
    /// What is wrong, or its version.
    pub detail: String,
}

/// A queue of a stock `apalis_redis::RedisStorage` producer whose jobs are taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdoptSource {
    /// Its name there: `Config::queue`, the type's name unless that producer set one.
    pub source: String,
    /// The kind its jobs become; their arguments are the payload.
    pub kind: String,
    /// Our queue they go to.
    pub queue: String,
}

/// Something a running job says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum LiveEvent {
    /// How far it is.
    Progress(Progress),
    /// A piece of output, at most 64 KiB.
    Output {
        #[allow(missing_docs)]
        text: String,
    },
    /// A piece of what a model says in a step of its run, at most 64 KiB: a try at the step says its text in pieces.
    Text {
        #[allow(missing_docs)]
        step: u32,
        /// Which try at the step it is, from 1: a call that was cut off, or whose worker died, is made again.
        attempt: u32,
        #[allow(missing_docs)]
        text: String,
    },
    /// A new try begins at this step: what was said of it, and of steps after it, is void.
    Reset {
        #[allow(missing_docs)]
        step: u32,
        #[allow(missing_docs)]
        attempt: u32,
    },
    /// Events after this one were not kept.
    Cut,
}

impl LiveEvent {
    /// Stands for an event that cannot be read, so that those after it keep their numbers.
    pub(crate) fn unreadable() -> Self {
        Self::Output { text: "(a piece of output that cannot be read)\n".to_owned() }
    }
}

/// A [`LiveEvent`] with its place in the job's output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NumberedEvent {
    /// From 1, without a gap: the cursor.
    pub seq: u64,
    /// When it was appended, by the store's clock.
    pub at: Timestamp,
    /// What was said.
    pub event: LiveEvent,
}

/// A wake-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A queue may have work.
    Work(Arc<str>),
    /// Someone asked for this running job to be cancelled.
    Cancel(JobId),
    /// This job's state, progress or output changed.
    Changed(JobId),
    /// Signals may have been missed: look at everything.
    Resync,
    /// The queue was away and may have lost jobs.
    Returned,
}
