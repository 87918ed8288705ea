//! The journal: what an agent decided, asked and did, on record before it goes on.
//!
//! The seam between agents and stores. A run is one agent's work on one job; it has threads (conversations that may go on
//! side by side), and a thread has steps. Before a call that is paid for or changes something there is a `started`
//! row, after it a `done` row; whoever runs the job next goes on after the last `done`. One `begin` and one `end` a
//! call also reserve and settle its money, in the same transaction. Held by `tests/conformance/journal.rs`, on both
//! stores.

use crate::ledger::{Call, Refused};
pub use crate::{lease::Lease, store::Error};
use async_trait::async_trait;
use flotilla_jobs::{
    JobId, MicroUsd, Usage,
    api::{JobStep, StepPlace},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fmt;
use uuid::Uuid;

/// Keeps what agents did.
#[async_trait]
pub trait Journal: Send + Sync {
    /// The run that this job goes on with: its newest one, or a first one that begins as `start` says. `None` where the
    /// lease was taken away.
    async fn open_run(&self, lease: &Lease, start: RunStart) -> Result<Option<Opened>, Error>;

    /// Leaves the job's newest run as it is, for good, and begins another one. What was paid stays in the ledger.
    async fn restart_run(&self, lease: &Lease, start: RunStart) -> Result<Option<Opened>, Error>;

    /// Finished steps of a run after `after`, by thread and number, at most `limit`.
    async fn steps(&self, run: RunId, after: Option<StepKey>, limit: u32) -> Result<Vec<Step>, Error>;

    /// Says that calls are about to be made; answers in the order given. For each, in one transaction: its `started`
    /// row, its row in the ledger, and its hold on every budget it names.
    async fn begin(&self, calls: Vec<Begin>) -> Result<Vec<Begun>, Error>;

    /// Says how calls ended; answers in the order given. The ledger gets every one of them, also when the lease was
    /// taken away meanwhile (the tokens were paid); the journal only those whose lease holds. The first `done` of a
    /// step stays.
    async fn end(&self, ends: Vec<EndStep>) -> Result<Vec<Ended>, Error>;

    /// Puts steps that cost nothing and change nothing on record, in one go: decisions, and results of tools that only
    /// read. Answers in the order given, for each the value that is on record now: this one or an earlier one.
    async fn note(&self, notes: Vec<Note>) -> Result<Vec<Noted>, Error>;

    /// Every run of a job, the oldest first, with its steps and calls; what is on record, for people.
    async fn runs(&self, job: JobId) -> Result<Vec<RunRecord>, Error>;

    /// One page of the calls made for a job's steps, in the order of their places, at most `limit` (1 to 1,000): those of
    /// all its runs, whatever came of them, without what was said.
    async fn trail(&self, job: JobId, after: Option<StepPlace>, limit: u32) -> Result<Vec<JobStep>, Error>;

    /// The next step of a job after that one, whatever its calls, with what was asked and said; decisions are passed over.
    async fn step_after(&self, job: JobId, after: Option<StepPlace>) -> Result<Option<SaidStep>, Error>;
}

/// Names a run of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub Uuid);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a run begins with.
#[derive(Clone, Debug)]
pub struct RunStart {
    /// The agent's name.
    pub agent: String,
    /// Whose it is.
    pub tenant: String,
    /// The session it belongs to.
    pub session: Option<String>,
    /// What the run must not read twice: its agent's definition, models, tools, limits, revisions. At most 1 MiB.
    pub plan: Box<RawValue>,
}

/// A run that is open under a lease.
#[derive(Clone, Debug)]
pub struct Opened {
    #[allow(missing_docs)]
    pub run: RunId,
    /// What it began with, possibly on another worker and in another version.
    pub plan: Box<RawValue>,
    /// Whether it began just now.
    pub fresh: bool,
    /// When it began, by the store's clock.
    pub started_at: Timestamp,
    /// What it has cost so far, lost calls included as far as that is known.
    pub spent: Spent,
}

/// What was used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Of calls whose price is known.
    pub cost: MicroUsd,
    #[allow(missing_docs)]
    pub usage: Usage,
    /// Calls that answered; answers from the cache are none.
    pub calls: u64,
    /// Calls whose cost is not known: no price for the model, or no answer.
    pub unknown: u64,
    /// Calls of whose cost only an estimate is known, since their provider did not say what they used. It is in `cost`.
    pub estimated: u64,
    /// Tokens held for calls whose provider did not say what they used; not in `usage`.
    pub unsaid_tokens: u64,
}

impl Spent {
    /// All tokens, in and out, with those that calls may have used and nobody counted.
    pub const fn tokens(&self) -> u64 {
        self.usage.total().saturating_add(self.unsaid_tokens)
    }
}

/// Where a step stands in its run: both numbers are given by code, from 0, without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct StepKey {
    pub thread: u32,
    pub seq: u32,
}

/// What sort of a step it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// A value that must not change when the run goes on elsewhere.
    Decision,
    /// A call of a model.
    Llm,
    /// A call of a tool that reads, or that may be repeated.
    Tool,
    /// A call that changes something outside and is not repeated blindly.
    Effect,
}

impl StepKind {
    /// The name on record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Llm => "llm",
            Self::Tool => "tool",
            Self::Effect => "effect",
        }
    }
}

/// Hash over all that determined a step: SHA-256 over the previous step's and what is new.
pub type InputHash = [u8; 32];

/// A finished step.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Step {
    pub key: StepKey,
    pub kind: StepKind,
    /// `llm:review`, `tool:read_file`, `decision:plan`.
    pub name: String,
    pub input_hash: InputHash,
    /// What was new in its input; the rest is in earlier steps.
    pub request: Option<Box<RawValue>>,
    pub response: Box<RawValue>,
    pub usage: Option<Usage>,
    pub cost: Option<MicroUsd>,
}

/// A call about to be made.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Begin {
    pub lease: Lease,
    pub run: RunId,
    pub key: StepKey,
    /// Not a decision.
    pub kind: StepKind,
    pub name: String,
    pub input_hash: InputHash,
    pub request: Option<Box<RawValue>>,
    /// What it will cost, for a call that costs something.
    pub call: Option<Call>,
    /// Begin an effect although an earlier call's outcome is not known: it was looked for and did not happen.
    pub again: bool,
}

/// What came of a [`Begin`].
#[derive(Clone, Debug)]
pub enum Begun {
    /// Make the call. Numbered from 1 within its step, over all runs of the job.
    Started {
        #[allow(missing_docs)]
        attempt: u32,
    },
    /// It was made before, with this result: make none.
    Done(Box<Step>),
    /// An effect was begun before, and whether it happened is not known: look for it first.
    Unknown,
    /// The run has another step in this place: the code or its input changed meanwhile.
    Changed {
        /// The name of the step on record; the same as the one asked for where only the input differs.
        recorded: String,
    },
    /// A budget has no room for it.
    Refused(Refused),
    /// The job is someone else's now.
    LeaseLost,
}

/// How a call ended.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct EndStep {
    pub lease: Lease,
    pub run: RunId,
    pub key: StepKey,
    /// From [`Begun::Started`].
    pub attempt: u32,
    pub outcome: StepOutcome,
    /// As the provider counts; `None` where it did not say.
    pub usage: Option<Usage>,
    /// `None` where it is not known; zero where it is known that nothing is charged. Without `usage` it is an estimate:
    /// what the call held.
    pub cost: Option<MicroUsd>,
    /// The provider's own name for the call.
    pub request_id: Option<String>,
}

/// What a call gave.
#[derive(Clone, Debug)]
pub enum StepOutcome {
    /// The step is done.
    Done(Box<RawValue>),
    /// It gave nothing; the step may be begun again. The message is for people.
    Failed {
        /// `rate_limited`, `timeout`, `cut`, ….
        code: String,
        #[allow(missing_docs)]
        message: String,
    },
}

/// What came of an [`EndStep`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It is on record.
    Recorded,
    /// Another call finished this step first; that result counts.
    DoneBefore,
    /// Only the ledger has it: the job is someone else's now.
    LeaseLost,
}

/// A step that costs nothing and changes nothing.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Note {
    pub lease: Lease,
    pub run: RunId,
    pub key: StepKey,
    /// A decision or a tool.
    pub kind: StepKind,
    pub name: String,
    pub input_hash: InputHash,
    pub request: Option<Box<RawValue>>,
    pub value: Box<RawValue>,
}

/// What came of a [`Note`].
#[derive(Clone, Debug)]
pub enum Noted {
    /// It is on record.
    Recorded,
    /// An earlier value is on record, and counts.
    Done(Box<Step>),
    /// The run has another step in this place.
    Changed {
        /// The name of the step on record.
        recorded: String,
    },
    /// The job is someone else's now.
    LeaseLost,
}

/// A step with what was asked and said in it.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct SaidStep {
    /// As call 0.
    pub place: StepPlace,
    pub kind: StepKind,
    pub name: String,
    pub request: Option<Box<RawValue>>,
    /// `None` while it is not done.
    pub response: Option<Box<RawValue>>,
}

/// A run as it is on record.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct RunRecord {
    pub run: RunId,
    pub agent: String,
    pub started_at: Timestamp,
    /// Whether another run of the same job took its place.
    pub superseded: bool,
    pub steps: Vec<StepRecord>,
}

/// A step as it is on record.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct StepRecord {
    pub key: StepKey,
    pub kind: StepKind,
    pub name: String,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    pub request: Option<Box<RawValue>>,
    /// `None` while it is not done.
    pub response: Option<Box<RawValue>>,
    /// Every call made for it, the oldest first; none for a [`Note`].
    pub calls: Vec<CallRecord>,
}

/// A call as the ledger has it.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct CallRecord {
    pub attempt: u32,
    /// `open`, `done`, `lost` (its worker died), or the code it failed with.
    pub outcome: String,
    pub message: Option<String>,
    pub provider: Option<String>,
    pub model: Option<String>,
    pub usage: Option<Usage>,
    pub cost: Option<MicroUsd>,
    /// For an answer from the cache: what it would have cost otherwise.
    pub saved: Option<MicroUsd>,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}
