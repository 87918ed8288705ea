//! Approvals: calls of tools that are made only once a person agreed.
//!
//! The seam between agents, operators and stores. A call is asked about before anything of it is on record in the
//! journal; its job then waits, paused, without a slot. A decision is final: the first one counts, whoever repeats it
//! or decides otherwise is told so. Nobody deciding in time is a decision too. Held by
//! `tests/conformance/approvals.rs`, on both stores.

use crate::journal::{InputHash, RunId, StepKey};
pub use crate::{lease::Lease, store::Error};
use async_trait::async_trait;
pub use flotilla_jobs::api::{Approval, ApprovalId, Approvals as ApprovalPage, Decision, Say};
use flotilla_jobs::{Invalid, JobId};
use std::time::Duration;

/// Most bytes of the arguments that are shown.
pub const MAX_SHOWN: usize = 8 << 10;
/// Most approvals of one page.
pub const MAX_PAGE: u32 = 1_000;

/// Keeps what waits for a person.
#[async_trait]
pub trait Approvals: Send + Sync {
    /// Asks whether a call may be made. What is on record for its step is answered as it stands: a run that goes on
    /// elsewhere asks for the same, and nobody is asked twice.
    async fn ask_approval(&self, lease: &Lease, ask: AskApproval) -> Result<Asked, Error>;

    /// Decides; `None` where there is no such approval. The answer is how it stands now, and whether this call decided
    /// it: one whose time is up, or whose job has ended, is decided already.
    async fn decide(&self, id: ApprovalId, verdict: Verdict) -> Result<Option<(Approval, bool)>, Error>;

    /// Approvals, the newest first, at most `limit` (1 to 1,000), those older than `after`; in this state only, and of
    /// this job only, where it is said.
    async fn list_approvals(
        &self,
        state: Option<Decision>,
        job: Option<JobId>,
        after: Option<ApprovalId>,
        limit: u32,
    ) -> Result<Vec<Approval>, Error>;

    /// Ends at most `batch` approvals whose time is up or whose job has ended; answers how many.
    async fn end_approvals(&self, batch: u32) -> Result<u32, Error>;

    /// At most `batch` paused jobs whose last run ended to wait for an approval that is decided now.
    async fn decided_jobs(&self, batch: u32) -> Result<Vec<JobId>, Error>;
}

/// A call that somebody is to agree to.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct AskApproval {
    pub run: RunId,
    pub key: StepKey,
    /// Of the step: what is approved is this call, and no other.
    pub input_hash: InputHash,
    pub tool: String,
    /// As people are shown them: at most [`MAX_SHOWN`] bytes and a little more, without secrets.
    pub arguments: String,
    /// From now, by the store's clock.
    pub timeout: Duration,
}

/// What came of asking.
#[derive(Clone, Debug)]
pub enum Asked {
    /// As it stands.
    Is(Box<Approval>),
    /// The step is on record with another call.
    Changed,
    /// The job is someone else's now.
    LeaseLost,
}

/// A decision of a person.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Verdict {
    pub approve: bool,
    pub say: Say,
}

impl Verdict {
    /// What it makes of an approval.
    pub const fn decision(&self) -> Decision {
        if self.approve { Decision::Approved } else { Decision::Denied }
    }
}

/// Whether it can be put on record.
pub(crate) fn check_ask(ask: &AskApproval) -> Result<(), Error> {
    let most = MAX_SHOWN + 256;
    if ask.arguments.len() > most {
        let what = format!("are {} bytes long; at most {most} are shown", ask.arguments.len());
        return Err(Invalid::new("arguments", what).into());
    }
    Ok(())
}

/// Decides, and lets the job go on at once. Where it is only about to be paused, it goes on when somebody looks next
/// (`loops/approvals.rs`).
pub async fn decide(
    store: &dyn crate::store::Store,
    id: ApprovalId,
    verdict: Verdict,
) -> Result<Option<(Approval, bool)>, Error> {
    verdict.say.check()?;
    let decided = store.decide(id, verdict).await?;
    if let Some((approval, true)) = &decided {
        // The decision is on record; that the job hears of it later is no reason to say that it is not.
        if let Err(error) = store.resume(&[approval.job]).await {
            tracing::warn!(job = %approval.job, %error, "a decided job could not be resumed at once");
        }
    }
    Ok(decided)
}
