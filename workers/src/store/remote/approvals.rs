//! Approvals of the joined store: all of it is on record; the queue knows nothing of them.

use super::Remote;
use crate::{
    approvals::{Approval, ApprovalId, Approvals, AskApproval, Asked, Decision, Verdict, check_ask},
    store::{Error, Lease},
};
use async_trait::async_trait;
use flotilla_jobs::JobId;

#[async_trait]
impl Approvals for Remote {
    async fn ask_approval(&self, lease: &Lease, ask: AskApproval) -> Result<Asked, Error> {
        check_ask(&ask)?;
        self.record.ask_approval(lease, &ask).await
    }

    async fn decide(&self, id: ApprovalId, verdict: Verdict) -> Result<Option<(Approval, bool)>, Error> {
        verdict.say.check()?;
        self.record.decide(id, &verdict).await
    }

    async fn list_approvals(
        &self,
        state: Option<Decision>,
        job: Option<JobId>,
        after: Option<ApprovalId>,
        limit: u32,
    ) -> Result<Vec<Approval>, Error> {
        self.record.list_approvals(state, job, after, limit).await
    }

    async fn end_approvals(&self, batch: u32) -> Result<u32, Error> {
        self.record.end_approvals(batch).await
    }

    async fn decided_jobs(&self, batch: u32) -> Result<Vec<JobId>, Error> {
        self.record.decided_jobs(batch).await
    }
}
