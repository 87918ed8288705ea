//! What has nothing to do with the archive goes to the store as it is.

use super::{IdleSessions, Mark, Object, Shelf, transparent::Archived};
use crate::{
    admission::{Admission, Admitted, Ask, Lane, LaneState, Permit, Used},
    approvals::{Approval, ApprovalId, Approvals, AskApproval, Asked, Decision, Verdict},
    cache::{Cache, CacheName, Group, Keep, Sort},
    journal::{
        Begin, Begun, EndStep, Ended, Journal, Note, Noted, Opened, RunId, RunRecord, RunStart, SaidStep, Step, StepKey,
    },
    ledger::{Budget, Estimated, Fill, Ledger, Refused},
    sessions::{SessionEntry, SessionId},
    store::{
        AdoptSource, CancelReply, Claim, Claimed, Dependency, Error, Jobs, Lease, Live, LiveEvent, NumberedEvent,
        Promoted, QueueChange, QueueStats, Reconciled, Renewal, Rescued, Settle, Settled, Signal, Store, Submission,
        Upkeep,
    },
};
use async_trait::async_trait;
use flotilla_jobs::{
    Accepted, Filter, JobId, JobRecord, JobState, Page, Progress, StateChange,
    api::{JobStep, SpendQuery, SpendRow, StepPlace},
};
use std::time::Duration;
use tokio::sync::broadcast;

#[async_trait]
impl Jobs for Archived {
    async fn enqueue(&self, jobs: Vec<Submission>) -> Result<Vec<Accepted>, Error> {
        self.store.enqueue(jobs).await
    }

    async fn claim(&self, p: Claim<'_>) -> Result<Vec<Claimed>, Error> {
        self.store.claim(p).await
    }

    async fn renew(&self, leases: &[Lease], ttl: Duration) -> Result<Vec<Renewal>, Error> {
        self.store.renew(leases, ttl).await
    }

    async fn settle(&self, ends: Vec<Settle>) -> Result<Vec<Settled>, Error> {
        self.store.settle(ends).await
    }

    async fn cancel(&self, ids: &[JobId]) -> Result<Vec<Option<CancelReply>>, Error> {
        self.store.cancel(ids).await
    }

    async fn retry(&self, ids: &[JobId]) -> Result<Vec<bool>, Error> {
        self.store.retry(ids).await
    }

    async fn resume(&self, ids: &[JobId]) -> Result<Vec<bool>, Error> {
        self.store.resume(ids).await
    }

    async fn get(&self, id: JobId) -> Result<Option<JobRecord>, Error> {
        self.store.get(id).await
    }

    async fn list(&self, filter: &Filter, after: Option<JobId>, limit: u32) -> Result<Page, Error> {
        self.store.list(filter, after, limit).await
    }
}

#[async_trait]
impl Upkeep for Archived {
    async fn promote(&self, queues: &[String], batch: u32) -> Result<Promoted, Error> {
        self.store.promote(queues, batch).await
    }

    async fn rescue(&self, queues: &[String], batch: u32) -> Result<Vec<Rescued>, Error> {
        self.store.rescue(queues, batch).await
    }

    async fn reconcile(&self, after: Option<JobId>, min_age: Duration, batch: u32) -> Result<Reconciled, Error> {
        self.store.reconcile(after, min_age, batch).await
    }

    async fn adopt(&self, from: &AdoptSource, batch: u32) -> Result<u32, Error> {
        self.store.adopt(from, batch).await
    }

    async fn prune(&self, state: JobState, age: Duration, batch: u32) -> Result<u32, Error> {
        self.store.prune(state, age, batch).await
    }

    async fn prune_keys(&self, batch: u32) -> Result<u32, Error> {
        self.store.prune_keys(batch).await
    }

    async fn lead(&self, duties: &[String], holder: &str, ttl: Duration) -> Result<Vec<bool>, Error> {
        self.store.lead(duties, holder, ttl).await
    }

    async fn configure_queue(&self, queue: &str, change: QueueChange) -> Result<(), Error> {
        self.store.configure_queue(queue, change).await
    }

    async fn queues(&self) -> Result<Vec<QueueStats>, Error> {
        self.store.queues().await
    }

    async fn health(&self) -> Vec<Dependency> {
        self.store.health().await
    }
}

#[async_trait]
impl Live for Archived {
    async fn append(&self, events: Vec<(Lease, LiveEvent)>) -> Result<(), Error> {
        self.store.append(events).await
    }

    async fn read(&self, job: JobId, after: u64, limit: u32) -> Result<Vec<NumberedEvent>, Error> {
        self.store.read(job, after, limit).await
    }

    async fn read_many(&self, jobs: &[(JobId, u64)], limit: u32) -> Result<Vec<Vec<NumberedEvent>>, Error> {
        self.store.read_many(jobs, limit).await
    }

    async fn states(&self, jobs: &[JobId]) -> Result<Vec<Option<StateChange>>, Error> {
        self.store.states(jobs).await
    }

    async fn progress(&self, jobs: &[JobId]) -> Result<Vec<Option<Progress>>, Error> {
        self.store.progress(jobs).await
    }

    fn signals(&self) -> broadcast::Receiver<Signal> {
        self.store.signals()
    }
}

#[async_trait]
impl Journal for Archived {
    async fn open_run(&self, lease: &Lease, start: RunStart) -> Result<Option<Opened>, Error> {
        self.store.open_run(lease, start).await
    }

    async fn restart_run(&self, lease: &Lease, start: RunStart) -> Result<Option<Opened>, Error> {
        self.store.restart_run(lease, start).await
    }

    async fn steps(&self, run: RunId, after: Option<StepKey>, limit: u32) -> Result<Vec<Step>, Error> {
        self.store.steps(run, after, limit).await
    }

    async fn begin(&self, calls: Vec<Begin>) -> Result<Vec<Begun>, Error> {
        self.store.begin(calls).await
    }

    async fn end(&self, ends: Vec<EndStep>) -> Result<Vec<Ended>, Error> {
        self.store.end(ends).await
    }

    async fn note(&self, notes: Vec<Note>) -> Result<Vec<Noted>, Error> {
        self.store.note(notes).await
    }

    async fn runs(&self, job: JobId) -> Result<Vec<RunRecord>, Error> {
        self.store.runs(job).await
    }

    async fn trail(&self, job: JobId, after: Option<StepPlace>, limit: u32) -> Result<Vec<JobStep>, Error> {
        self.store.trail(job, after, limit).await
    }

    async fn step_after(&self, job: JobId, after: Option<StepPlace>) -> Result<Option<SaidStep>, Error> {
        self.store.step_after(job, after).await
    }
}

#[async_trait]
impl Ledger for Archived {
    async fn spend(&self, query: &SpendQuery) -> Result<Vec<SpendRow>, Error> {
        self.store.spend(query).await
    }

    async fn budgets(&self, budgets: &[Budget]) -> Result<Vec<Fill>, Error> {
        self.store.budgets(budgets).await
    }

    async fn void_holds(&self, batch: u32) -> Result<u32, Error> {
        self.store.void_holds(batch).await
    }

    async fn refused(&self, after: Option<JobId>, batch: u32) -> Result<Vec<(JobId, Refused)>, Error> {
        self.store.refused(after, batch).await
    }

    async fn estimates(&self) -> Result<Vec<Estimated>, Error> {
        self.store.estimates().await
    }

    async fn prune_spend(&self, age: Duration, batch: u32) -> Result<u32, Error> {
        self.store.prune_spend(age, batch).await
    }
}

#[async_trait]
impl Admission for Archived {
    async fn admit(&self, ask: &Ask) -> Result<Admitted, Error> {
        self.store.admit(ask).await
    }

    async fn release(&self, permit: Permit, used: Used) -> Result<(), Error> {
        self.store.release(permit, used).await
    }

    async fn leave(&self, lane: &Lane, holder: &str) -> Result<(), Error> {
        self.store.leave(lane, holder).await
    }

    async fn lanes(&self) -> Result<Vec<LaneState>, Error> {
        self.store.lanes().await
    }
}

#[async_trait]
impl Shelf for Archived {
    async fn idle_sessions(&self, age: Duration, after: Option<SessionId>, limit: u32) -> Result<IdleSessions, Error> {
        self.store.idle_sessions(age, after, limit).await
    }

    async fn begin_archive(&self, id: SessionId, name: &str) -> Result<Mark, Error> {
        self.store.begin_archive(id, name).await
    }

    async fn commit_archive(&self, object: &Object) -> Result<bool, Error> {
        self.store.commit_archive(object).await
    }

    async fn archived_object(&self, id: SessionId) -> Result<Option<Object>, Error> {
        self.store.archived_object(id).await
    }

    async fn restore_session(&self, object: &Object, entries: Vec<SessionEntry>, keep: bool) -> Result<bool, Error> {
        self.store.restore_session(object, entries, keep).await
    }

    async fn doomed_objects(&self, limit: u32) -> Result<Vec<String>, Error> {
        self.store.doomed_objects(limit).await
    }

    async fn object_removed(&self, name: &str, gone: bool) -> Result<(), Error> {
        self.store.object_removed(name, gone).await
    }
}

#[async_trait]
impl Approvals for Archived {
    async fn ask_approval(&self, lease: &Lease, ask: AskApproval) -> Result<Asked, Error> {
        self.store.ask_approval(lease, ask).await
    }

    async fn decide(&self, id: ApprovalId, verdict: Verdict) -> Result<Option<(Approval, bool)>, Error> {
        self.store.decide(id, verdict).await
    }

    async fn list_approvals(
        &self,
        state: Option<Decision>,
        job: Option<JobId>,
        after: Option<ApprovalId>,
        limit: u32,
    ) -> Result<Vec<Approval>, Error> {
        self.store.list_approvals(state, job, after, limit).await
    }

    async fn end_approvals(&self, batch: u32) -> Result<u32, Error> {
        self.store.end_approvals(batch).await
    }

    async fn decided_jobs(&self, batch: u32) -> Result<Vec<JobId>, Error> {
        self.store.decided_jobs(batch).await
    }
}

#[async_trait]
impl Cache for Archived {
    async fn cached(&self, name: &CacheName) -> Result<Option<Vec<u8>>, Error> {
        self.store.cached(name).await
    }

    async fn keep(&self, keep: Keep) -> Result<bool, Error> {
        self.store.keep(keep).await
    }

    fn is_apart(&self) -> bool {
        self.store.is_apart()
    }

    async fn drop_cached(&self, sort: Sort, group: Option<Group>) -> Result<u32, Error> {
        self.store.drop_cached(sort, group).await
    }
}

#[async_trait]
impl Store for Archived {
    async fn close(&self) {
        self.store.close().await;
    }

    fn pools(&self) -> Vec<(&'static str, u32, u32)> {
        self.store.pools()
    }

    fn damage(&self) -> u64 {
        self.store.damage()
    }
}
