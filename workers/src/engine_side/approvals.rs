//! What agents ask of people, done on the engine's runtime.

use super::EngineSide;
use crate::{
    approvals::{Approval, ApprovalId, Approvals, AskApproval, Asked, Decision, Verdict},
    store::{Error, Lease},
};
use async_trait::async_trait;
use flotilla_jobs::JobId;

#[async_trait]
impl Approvals for EngineSide {
    async fn ask_approval(&self, lease: &Lease, ask: AskApproval) -> Result<Asked, Error> {
        let lease = lease.clone();
        self.call(move |store| async move { store.ask_approval(&lease, ask).await }).await
    }

    async fn decide(&self, id: ApprovalId, verdict: Verdict) -> Result<Option<(Approval, bool)>, Error> {
        self.call(move |store| async move { store.decide(id, verdict).await }).await
    }

    async fn list_approvals(
        &self,
        state: Option<Decision>,
        job: Option<JobId>,
        after: Option<ApprovalId>,
        limit: u32,
    ) -> Result<Vec<Approval>, Error> {
        self.call(move |store| async move { store.list_approvals(state, job, after, limit).await }).await
    }

    async fn end_approvals(&self, batch: u32) -> Result<u32, Error> {
        self.call(move |store| async move { store.end_approvals(batch).await }).await
    }

    async fn decided_jobs(&self, batch: u32) -> Result<Vec<JobId>, Error> {
        self.call(move |store| async move { store.decided_jobs(batch).await }).await
    }
}
