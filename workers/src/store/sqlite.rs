//! Both halves of a store in one SQLite file.
//!
//! The file is in WAL mode. One task writes, in groups (`writer.rs`); four connections read beside it. Several processes
//! may open one file: writing transactions are `IMMEDIATE`, so they take turns, and each process hears of the others'
//! commits within 100 ms (`news.rs`). What was accepted or settled was on the disk before the answer (`synchronous =
//! FULL`); claims, renewals, promotions and live output do not wait for the disk, since a power cut that takes them
//! also ends whatever ran.

mod agents;
mod approvals;
mod archive;
mod cache;
mod calls;
mod cancel;
mod claim;
mod connect;
mod conversations;
mod due;
mod end;
mod enqueue;
mod journal;
mod keys;
mod lanes;
mod lead;
mod ledger;
mod live;
mod mend;
mod news;
mod op;
mod operator;
mod parked;
mod prune;
mod queues;
mod read;
mod row;
mod settle;
mod state;
mod trail;
mod turns;
mod tx;
mod unit;
mod writer;

use super::{
    CancelReply, Claim, Claimed, Dependency, Error, Jobs, Lease, Live, LiveEvent, NumberedEvent, OpenError, Promoted,
    QueueChange, QueueStats, Reconciled, Renewal, Rescued, Settle, Settled, Signal, Store, Submission, Trouble, Upkeep,
};
use crate::{
    admission::{Admission, Admitted, Ask, Lane, LaneState, Permit, Used},
    clock::{Clock, millis},
};
use async_trait::async_trait;
use claim::Wanted;
use due::Batch;
use flotilla_jobs::{Accepted, Filter, JobId, JobRecord, JobState, Page, Progress, StateChange};
use lead::Bid;
use op::Op;
use prune::Old;
use sqlx::{Connection, Row, Sqlite, SqlitePool, pool::PoolConnection};
use state::State;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::broadcast;
use writer::Writer;

/// Signals that a receiver may be behind before it has to look at everything.
const SIGNALS: usize = 4_096;
/// Most jobs of one page of a reconciliation.
const MAX_SCAN: u32 = 1_000;

/// How durable the file is set up, by name, for whoever measures it.
pub const DURABILITY: [(&str, &str); 2] =
    [("sqlite journal_mode", "wal"), ("sqlite synchronous", "full for jobs and results, normal for claims and output")];

/// Where the file is.
#[derive(Clone, Debug)]
pub struct Options {
    /// The file; it is made where there is none. Two more appear beside it, with `-wal` and `-shm` at the end.
    pub path: PathBuf,
    /// Whose time it goes by.
    pub clock: Clock,
}

/// Opens the store, and applies the migrations that the file lacks.
pub async fn open(options: Options) -> Result<Arc<dyn Store>, OpenError> {
    let (conn, _) = connect::writer(&options).await?;
    let signals = broadcast::Sender::new(SIGNALS);
    let state = State::new(&options.path);
    let writer = Writer::start(conn, options.clock.clone(), signals.clone(), Arc::clone(&state)).await;
    let writer = writer.map_err(|e| OpenError::Unreachable { what: "sqlite", detail: e.to_string() })?;
    Ok(Arc::new(File { readers: connect::readers(&options), writer, signals, clock: options.clock, state }))
}

/// Applies the migrations that are missing; answers their names.
pub async fn migrate(options: &Options) -> Result<Vec<String>, OpenError> {
    let (conn, applied) = connect::writer(options).await?;
    conn.close().await.map_err(|e| OpenError::Unreachable { what: "sqlite", detail: e.to_string() })?;
    Ok(applied)
}

/// The store.
struct File {
    writer: Writer,
    readers: SqlitePool,
    signals: broadcast::Sender<Signal>,
    clock: Clock,
    state: Arc<State>,
}

impl File {
    async fn reader(&self) -> Result<PoolConnection<Sqlite>, Error> {
        self.readers.acquire().await.map_err(fault)
    }
}

#[async_trait]
impl Jobs for File {
    async fn enqueue(&self, jobs: Vec<Submission>) -> Result<Vec<Accepted>, Error> {
        self.writer.ask(Op::Enqueue, jobs).await
    }

    async fn claim(&self, p: Claim<'_>) -> Result<Vec<Claimed>, Error> {
        self.state.leased(p.lease_ttl);
        let queues = p.queues.iter().filter(|(_, max)| *max > 0).cloned().collect();
        let kinds = p.kinds.map(|kinds| kinds.iter().map(|kind| (*kind).to_owned()).collect());
        let wanted = Wanted { worker: p.worker.into(), queues, kinds, ttl_ms: millis(p.lease_ttl) };
        self.writer.ask(Op::Claim, wanted).await
    }

    async fn renew(&self, leases: &[Lease], ttl: Duration) -> Result<Vec<Renewal>, Error> {
        self.state.leased(ttl);
        self.writer.ask(Op::Renew, (leases.to_vec(), millis(ttl))).await
    }

    async fn settle(&self, ends: Vec<Settle>) -> Result<Vec<Settled>, Error> {
        self.writer.ask(Op::Settle, ends).await
    }

    async fn cancel(&self, ids: &[JobId]) -> Result<Vec<Option<CancelReply>>, Error> {
        self.writer.ask(Op::Cancel, ids.to_vec()).await
    }

    async fn retry(&self, ids: &[JobId]) -> Result<Vec<bool>, Error> {
        self.writer.ask(Op::Retry, ids.to_vec()).await
    }

    async fn resume(&self, ids: &[JobId]) -> Result<Vec<bool>, Error> {
        self.writer.ask(Op::Resume, ids.to_vec()).await
    }

    async fn get(&self, id: JobId) -> Result<Option<JobRecord>, Error> {
        // One snapshot, so that state and history belong together.
        let mut reader = self.reader().await?;
        let mut snapshot = reader.begin().await.map_err(fault)?;
        let job = read::get(&mut snapshot, id, &self.state.damage).await?;
        snapshot.commit().await.map_err(fault)?;
        Ok(job)
    }

    async fn list(&self, filter: &Filter, after: Option<JobId>, limit: u32) -> Result<Page, Error> {
        read::list(&mut *self.reader().await?, filter, after, limit, &self.state.damage).await
    }
}

#[async_trait]
impl Upkeep for File {
    async fn promote(&self, queues: &[String], batch: u32) -> Result<Promoted, Error> {
        let due = due::next_due(&mut *self.reader().await?, queues).await?;
        let wait = due.map(|at| at.saturating_sub(self.clock.now()));
        // Most calls find nothing, and need not wait for their turn to write.
        if wait.is_none_or(|wait| wait > 0) {
            return Ok(Promoted { moved: 0, next_due_in_ms: wait.map(|wait| wait as u64) });
        }
        self.writer.ask(Op::Promote, Batch { queues: queues.to_vec(), max: batch }).await
    }

    async fn rescue(&self, queues: &[String], batch: u32) -> Result<Vec<Rescued>, Error> {
        let expiry = due::next_expiry(&mut *self.reader().await?, queues).await?;
        if expiry.is_none_or(|at| at > self.clock.now()) || self.state.spares_leases() {
            return Ok(Vec::new());
        }
        self.writer.ask(Op::Rescue, Batch { queues: queues.to_vec(), max: batch }).await
    }

    /// Record and queue are one here, so nothing is ever lost between them; it only counts, and mends what cannot be.
    async fn reconcile(&self, after: Option<JobId>, _min_age: Duration, batch: u32) -> Result<Reconciled, Error> {
        let batch = batch.clamp(1, MAX_SCAN);
        let page = mend::scan(&mut *self.reader().await?, after, batch).await?;
        if !page.damage.is_none() {
            self.writer.ask(Op::Mend, page.damage).await?;
        }
        let next = page.last.filter(|_| page.checked == batch as usize);
        Ok(Reconciled { checked: page.checked as u32, pushed: 0, next })
    }

    async fn prune(&self, state: JobState, age: Duration, batch: u32) -> Result<u32, Error> {
        let until = self.clock.now().saturating_sub(millis(age));
        let seqs = prune::old(&mut *self.reader().await?, state, until, batch).await?;
        if seqs.is_empty() {
            return Ok(0);
        }
        self.writer.ask(Op::Prune, Old { seqs, until }).await
    }

    async fn prune_keys(&self, batch: u32) -> Result<u32, Error> {
        if !prune::any_old_key(&mut *self.reader().await?, self.clock.now()).await? {
            return Ok(0);
        }
        self.writer.ask(Op::PruneKeys, batch).await
    }

    async fn lead(&self, duties: &[String], holder: &str, ttl: Duration) -> Result<Vec<bool>, Error> {
        let bid = Bid { duties: duties.to_vec(), holder: holder.to_owned(), ttl_ms: millis(ttl) };
        self.writer.ask(Op::Lead, bid).await
    }

    async fn configure_queue(&self, queue: &str, change: QueueChange) -> Result<(), Error> {
        self.writer.ask(Op::Configure, (queue.to_owned(), change)).await
    }

    async fn queues(&self) -> Result<Vec<QueueStats>, Error> {
        queues::queues(&mut *self.reader().await?, self.clock.now()).await
    }

    async fn health(&self) -> Vec<Dependency> {
        let version = async {
            let mut reader = self.reader().await?;
            let row = sqlx::query("SELECT sqlite_version(), (SELECT count(*) FROM queues)").fetch_one(&mut *reader);
            row.await.and_then(|row| row.try_get::<String, _>(0)).map_err(fault)
        };
        let mut file = Dependency::ask("sqlite", true, version).await;
        if let (true, Some(trouble)) = (file.ok, self.state.trouble()) {
            (file.ok, file.detail) = (false, trouble);
        }
        vec![file]
    }
}

#[async_trait]
impl Live for File {
    async fn append(&self, events: Vec<(Lease, LiveEvent)>) -> Result<(), Error> {
        self.writer.ask(Op::Append, events).await
    }

    async fn read(&self, job: JobId, after: u64, limit: u32) -> Result<Vec<NumberedEvent>, Error> {
        live::read(&mut *self.reader().await?, job, after, limit, &self.state.damage).await
    }

    async fn read_many(&self, jobs: &[(JobId, u64)], limit: u32) -> Result<Vec<Vec<NumberedEvent>>, Error> {
        live::read_many(&mut *self.reader().await?, jobs, limit, &self.state.damage).await
    }

    async fn states(&self, jobs: &[JobId]) -> Result<Vec<Option<StateChange>>, Error> {
        read::states(&mut *self.reader().await?, jobs, &self.state.damage).await
    }

    async fn progress(&self, jobs: &[JobId]) -> Result<Vec<Option<Progress>>, Error> {
        live::progress(&mut *self.reader().await?, jobs, &self.state.damage).await
    }

    fn signals(&self) -> broadcast::Receiver<Signal> {
        self.signals.subscribe()
    }
}

#[async_trait]
impl Admission for File {
    async fn admit(&self, ask: &Ask) -> Result<Admitted, Error> {
        self.writer.ask(Op::Admit, ask.clone()).await
    }

    async fn release(&self, permit: Permit, used: Used) -> Result<(), Error> {
        self.writer.ask(Op::Release, (permit, used)).await
    }

    async fn leave(&self, lane: &Lane, holder: &str) -> Result<(), Error> {
        self.writer.ask(Op::Leave, (lane.clone(), holder.to_owned())).await
    }

    async fn lanes(&self) -> Result<Vec<LaneState>, Error> {
        lanes::lanes(&mut *self.reader().await?, self.clock.now()).await
    }
}

#[async_trait]
impl Store for File {
    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    fn pools(&self) -> Vec<(&'static str, u32, u32)> {
        let open = self.readers.size();
        vec![("sqlite", open.saturating_sub(self.readers.num_idle() as u32), open)]
    }

    fn damage(&self) -> u64 {
        self.state.damage.count()
    }
}

fn unavailable(detail: &str) -> Error {
    Error::Unavailable { what: "sqlite", detail: detail.to_owned() }
}

/// The same error once more, for another caller of a group.
fn again(error: &Error) -> Error {
    match error {
        Error::Invalid(invalid) => Error::Invalid(invalid.clone()),
        Error::Archived(id) => Error::Archived(*id),
        Error::IdempotencyMismatch(key) => Error::IdempotencyMismatch(key.clone()),
        Error::Corrupt { what, detail } => Error::Corrupt { what, detail: detail.clone() },
        Error::Unavailable { what, detail } => Error::Unavailable { what, detail: detail.clone() },
        Error::Unwritable { trouble, detail } => Error::Unwritable { trouble: *trouble, detail: detail.clone() },
    }
}

/// `SQLITE_IOERR_READ` and `SQLITE_IOERR_SHORT_READ`: nothing was to be written.
const READS: [i32; 2] = [266, 522];

/// A driver's error in the words of the seam, by its primary result code (SQLite, "Result and Error Codes").
#[allow(clippy::needless_pass_by_value, reason = "it is a map_err function")]
fn fault(error: sqlx::Error) -> Error {
    let code = error.as_database_error().and_then(|e| e.code()?.parse::<i32>().ok());
    let detail = error.to_string();
    match (code.map(|code| code & 0xff), &error) {
        // Too big, against a constraint, or of a wrong type: the caller's input.
        (Some(18..=20), _) => {
            Error::Invalid(flotilla_jobs::Invalid::new("job", format!("the record refuses it: {detail}")))
        }
        // SQLITE_ERROR, SQLITE_CORRUPT, SQLITE_NOTADB: trying again does not help.
        (Some(1 | 11 | 26), _) | (None, sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnNotFound(_)) => {
            Error::Corrupt { what: "sqlite", detail }
        }
        // SQLITE_BUSY and SQLITE_LOCKED, SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL.
        (Some(5 | 6), _) => Error::Unwritable { trouble: Trouble::Locked, detail },
        (Some(8), _) => Error::Unwritable { trouble: Trouble::ReadOnly, detail },
        (Some(10), _) if !code.is_some_and(|code| READS.contains(&code)) => {
            Error::Unwritable { trouble: Trouble::Failing, detail }
        }
        (Some(13), _) => Error::Unwritable { trouble: Trouble::Full, detail },
        _ => Error::Unavailable { what: "sqlite", detail },
    }
}
