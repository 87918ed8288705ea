//! Approvals of a store that can be made to fail.

use super::Faulty;
use crate::{
    approvals::{Approval, ApprovalId, Approvals, AskApproval, Asked, Decision, Verdict},
    store::{Error, Lease},
};
use async_trait::async_trait;
use flotilla_jobs::JobId;

#[async_trait]
impl Approvals for Faulty {
    async fn ask_approval(&self, lease: &Lease, ask: AskApproval) -> Result<Asked, Error> {
        self.faults.pass("ask_approval", self.store.ask_approval(lease, ask)).await
    }

    async fn decide(&self, id: ApprovalId, verdict: Verdict) -> Result<Option<(Approval, bool)>, Error> {
        self.faults.pass("decide", self.store.decide(id, verdict)).await
    }

    async fn list_approvals(
        &self,
        state: Option<Decision>,
        job: Option<JobId>,
        after: Option<ApprovalId>,
        limit: u32,
    ) -> Result<Vec<Approval>, Error> {
        self.faults.pass("list_approvals", self.store.list_approvals(state, job, after, limit)).await
    }

    async fn end_approvals(&self, batch: u32) -> Result<u32, Error> {
        self.faults.pass("end_approvals", self.store.end_approvals(batch)).await
    }

    async fn decided_jobs(&self, batch: u32) -> Result<Vec<JobId>, Error> {
        self.faults.pass("decided_jobs", self.store.decided_jobs(batch)).await
    }
}
