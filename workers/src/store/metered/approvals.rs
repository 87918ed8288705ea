//! Approvals of a store whose calls are timed.

use super::Metered;
use crate::{
    approvals::{Approval, ApprovalId, Approvals, AskApproval, Asked, Decision, Verdict},
    store::{Error, Lease},
};
use async_trait::async_trait;
use flotilla_jobs::JobId;

#[async_trait]
impl Approvals for Metered {
    async fn ask_approval(&self, lease: &Lease, ask: AskApproval) -> Result<Asked, Error> {
        self.time("ask_approval", self.store.ask_approval(lease, ask)).await
    }

    async fn decide(&self, id: ApprovalId, verdict: Verdict) -> Result<Option<(Approval, bool)>, Error> {
        self.time("decide", self.store.decide(id, verdict)).await
    }

    async fn list_approvals(
        &self,
        state: Option<Decision>,
        job: Option<JobId>,
        after: Option<ApprovalId>,
        limit: u32,
    ) -> Result<Vec<Approval>, Error> {
        self.time("list_approvals", self.store.list_approvals(state, job, after, limit)).await
    }

    async fn end_approvals(&self, batch: u32) -> Result<u32, Error> {
        self.time("end_approvals", self.store.end_approvals(batch)).await
    }

    async fn decided_jobs(&self, batch: u32) -> Result<Vec<JobId>, Error> {
        self.time("decided_jobs", self.store.decided_jobs(batch)).await
    }
}
