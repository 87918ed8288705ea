//! What handlers ask of the store, done on the engine's runtime.
//!
//! Handlers run on threads of their own, and what waits there belongs to a small runtime beside (`crew.rs`). A
//! connection to the store must not: a handler that blocks that runtime would hold up whoever uses the connection next.
//! So each call is a task of the engine's runtime. It goes on when its caller is dropped, for as long as the store's own
//! limits let a call take: what was paid for is then on record although nobody waits for it any more.

mod approvals;
mod cache;

use crate::{
    admission::{Admission, Admitted, Ask, Lane, LaneState, Permit, Used},
    journal::{
        Begin, Begun, EndStep, Ended, Journal, Note, Noted, Opened, RunId, RunRecord, RunStart, SaidStep, Step, StepKey,
    },
    ledger::{Budget, Estimated, Fill, Ledger, Refused},
    sessions::{
        Message, NewSession, Origin, Post, Posted, Room, Session, SessionChange, SessionEntry, SessionId, SessionPage,
        Sessions, Turn,
    },
    store::{Error, Lease, NumberedEvent, Store},
};
use async_trait::async_trait;
use flotilla_jobs::{
    JobId, JobState,
    api::{JobStep, SpendQuery, SpendRow, StepPlace},
};
use futures_util::future::{BoxFuture, ready};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::{runtime::Handle, sync::OnceCell};

/// Opens a store; says what is wrong with it in words for people.
pub type Open = Box<dyn Fn() -> BoxFuture<'static, Result<Arc<dyn Store>, String>> + Send + Sync>;

/// A store, from a handler's side.
#[derive(Clone)]
pub struct EngineSide {
    store: Arc<OnceCell<Arc<dyn Store>>>,
    open: Arc<Open>,
    engine: Handle,
}

impl EngineSide {
    /// Must be called on the engine's runtime.
    pub fn new(store: Arc<dyn Store>) -> Self {
        let opened = Arc::clone(&store);
        let side = Self::opening(Box::new(move || Box::pin(ready(Ok(Arc::clone(&opened))))));
        Self { store: Arc::new(OnceCell::new_with(Some(store))), ..side }
    }

    /// A store that is opened when it is first needed, and tried again until it opens. Must be called on the engine's
    /// runtime.
    pub fn opening(open: Open) -> Self {
        Self { store: Arc::default(), open: Arc::new(open), engine: Handle::current() }
    }

    /// The store, if it was needed so far.
    pub fn opened(&self) -> Option<&Arc<dyn Store>> {
        self.store.get()
    }

    /// What a job has said so far: events of its live output with a number above `after`, in order, at most `limit`.
    pub async fn said(&self, job: JobId, after: u64, limit: u32) -> Result<Vec<NumberedEvent>, Error> {
        self.call(move |store| async move { store.read(job, after, limit).await }).await
    }

    /// The state of a job; `None` where it is not on record.
    pub async fn state(&self, job: JobId) -> Result<Option<JobState>, Error> {
        let states = self.call(move |store| async move { store.states(&[job]).await }).await?;
        Ok(states.into_iter().flatten().next().map(|change| change.state))
    }

    async fn call<T, F>(&self, call: impl FnOnce(Arc<dyn Store>) -> F + Send + 'static) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let side = self.clone();
        let answer = self.engine.spawn(async move {
            let store = side.store.get_or_try_init(|| (side.open)()).await.map_err(unavailable)?;
            call(Arc::clone(store)).await
        });
        answer.await.unwrap_or_else(|error| Err(unavailable(error.to_string())))
    }
}

fn unavailable(detail: String) -> Error {
    Error::Unavailable { what: "store", detail }
}

#[async_trait]
impl Journal for EngineSide {
    async fn open_run(&self, lease: &Lease, start: RunStart) -> Result<Option<Opened>, Error> {
        let lease = lease.clone();
        self.call(move |store| async move { store.open_run(&lease, start).await }).await
    }

    async fn restart_run(&self, lease: &Lease, start: RunStart) -> Result<Option<Opened>, Error> {
        let lease = lease.clone();
        self.call(move |store| async move { store.restart_run(&lease, start).await }).await
    }

    async fn steps(&self, run: RunId, after: Option<StepKey>, limit: u32) -> Result<Vec<Step>, Error> {
        self.call(move |store| async move { store.steps(run, after, limit).await }).await
    }

    async fn begin(&self, calls: Vec<Begin>) -> Result<Vec<Begun>, Error> {
        self.call(move |store| async move { store.begin(calls).await }).await
    }

    async fn end(&self, ends: Vec<EndStep>) -> Result<Vec<Ended>, Error> {
        self.call(move |store| async move { store.end(ends).await }).await
    }

    async fn note(&self, notes: Vec<Note>) -> Result<Vec<Noted>, Error> {
        self.call(move |store| async move { store.note(notes).await }).await
    }

    async fn runs(&self, job: JobId) -> Result<Vec<RunRecord>, Error> {
        self.call(move |store| async move { store.runs(job).await }).await
    }

    async fn trail(&self, job: JobId, after: Option<StepPlace>, limit: u32) -> Result<Vec<JobStep>, Error> {
        self.call(move |store| async move { store.trail(job, after, limit).await }).await
    }

    async fn step_after(&self, job: JobId, after: Option<StepPlace>) -> Result<Option<SaidStep>, Error> {
        self.call(move |store| async move { store.step_after(job, after).await }).await
    }
}

#[async_trait]
impl Ledger for EngineSide {
    async fn spend(&self, query: &SpendQuery) -> Result<Vec<SpendRow>, Error> {
        let query = query.clone();
        self.call(move |store| async move { store.spend(&query).await }).await
    }

    async fn budgets(&self, budgets: &[Budget]) -> Result<Vec<Fill>, Error> {
        let budgets = budgets.to_vec();
        self.call(move |store| async move { store.budgets(&budgets).await }).await
    }

    async fn void_holds(&self, batch: u32) -> Result<u32, Error> {
        self.call(move |store| async move { store.void_holds(batch).await }).await
    }

    async fn prune_spend(&self, age: Duration, batch: u32) -> Result<u32, Error> {
        self.call(move |store| async move { store.prune_spend(age, batch).await }).await
    }

    async fn refused(&self, after: Option<JobId>, batch: u32) -> Result<Vec<(JobId, Refused)>, Error> {
        self.call(move |store| async move { store.refused(after, batch).await }).await
    }

    async fn estimates(&self) -> Result<Vec<Estimated>, Error> {
        self.call(move |store| async move { store.estimates().await }).await
    }
}

#[async_trait]
impl Admission for EngineSide {
    async fn admit(&self, ask: &Ask) -> Result<Admitted, Error> {
        let ask = ask.clone();
        self.call(move |store| async move { store.admit(&ask).await }).await
    }

    async fn release(&self, permit: Permit, used: Used) -> Result<(), Error> {
        self.call(move |store| async move { store.release(permit, used).await }).await
    }

    async fn leave(&self, lane: &Lane, holder: &str) -> Result<(), Error> {
        let (lane, holder) = (lane.clone(), holder.to_owned());
        self.call(move |store| async move { store.leave(&lane, &holder).await }).await
    }

    async fn lanes(&self) -> Result<Vec<LaneState>, Error> {
        self.call(move |store| async move { store.lanes().await }).await
    }
}

#[async_trait]
impl Sessions for EngineSide {
    async fn open_session(&self, new: NewSession) -> Result<Session, Error> {
        self.call(move |store| async move { store.open_session(new).await }).await
    }

    async fn session(&self, id: SessionId) -> Result<Option<Session>, Error> {
        self.call(move |store| async move { store.session(id).await }).await
    }

    async fn change_session(&self, id: SessionId, change: SessionChange) -> Result<Option<Session>, Error> {
        self.call(move |store| async move { store.change_session(id, change).await }).await
    }

    async fn list_sessions(
        &self,
        tenant: Option<&str>,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<SessionPage, Error> {
        let tenant = tenant.map(str::to_owned);
        self.call(move |store| async move { store.list_sessions(tenant.as_deref(), after, limit).await }).await
    }

    async fn post(&self, posts: Vec<Post>) -> Result<Vec<Posted>, Error> {
        self.call(move |store| async move { store.post(posts).await }).await
    }

    async fn begin_turn(&self, lease: &Lease) -> Result<Turn, Error> {
        let lease = lease.clone();
        self.call(move |store| async move { store.begin_turn(&lease).await }).await
    }

    async fn hear(&self, lease: &Lease, after: u64) -> Result<Option<Vec<SessionEntry>>, Error> {
        let lease = lease.clone();
        self.call(move |store| async move { store.hear(&lease, after).await }).await
    }

    async fn branch(&self, session: SessionId, from: Option<u64>, room: Room) -> Result<Vec<SessionEntry>, Error> {
        self.call(move |store| async move { store.branch(session, from, room).await }).await
    }

    async fn entries(&self, session: SessionId, after: u64, limit: u32) -> Result<Vec<SessionEntry>, Error> {
        self.call(move |store| async move { store.entries(session, after, limit).await }).await
    }

    async fn message_of(&self, job: JobId) -> Result<Option<Message>, Error> {
        self.call(move |store| async move { store.message_of(job).await }).await
    }

    async fn fork(&self, origin: Origin, new: NewSession) -> Result<Option<Session>, Error> {
        self.call(move |store| async move { store.fork(origin, new).await }).await
    }

    async fn delete_session(&self, id: SessionId) -> Result<bool, Error> {
        self.call(move |store| async move { store.delete_session(id).await }).await
    }
}
