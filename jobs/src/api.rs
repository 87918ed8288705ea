//! Bodies of the HTTP API that are not jobs themselves.

mod approvals;
mod chat;
mod providers;
mod sessions;
mod spend;
mod steps;

pub use approvals::{Approval, ApprovalId, Approvals, Decision, Say};
pub use chat::{ChatAnswer, ChatEvent, ChatNews, ChatRequest};
pub use providers::{LaneStats, Providers};
pub use sessions::{
    ArchiveAnswer, ArchiveIdle, ArchiveReply, Entries, EntriesFrom, ForkSession, OpenSession, SessionChange,
};
pub use spend::{BudgetState, BudgetStates, Spend, SpendBy, SpendQuery, SpendRow};
pub use steps::{JobStep, JobSteps, Speaker, StepPlace, Transcript, TranscriptMessage};

use crate::JobId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What came of asking for a job to be cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CancelReply {
    /// It was waiting and is cancelled.
    Cancelled,
    /// It is running; its worker has been told.
    Asked,
    /// It had ended before.
    AlreadyFinished,
}

/// The answer to a cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CancelAnswer {
    #[allow(missing_docs)]
    pub id: JobId,
    /// What came of it.
    pub reply: CancelReply,
}

/// The answer to an operation on every job that matches a filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Swept {
    /// Jobs it was done to.
    pub count: u64,
    /// Whether more match: ask again.
    pub more: bool,
}

/// A change to a queue; what is `None` stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct QueueChange {
    /// A paused queue hands out nothing.
    pub paused: Option<bool>,
    /// Most jobs of the queue running at once in the whole fleet; 0 takes the cap away.
    pub cap: Option<u32>,
}

/// A queue as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueueStats {
    #[allow(missing_docs)]
    pub name: String,
    /// Whether it hands out jobs.
    pub paused: bool,
    /// Most running at once in the fleet, if there is a cap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cap: Option<u32>,
    /// Jobs waiting for their time.
    pub scheduled: u64,
    /// Jobs waiting for a worker or for their group's turn.
    pub pending: u64,
    /// Jobs held under a lease.
    pub running: u64,
    /// Jobs waiting for someone to resume them.
    pub paused_jobs: u64,
    /// For how long the longest-waiting pending job has been ready, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_pending_ms: Option<u64>,
    /// Pending jobs that no worker which came upon them knows how to run, by kind; about 100 kinds at most.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub waiting_for_worker: BTreeMap<String, u64>,
}

/// Every queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Queues {
    /// Sorted by name.
    pub queues: Vec<QueueStats>,
}

/// The body of every answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    #[allow(missing_docs)]
    pub error: ProblemBody,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProblemBody {
    /// Stable and machine-readable: `invalid_field`.
    pub code: String,
    /// For people; its words may change.
    pub message: String,
    /// The part of the request that is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The request's id in the server's log.
    pub request_id: String,
}
