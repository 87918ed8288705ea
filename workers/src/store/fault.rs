//! A store that can be made to fail, for tests: down, up again, or working but silent.

mod admission;
mod approvals;
mod archive;
mod borders;
mod cache;

use super::{
    AdoptSource, CancelReply, Claim, Claimed, Dependency, Error, Jobs, Lease, Live, LiveEvent, NumberedEvent, Promoted,
    QueueChange, QueueStats, Reconciled, Renewal, Rescued, Settle, Settled, Signal, Store, Submission, Upkeep,
};
use crate::{
    journal::{
        Begin, Begun, EndStep, Ended, Journal, Note, Noted, Opened, RunId, RunRecord, RunStart, SaidStep, Step, StepKey,
    },
    ledger::{Budget, Estimated, Fill, Ledger, Refused},
    sessions::{
        Message, NewSession, Origin, Post, Posted, Room, Session, SessionChange, SessionEntry, SessionId, SessionPage,
        Sessions, Turn,
    },
};
use async_trait::async_trait;
use borders::Borders;
use flotilla_jobs::{
    Accepted, Filter, JobId, JobRecord, JobState, Page, Progress, StateChange,
    api::{JobStep, SpendQuery, SpendRow, StepPlace},
};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Notify, broadcast};

/// The switches of a store made by [`faulty`].
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<State>);

#[derive(Debug, Default)]
struct State {
    down: AtomicBool,
    /// The operation whose next answer is lost.
    lose: Mutex<Option<&'static str>>,
    /// The operation whose next call is refused for good.
    refuse: Mutex<Option<&'static str>>,
    failed: Notify,
    borders: Borders,
}

/// `store` behind switches that make its calls fail.
pub fn faulty(store: Arc<dyn Store>) -> (Arc<dyn Store>, Faults) {
    let faults = Faults::default();
    (Arc::new(Faulty { store, faults: faults.clone() }), faults)
}

impl Faults {
    /// From now on every call fails, and does nothing.
    pub fn down(&self) {
        self.0.down.store(true, Ordering::SeqCst);
    }

    /// From now on calls work.
    pub fn up(&self) {
        self.0.down.store(false, Ordering::SeqCst);
    }

    /// The next call of `operation` works, but its caller does not hear so.
    pub fn lose_reply(&self, operation: &'static str) {
        *self.0.lose.lock().unwrap_or_else(PoisonError::into_inner) = Some(operation);
    }

    /// The next call of `operation` is refused in a way that trying again does not help.
    pub fn refuse(&self, operation: &'static str) {
        *self.0.refuse.lock().unwrap_or_else(PoisonError::into_inner) = Some(operation);
    }

    /// From the n-th border on, counted from 1, no call is answered any more: as if the process had died there. Only
    /// operations that run a job count; each has a border before it and one after it.
    pub fn die_at(&self, border: usize) {
        self.0.borders.die_at(border);
    }

    /// Returns once it has died.
    pub async fn died(&self) {
        self.0.borders.died().await;
    }

    /// Returns when the next call has failed.
    pub async fn failed(&self) {
        self.0.failed.notified().await;
    }

    async fn pass<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        self.0.borders.cross(operation).await;
        if self.0.down.load(Ordering::SeqCst) {
            return Err(self.fail("down"));
        }
        if take(&self.0.refuse, operation) {
            self.0.failed.notify_one();
            return Err(Error::Corrupt { what: "fault", detail: format!("{operation} is refused") });
        }
        let answer = call.await;
        self.0.borders.cross(operation).await;
        if take(&self.0.lose, operation) {
            return Err(self.fail("reply lost"));
        }
        answer
    }

    fn fail(&self, detail: &str) -> Error {
        self.0.failed.notify_one();
        Error::Unavailable { what: "fault", detail: detail.to_owned() }
    }
}

fn take(of: &Mutex<Option<&'static str>>, operation: &str) -> bool {
    of.lock().unwrap_or_else(PoisonError::into_inner).take_if(|one| *one == operation).is_some()
}

struct Faulty {
    store: Arc<dyn Store>,
    faults: Faults,
}

#[async_trait]
impl Jobs for Faulty {
    async fn enqueue(&self, jobs: Vec<Submission>) -> Result<Vec<Accepted>, Error> {
        self.faults.pass("enqueue", self.store.enqueue(jobs)).await
    }

    async fn claim(&self, p: Claim<'_>) -> Result<Vec<Claimed>, Error> {
        self.faults.pass("claim", self.store.claim(p)).await
    }

    async fn renew(&self, leases: &[Lease], ttl: Duration) -> Result<Vec<Renewal>, Error> {
        self.faults.pass("renew", self.store.renew(leases, ttl)).await
    }

    async fn settle(&self, ends: Vec<Settle>) -> Result<Vec<Settled>, Error> {
        self.faults.pass("settle", self.store.settle(ends)).await
    }

    async fn cancel(&self, ids: &[JobId]) -> Result<Vec<Option<CancelReply>>, Error> {
        self.faults.pass("cancel", self.store.cancel(ids)).await
    }

    async fn retry(&self, ids: &[JobId]) -> Result<Vec<bool>, Error> {
        self.faults.pass("retry", self.store.retry(ids)).await
    }

    async fn resume(&self, ids: &[JobId]) -> Result<Vec<bool>, Error> {
        self.faults.pass("resume", self.store.resume(ids)).await
    }

    async fn get(&self, id: JobId) -> Result<Option<JobRecord>, Error> {
        self.faults.pass("get", self.store.get(id)).await
    }

    async fn list(&self, filter: &Filter, after: Option<JobId>, limit: u32) -> Result<Page, Error> {
        self.faults.pass("list", self.store.list(filter, after, limit)).await
    }
}

#[async_trait]
impl Upkeep for Faulty {
    async fn promote(&self, queues: &[String], batch: u32) -> Result<Promoted, Error> {
        self.faults.pass("promote", self.store.promote(queues, batch)).await
    }

    async fn rescue(&self, queues: &[String], batch: u32) -> Result<Vec<Rescued>, Error> {
        self.faults.pass("rescue", self.store.rescue(queues, batch)).await
    }

    async fn reconcile(&self, after: Option<JobId>, min_age: Duration, batch: u32) -> Result<Reconciled, Error> {
        self.faults.pass("reconcile", self.store.reconcile(after, min_age, batch)).await
    }

    async fn adopt(&self, from: &AdoptSource, batch: u32) -> Result<u32, Error> {
        self.faults.pass("adopt", self.store.adopt(from, batch)).await
    }

    async fn prune(&self, state: JobState, age: Duration, batch: u32) -> Result<u32, Error> {
        self.faults.pass("prune", self.store.prune(state, age, batch)).await
    }

    async fn prune_keys(&self, batch: u32) -> Result<u32, Error> {
        self.faults.pass("prune_keys", self.store.prune_keys(batch)).await
    }

    async fn lead(&self, duties: &[String], holder: &str, ttl: Duration) -> Result<Vec<bool>, Error> {
        self.faults.pass("lead", self.store.lead(duties, holder, ttl)).await
    }

    async fn configure_queue(&self, queue: &str, change: QueueChange) -> Result<(), Error> {
        self.faults.pass("configure_queue", self.store.configure_queue(queue, change)).await
    }

    async fn queues(&self) -> Result<Vec<QueueStats>, Error> {
        self.faults.pass("queues", self.store.queues()).await
    }

    async fn health(&self) -> Vec<Dependency> {
        let mut answers = self.store.health().await;
        if self.faults.0.down.load(Ordering::SeqCst) {
            for dependency in &mut answers {
                dependency.ok = false;
            }
        }
        answers
    }
}

#[async_trait]
impl Live for Faulty {
    async fn append(&self, events: Vec<(Lease, LiveEvent)>) -> Result<(), Error> {
        self.faults.pass("append", self.store.append(events)).await
    }

    async fn read(&self, job: JobId, after: u64, limit: u32) -> Result<Vec<NumberedEvent>, Error> {
        self.faults.pass("read", self.store.read(job, after, limit)).await
    }

    async fn read_many(&self, jobs: &[(JobId, u64)], limit: u32) -> Result<Vec<Vec<NumberedEvent>>, Error> {
        self.faults.pass("read_many", self.store.read_many(jobs, limit)).await
    }

    async fn states(&self, jobs: &[JobId]) -> Result<Vec<Option<StateChange>>, Error> {
        self.faults.pass("states", self.store.states(jobs)).await
    }

    async fn progress(&self, jobs: &[JobId]) -> Result<Vec<Option<Progress>>, Error> {
        self.faults.pass("progress", self.store.progress(jobs)).await
    }

    fn signals(&self) -> broadcast::Receiver<Signal> {
        self.store.signals()
    }
}

#[async_trait]
impl Journal for Faulty {
    async fn open_run(&self, lease: &Lease, start: RunStart) -> Result<Option<Opened>, Error> {
        self.faults.pass("open_run", self.store.open_run(lease, start)).await
    }

    async fn restart_run(&self, lease: &Lease, start: RunStart) -> Result<Option<Opened>, Error> {
        self.faults.pass("restart_run", self.store.restart_run(lease, start)).await
    }

    async fn steps(&self, run: RunId, after: Option<StepKey>, limit: u32) -> Result<Vec<Step>, Error> {
        self.faults.pass("steps", self.store.steps(run, after, limit)).await
    }

    async fn begin(&self, calls: Vec<Begin>) -> Result<Vec<Begun>, Error> {
        self.faults.pass("begin", self.store.begin(calls)).await
    }

    async fn end(&self, ends: Vec<EndStep>) -> Result<Vec<Ended>, Error> {
        self.faults.pass("end", self.store.end(ends)).await
    }

    async fn note(&self, notes: Vec<Note>) -> Result<Vec<Noted>, Error> {
        self.faults.pass("note", self.store.note(notes)).await
    }

    async fn runs(&self, job: JobId) -> Result<Vec<RunRecord>, Error> {
        self.faults.pass("runs", self.store.runs(job)).await
    }

    async fn trail(&self, job: JobId, after: Option<StepPlace>, limit: u32) -> Result<Vec<JobStep>, Error> {
        self.faults.pass("trail", self.store.trail(job, after, limit)).await
    }

    async fn step_after(&self, job: JobId, after: Option<StepPlace>) -> Result<Option<SaidStep>, Error> {
        self.faults.pass("step_after", self.store.step_after(job, after)).await
    }
}

#[async_trait]
impl Ledger for Faulty {
    async fn spend(&self, query: &SpendQuery) -> Result<Vec<SpendRow>, Error> {
        self.faults.pass("spend", self.store.spend(query)).await
    }

    async fn budgets(&self, budgets: &[Budget]) -> Result<Vec<Fill>, Error> {
        self.faults.pass("budgets", self.store.budgets(budgets)).await
    }

    async fn void_holds(&self, batch: u32) -> Result<u32, Error> {
        self.faults.pass("void_holds", self.store.void_holds(batch)).await
    }

    async fn refused(&self, after: Option<JobId>, batch: u32) -> Result<Vec<(JobId, Refused)>, Error> {
        self.faults.pass("refused", self.store.refused(after, batch)).await
    }

    async fn estimates(&self) -> Result<Vec<Estimated>, Error> {
        self.faults.pass("estimates", self.store.estimates()).await
    }

    async fn prune_spend(&self, age: Duration, batch: u32) -> Result<u32, Error> {
        self.faults.pass("prune_spend", self.store.prune_spend(age, batch)).await
    }
}

#[async_trait]
impl Sessions for Faulty {
    async fn open_session(&self, new: NewSession) -> Result<Session, Error> {
        self.faults.pass("open_session", self.store.open_session(new)).await
    }

    async fn session(&self, id: SessionId) -> Result<Option<Session>, Error> {
        self.faults.pass("session", self.store.session(id)).await
    }

    async fn change_session(&self, id: SessionId, change: SessionChange) -> Result<Option<Session>, Error> {
        self.faults.pass("change_session", self.store.change_session(id, change)).await
    }

    async fn list_sessions(
        &self,
        tenant: Option<&str>,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<SessionPage, Error> {
        self.faults.pass("list_sessions", self.store.list_sessions(tenant, after, limit)).await
    }

    async fn post(&self, posts: Vec<Post>) -> Result<Vec<Posted>, Error> {
        self.faults.pass("post", self.store.post(posts)).await
    }

    async fn begin_turn(&self, lease: &Lease) -> Result<Turn, Error> {
        self.faults.pass("begin_turn", self.store.begin_turn(lease)).await
    }

    async fn hear(&self, lease: &Lease, after: u64) -> Result<Option<Vec<SessionEntry>>, Error> {
        self.faults.pass("hear", self.store.hear(lease, after)).await
    }

    async fn branch(&self, session: SessionId, from: Option<u64>, room: Room) -> Result<Vec<SessionEntry>, Error> {
        self.faults.pass("branch", self.store.branch(session, from, room)).await
    }

    async fn entries(&self, session: SessionId, after: u64, limit: u32) -> Result<Vec<SessionEntry>, Error> {
        self.faults.pass("entries", self.store.entries(session, after, limit)).await
    }

    async fn message_of(&self, job: JobId) -> Result<Option<Message>, Error> {
        self.faults.pass("message_of", self.store.message_of(job)).await
    }

    async fn fork(&self, origin: Origin, new: NewSession) -> Result<Option<Session>, Error> {
        self.faults.pass("fork", self.store.fork(origin, new)).await
    }

    async fn delete_session(&self, id: SessionId) -> Result<bool, Error> {
        self.faults.pass("delete_session", self.store.delete_session(id)).await
    }
}

#[async_trait]
impl Store for Faulty {
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
