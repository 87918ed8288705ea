//! Redis and Postgres as one store: the only place that knows both, and the owner of the write order.
//!
//! The record is written first and the queue after it: row, then push; result, then acknowledge. What a crash leaves
//! between the two is found by [`Upkeep::reconcile`] (on record, not in the queue) or by [`Upkeep::rescue`] (in the
//! queue, finished on record).

mod adopt;
mod agents;
mod approvals;
mod archive;
mod broken;
mod cache;
mod cancel;
mod claim;
mod conversations;
mod enqueue;
mod gather;
mod keyed;
mod owed;
pub mod raw;
mod reconcile;
mod rescue;
pub mod room;
mod scribe;
mod settle;
mod view;

use super::{
    AdoptSource, CancelReply, Claim, Claimed, Dependency, Error, Jobs, Lease, Live, LiveEvent, NumberedEvent,
    OpenError, Promoted, QueueChange, QueueStats, Reconciled, Renewal, Rescued, Settle, Settled, Signal, Store,
    Submission, Upkeep,
    postgres::{self, Address, Record},
    redis::{Queues, ReadyAt},
};
use crate::{
    admission::{Admission, Admitted, Ask, Lane, LaneState, Permit, Used},
    clock::{Clock, millis},
};
use async_trait::async_trait;
use flotilla_jobs::{Accepted, Filter, JobId, JobRecord, JobState, Page, Progress, StateChange};
use secrecy::SecretString;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{sync::broadcast, task::JoinHandle};
use tokio_util::task::TaskTracker;

/// Where the two halves are.
#[derive(Clone, Debug)]
pub struct Options {
    /// `redis://user:password@host:6379/0`, or `rediss://` for TLS.
    pub redis_url: SecretString,
    /// `postgres://user:password@host:5432/database`.
    pub postgres_url: SecretString,
    /// First part of every Redis key; fleets with different prefixes share a server without meeting.
    pub prefix: String,
    /// Schema of the tables, where it is not the connection's own.
    pub schema: Option<String>,
    /// Most connections to Postgres.
    pub pool: u32,
    /// How long a call to Redis may take. Below a third of the lease, one that hangs costs no lease.
    pub redis_timeout: Duration,
    /// How long a statement of Postgres may take, with its answer.
    pub postgres_timeout: Duration,
    /// Whose time it goes by.
    pub clock: Clock,
    /// Whether [`Signal::Changed`] is wanted. A process that only works does not need it.
    pub watch: bool,
}

impl Options {
    /// Options for these two addresses, with the defaults for everything else.
    pub fn new(redis_url: SecretString, postgres_url: SecretString) -> Self {
        Self {
            redis_url,
            postgres_url,
            prefix: "flotilla".to_owned(),
            schema: None,
            pool: 8,
            redis_timeout: Duration::from_secs(5),
            postgres_timeout: Duration::from_secs(15),
            clock: Clock::Store,
            watch: true,
        }
    }
}

/// Opens the store. Refuses a database that lacks a migration, and servers that would lose work.
pub async fn open(options: Options) -> Result<Arc<dyn Store>, OpenError> {
    let Options { redis_url, postgres_url, prefix, schema, clock, .. } = &options;
    let address = Address {
        url: postgres_url,
        schema: schema.as_deref(),
        connections: options.pool,
        call_timeout: options.postgres_timeout,
    };
    let record = Record::connect(&address, clock.clone()).await?;
    let queues = Queues::connect(redis_url, prefix, options.redis_timeout, clock.clone()).await?;
    Ok(Arc::new(Remote::start(record, Arc::new(queues), options.watch)))
}

/// Applies the migrations that are missing, in a schema that is made where it is missing; answers their names.
pub async fn migrate(options: &Options) -> Result<Vec<String>, OpenError> {
    postgres::migrate(&options.postgres_url, options.schema.as_deref()).await
}

/// The joined store.
pub(crate) struct Remote {
    record: Arc<Record>,
    queues: Arc<Queues>,
    /// Accepts batches that are large enough to be written by themselves.
    intake: enqueue::Intake,
    /// Accepts the others, together.
    gather: gather::Gather,
    /// Puts what agents do on record, together.
    scribe: scribe::Scribe,
    /// What goes on when the caller does not.
    under_way: TaskTracker,
    signals: broadcast::Sender<Signal>,
    /// Tasks that go on until they are aborted.
    background: Mutex<Vec<JoinHandle<()>>>,
}

impl Remote {
    fn start(record: Record, queues: Arc<Queues>, watch: bool) -> Self {
        let record = Arc::new(record);
        let intake = enqueue::Intake {
            record: record.clone(),
            queues: queues.clone(),
            noted: Arc::default(),
            owed: Arc::default(),
        };
        // Deep enough that a receiver that is not stuck never lags; one that does looks at everything.
        let signals = broadcast::Sender::new(4_096);
        let listener = tokio::spawn(queues.clone().listen(signals.clone(), watch));
        let owing = tokio::spawn(owed::run(intake.clone()));
        Self {
            gather: gather::Gather::start(intake.clone()),
            scribe: scribe::Scribe::start(Arc::clone(&record)),
            intake,
            under_way: TaskTracker::new(),
            record,
            queues,
            signals,
            background: Mutex::new(vec![listener, owing]),
        }
    }
}

#[async_trait]
impl Jobs for Remote {
    async fn enqueue(&self, jobs: Vec<Submission>) -> Result<Vec<Accepted>, Error> {
        self.do_enqueue(jobs).await
    }

    async fn claim(&self, p: Claim<'_>) -> Result<Vec<Claimed>, Error> {
        self.do_claim(p).await
    }

    async fn renew(&self, leases: &[Lease], ttl: Duration) -> Result<Vec<Renewal>, Error> {
        self.do_renew(leases, ttl).await
    }

    async fn settle(&self, ends: Vec<Settle>) -> Result<Vec<Settled>, Error> {
        self.do_settle(ends).await
    }

    async fn cancel(&self, ids: &[JobId]) -> Result<Vec<Option<CancelReply>>, Error> {
        self.do_cancel(ids).await
    }

    async fn retry(&self, ids: &[JobId]) -> Result<Vec<bool>, Error> {
        let done = self.record.reopen(ids).await?;
        self.push_open(&done, ReadyAt::Again).await;
        Ok(ids.iter().map(|id| done.contains(id)).collect())
    }

    async fn resume(&self, ids: &[JobId]) -> Result<Vec<bool>, Error> {
        let done = self.record.resume(ids).await?;
        self.push_open(&done, ReadyAt::Again).await;
        Ok(ids.iter().map(|id| done.contains(id)).collect())
    }

    async fn get(&self, id: JobId) -> Result<Option<JobRecord>, Error> {
        self.do_get(id).await
    }

    async fn list(&self, filter: &Filter, after: Option<JobId>, limit: u32) -> Result<Page, Error> {
        self.do_list(filter, after, limit).await
    }
}

#[async_trait]
impl Upkeep for Remote {
    async fn promote(&self, queues: &[String], batch: u32) -> Result<Promoted, Error> {
        let each = queues.iter().map(|queue| self.queues.promote(queue, batch));
        let each = futures_util::future::try_join_all(each).await?;
        Ok(Promoted {
            moved: each.iter().map(|p| p.moved).sum(),
            next_due_in_ms: each.iter().filter_map(|p| p.next_due_in_ms).min(),
        })
    }

    async fn rescue(&self, queues: &[String], batch: u32) -> Result<Vec<Rescued>, Error> {
        let mut rescued = Vec::new();
        if self.is_after_outage().await {
            return Ok(rescued);
        }
        for queue in queues {
            rescued.extend(self.rescue_queue(queue, batch).await?);
        }
        Ok(rescued)
    }

    async fn reconcile(&self, after: Option<JobId>, min_age: Duration, batch: u32) -> Result<Reconciled, Error> {
        self.do_reconcile(after, min_age, batch).await
    }

    async fn adopt(&self, from: &AdoptSource, batch: u32) -> Result<u32, Error> {
        self.do_adopt(from, batch).await
    }

    async fn prune(&self, state: JobState, age: Duration, batch: u32) -> Result<u32, Error> {
        self.record.prune(state, millis(age), batch).await
    }

    async fn prune_keys(&self, batch: u32) -> Result<u32, Error> {
        self.record.prune_keys(batch).await
    }

    async fn lead(&self, duties: &[String], holder: &str, ttl: Duration) -> Result<Vec<bool>, Error> {
        self.queues.lead(duties, holder, ttl).await
    }

    async fn configure_queue(&self, queue: &str, change: QueueChange) -> Result<(), Error> {
        let now = self.record.configure_queue(queue, change).await?;
        self.queues.configure(queue, now.paused, now.cap).await
    }

    async fn queues(&self) -> Result<Vec<QueueStats>, Error> {
        self.do_queues().await
    }

    async fn health(&self) -> Vec<Dependency> {
        let (postgres, redis) = tokio::join!(
            Dependency::ask("postgres", true, self.record.version()),
            Dependency::ask("redis", false, self.queues.version())
        );
        vec![postgres, redis]
    }
}

#[async_trait]
impl Live for Remote {
    async fn append(&self, events: Vec<(Lease, LiveEvent)>) -> Result<(), Error> {
        let changed = self.record.append(&events).await?;
        if !changed.is_empty() {
            // Only a wake-up: a watcher that misses it looks again by itself.
            let _ = self.queues.announce(&changed).await;
        }
        Ok(())
    }

    async fn read(&self, job: JobId, after: u64, limit: u32) -> Result<Vec<NumberedEvent>, Error> {
        self.record.read_output(job, after, limit).await
    }

    async fn read_many(&self, jobs: &[(JobId, u64)], limit: u32) -> Result<Vec<Vec<NumberedEvent>>, Error> {
        let mut found = self.record.read_outputs(jobs, limit).await?;
        Ok(jobs.iter().map(|(job, _)| found.remove(job).unwrap_or_default()).collect())
    }

    async fn states(&self, jobs: &[JobId]) -> Result<Vec<Option<StateChange>>, Error> {
        self.do_states(jobs).await
    }

    async fn progress(&self, jobs: &[JobId]) -> Result<Vec<Option<Progress>>, Error> {
        let mut found = self.record.progress(jobs).await?;
        Ok(jobs.iter().map(|job| found.remove(job)).collect())
    }

    fn signals(&self) -> broadcast::Receiver<Signal> {
        self.signals.subscribe()
    }
}

/// In Redis alone. While it is away a call waits under its job's lease and asks again; one that is wiped has forgotten
/// what was used, at most a minute's worth, until the next answers of the provider say it.
#[async_trait]
impl Admission for Remote {
    async fn admit(&self, ask: &Ask) -> Result<Admitted, Error> {
        self.queues.admit(ask).await
    }

    async fn release(&self, permit: Permit, used: Used) -> Result<(), Error> {
        self.queues.release(&permit, &used).await
    }

    async fn leave(&self, lane: &Lane, holder: &str) -> Result<(), Error> {
        self.queues.leave(lane, holder).await
    }

    async fn lanes(&self) -> Result<Vec<LaneState>, Error> {
        self.queues.lanes().await
    }
}

#[async_trait]
impl Store for Remote {
    async fn close(&self) {
        let background = self.background.lock().map(|mut tasks| std::mem::take(&mut *tasks)).unwrap_or_default();
        for task in background {
            task.abort();
            let _ = task.await;
        }
        self.gather.close().await;
        self.scribe.close().await;
        self.under_way.close();
        self.under_way.wait().await;
        self.record.close().await;
    }

    fn pools(&self) -> Vec<(&'static str, u32, u32)> {
        let (used, open) = self.record.usage();
        vec![("postgres", used, open)]
    }

    fn damage(&self) -> u64 {
        self.record.damage.count() + self.queues.damage.count()
    }
}
