//! A store whose calls are timed.

mod approvals;
mod cache;

use super::{
    AdoptSource, CancelReply, Claim, Claimed, Dependency, Error, Jobs, Lease, Live, LiveEvent, NumberedEvent, Promoted,
    QueueChange, QueueStats, Reconciled, Renewal, Rescued, Settle, Settled, Signal, Store, Submission, Upkeep,
};
use crate::{
    admission::{Admission, Admitted, Ask, Lane, LaneState, Permit, Used},
    archive::{IdleSessions, Mark, Object, Shelf},
    journal::{
        Begin, Begun, EndStep, Ended, Journal, Note, Noted, Opened, RunId, RunRecord, RunStart, SaidStep, Step, StepKey,
    },
    ledger::{Budget, Estimated, Fill, Ledger, Refused},
    metrics::Metrics,
    sessions::{
        Message, NewSession, Origin, Post, Posted, Room, Session, SessionChange, SessionEntry, SessionId, SessionPage,
        Sessions, Turn,
    },
};
use async_trait::async_trait;
use flotilla_jobs::{
    Accepted, Filter, JobId, JobRecord, JobState, Page, Progress, StateChange,
    api::{JobStep, SpendQuery, SpendRow, StepPlace},
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::broadcast, time::Instant};

/// `store`, with every call counted in `flotilla_store_call_seconds` under the label `name`.
pub fn metered(store: Arc<dyn Store>, name: &'static str, metrics: Arc<Metrics>) -> Arc<dyn Store> {
    Arc::new(Metered { store, name, metrics })
}

struct Metered {
    store: Arc<dyn Store>,
    name: &'static str,
    metrics: Arc<Metrics>,
}

impl Metered {
    async fn time<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        let start = Instant::now();
        let answer = call.await;
        self.metrics.store_call(self.name, operation, start.elapsed(), answer.is_ok());
        answer
    }
}

#[async_trait]
impl Jobs for Metered {
    async fn enqueue(&self, jobs: Vec<Submission>) -> Result<Vec<Accepted>, Error> {
        self.time("enqueue", self.store.enqueue(jobs)).await
    }

    async fn claim(&self, p: Claim<'_>) -> Result<Vec<Claimed>, Error> {
        self.time("claim", self.store.claim(p)).await
    }

    async fn renew(&self, leases: &[Lease], ttl: Duration) -> Result<Vec<Renewal>, Error> {
        self.time("renew", self.store.renew(leases, ttl)).await
    }

    async fn settle(&self, ends: Vec<Settle>) -> Result<Vec<Settled>, Error> {
        self.time("settle", self.store.settle(ends)).await
    }

    async fn cancel(&self, ids: &[JobId]) -> Result<Vec<Option<CancelReply>>, Error> {
        self.time("cancel", self.store.cancel(ids)).await
    }

    async fn retry(&self, ids: &[JobId]) -> Result<Vec<bool>, Error> {
        self.time("retry", self.store.retry(ids)).await
    }

    async fn resume(&self, ids: &[JobId]) -> Result<Vec<bool>, Error> {
        self.time("resume", self.store.resume(ids)).await
    }

    async fn get(&self, id: JobId) -> Result<Option<JobRecord>, Error> {
        self.time("get", self.store.get(id)).await
    }

    async fn list(&self, filter: &Filter, after: Option<JobId>, limit: u32) -> Result<Page, Error> {
        self.time("list", self.store.list(filter, after, limit)).await
    }
}

#[async_trait]
impl Upkeep for Metered {
    async fn promote(&self, queues: &[String], batch: u32) -> Result<Promoted, Error> {
        self.time("promote", self.store.promote(queues, batch)).await
    }

    async fn rescue(&self, queues: &[String], batch: u32) -> Result<Vec<Rescued>, Error> {
        self.time("rescue", self.store.rescue(queues, batch)).await
    }

    async fn reconcile(&self, after: Option<JobId>, min_age: Duration, batch: u32) -> Result<Reconciled, Error> {
        self.time("reconcile", self.store.reconcile(after, min_age, batch)).await
    }

    async fn adopt(&self, from: &AdoptSource, batch: u32) -> Result<u32, Error> {
        self.time("adopt", self.store.adopt(from, batch)).await
    }

    async fn prune(&self, state: JobState, age: Duration, batch: u32) -> Result<u32, Error> {
        self.time("prune", self.store.prune(state, age, batch)).await
    }

    async fn prune_keys(&self, batch: u32) -> Result<u32, Error> {
        self.time("prune_keys", self.store.prune_keys(batch)).await
    }

    async fn lead(&self, duties: &[String], holder: &str, ttl: Duration) -> Result<Vec<bool>, Error> {
        self.time("lead", self.store.lead(duties, holder, ttl)).await
    }

    async fn configure_queue(&self, queue: &str, change: QueueChange) -> Result<(), Error> {
        self.time("configure_queue", self.store.configure_queue(queue, change)).await
    }

    async fn queues(&self) -> Result<Vec<QueueStats>, Error> {
        self.time("queues", self.store.queues()).await
    }

    async fn health(&self) -> Vec<Dependency> {
        self.store.health().await
    }
}

#[async_trait]
impl Live for Metered {
    async fn append(&self, events: Vec<(Lease, LiveEvent)>) -> Result<(), Error> {
        self.time("append", self.store.append(events)).await
    }

    async fn read(&self, job: JobId, after: u64, limit: u32) -> Result<Vec<NumberedEvent>, Error> {
        self.time("read", self.store.read(job, after, limit)).await
    }

    async fn read_many(&self, jobs: &[(JobId, u64)], limit: u32) -> Result<Vec<Vec<NumberedEvent>>, Error> {
        self.time("read_many", self.store.read_many(jobs, limit)).await
    }

    async fn states(&self, jobs: &[JobId]) -> Result<Vec<Option<StateChange>>, Error> {
        self.time("states", self.store.states(jobs)).await
    }

    async fn progress(&self, jobs: &[JobId]) -> Result<Vec<Option<Progress>>, Error> {
        self.time("progress", self.store.progress(jobs)).await
    }

    fn signals(&self) -> broadcast::Receiver<Signal> {
        self.store.signals()
    }
}

#[async_trait]
impl Journal for Metered {
    async fn open_run(&self, lease: &Lease, start: RunStart) -> Result<Option<Opened>, Error> {
        self.time("open_run", self.store.open_run(lease, start)).await
    }

    async fn restart_run(&self, lease: &Lease, start: RunStart) -> Result<Option<Opened>, Error> {
        self.time("restart_run", self.store.restart_run(lease, start)).await
    }

    async fn steps(&self, run: RunId, after: Option<StepKey>, limit: u32) -> Result<Vec<Step>, Error> {
        self.time("steps", self.store.steps(run, after, limit)).await
    }

    async fn begin(&self, calls: Vec<Begin>) -> Result<Vec<Begun>, Error> {
        self.time("begin", self.store.begin(calls)).await
    }

    async fn end(&self, ends: Vec<EndStep>) -> Result<Vec<Ended>, Error> {
        self.time("end", self.store.end(ends)).await
    }

    async fn note(&self, notes: Vec<Note>) -> Result<Vec<Noted>, Error> {
        self.time("note", self.store.note(notes)).await
    }

    async fn runs(&self, job: JobId) -> Result<Vec<RunRecord>, Error> {
        self.time("runs", self.store.runs(job)).await
    }

    async fn trail(&self, job: JobId, after: Option<StepPlace>, limit: u32) -> Result<Vec<JobStep>, Error> {
        self.time("trail", self.store.trail(job, after, limit)).await
    }

    async fn step_after(&self, job: JobId, after: Option<StepPlace>) -> Result<Option<SaidStep>, Error> {
        self.time("step_after", self.store.step_after(job, after)).await
    }
}

#[async_trait]
impl Ledger for Metered {
    async fn spend(&self, query: &SpendQuery) -> Result<Vec<SpendRow>, Error> {
        self.time("spend", self.store.spend(query)).await
    }

    async fn budgets(&self, budgets: &[Budget]) -> Result<Vec<Fill>, Error> {
        self.time("budgets", self.store.budgets(budgets)).await
    }

    async fn void_holds(&self, batch: u32) -> Result<u32, Error> {
        self.time("void_holds", self.store.void_holds(batch)).await
    }

    async fn refused(&self, after: Option<JobId>, batch: u32) -> Result<Vec<(JobId, Refused)>, Error> {
        self.time("refused", self.store.refused(after, batch)).await
    }

    async fn estimates(&self) -> Result<Vec<Estimated>, Error> {
        self.time("estimates", self.store.estimates()).await
    }

    async fn prune_spend(&self, age: Duration, batch: u32) -> Result<u32, Error> {
        self.time("prune_spend", self.store.prune_spend(age, batch)).await
    }
}

#[async_trait]
impl Admission for Metered {
    async fn admit(&self, ask: &Ask) -> Result<Admitted, Error> {
        self.time("admit", self.store.admit(ask)).await
    }

    async fn release(&self, permit: Permit, used: Used) -> Result<(), Error> {
        self.time("release", self.store.release(permit, used)).await
    }

    async fn leave(&self, lane: &Lane, holder: &str) -> Result<(), Error> {
        self.time("leave", self.store.leave(lane, holder)).await
    }

    async fn lanes(&self) -> Result<Vec<LaneState>, Error> {
        self.time("lanes", self.store.lanes()).await
    }
}

#[async_trait]
impl Sessions for Metered {
    async fn open_session(&self, new: NewSession) -> Result<Session, Error> {
        self.time("open_session", self.store.open_session(new)).await
    }

    async fn session(&self, id: SessionId) -> Result<Option<Session>, Error> {
        self.time("session", self.store.session(id)).await
    }

    async fn change_session(&self, id: SessionId, change: SessionChange) -> Result<Option<Session>, Error> {
        self.time("change_session", self.store.change_session(id, change)).await
    }

    async fn list_sessions(
        &self,
        tenant: Option<&str>,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<SessionPage, Error> {
        self.time("list_sessions", self.store.list_sessions(tenant, after, limit)).await
    }

    async fn post(&self, posts: Vec<Post>) -> Result<Vec<Posted>, Error> {
        self.time("post", self.store.post(posts)).await
    }

    async fn begin_turn(&self, lease: &Lease) -> Result<Turn, Error> {
        self.time("begin_turn", self.store.begin_turn(lease)).await
    }

    async fn hear(&self, lease: &Lease, after: u64) -> Result<Option<Vec<SessionEntry>>, Error> {
        self.time("hear", self.store.hear(lease, after)).await
    }

    async fn branch(&self, session: SessionId, from: Option<u64>, room: Room) -> Result<Vec<SessionEntry>, Error> {
        self.time("branch", self.store.branch(session, from, room)).await
    }

    async fn entries(&self, session: SessionId, after: u64, limit: u32) -> Result<Vec<SessionEntry>, Error> {
        self.time("entries", self.store.entries(session, after, limit)).await
    }

    async fn message_of(&self, job: JobId) -> Result<Option<Message>, Error> {
        self.time("message_of", self.store.message_of(job)).await
    }

    async fn fork(&self, origin: Origin, new: NewSession) -> Result<Option<Session>, Error> {
        self.time("fork", self.store.fork(origin, new)).await
    }

    async fn delete_session(&self, id: SessionId) -> Result<bool, Error> {
        self.time("delete_session", self.store.delete_session(id)).await
    }
}

#[async_trait]
impl Shelf for Metered {
    async fn idle_sessions(&self, age: Duration, after: Option<SessionId>, limit: u32) -> Result<IdleSessions, Error> {
        self.time("idle_sessions", self.store.idle_sessions(age, after, limit)).await
    }

    async fn begin_archive(&self, id: SessionId, name: &str) -> Result<Mark, Error> {
        self.time("begin_archive", self.store.begin_archive(id, name)).await
    }

    async fn commit_archive(&self, object: &Object) -> Result<bool, Error> {
        self.time("commit_archive", self.store.commit_archive(object)).await
    }

    async fn archived_object(&self, id: SessionId) -> Result<Option<Object>, Error> {
        self.time("archived_object", self.store.archived_object(id)).await
    }

    async fn restore_session(&self, object: &Object, entries: Vec<SessionEntry>, keep: bool) -> Result<bool, Error> {
        self.time("restore_session", self.store.restore_session(object, entries, keep)).await
    }

    async fn doomed_objects(&self, limit: u32) -> Result<Vec<String>, Error> {
        self.time("doomed_objects", self.store.doomed_objects(limit)).await
    }

    async fn object_removed(&self, name: &str, gone: bool) -> Result<(), Error> {
        self.time("object_removed", self.store.object_removed(name, gone)).await
    }
}

#[async_trait]
impl Store for Metered {
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
