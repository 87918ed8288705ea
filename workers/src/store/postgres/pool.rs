//! Connections to Postgres, each call of which has a limit.
//!
//! Not the driver's pool: that one asks the server for a sign of life before and after each use and waits for it
//! without a limit, so a connection whose network went silent keeps its place for as long as TCP does, a quarter of an
//! hour. Here a connection is out of the pool while it is used, and only comes back when its call has ended: one that
//! failed, took too long or whose caller went away is closed, and so is what the server had not yet committed.

use super::{fault, no_answer, unavailable};
use crate::store::Error;
use sqlx::{
    Connection, PgConnection, Postgres,
    postgres::{PgArguments, PgConnectOptions, PgRow},
    query::Query,
};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, error::Elapsed, timeout},
};

/// Longest wait for a connection while all of them are in use.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for a new connection, where a call may not take less.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for a connection to be closed politely.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// A connection that was idle for longer is asked for a sign of life first.
const TRUSTED: Duration = Duration::from_secs(1);
/// A connection that was idle for longer is closed.
const IDLE_LIMIT: Duration = Duration::from_mins(10);

/// A statement with its parameters.
pub(super) type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// The connections of one store. Cheap to clone.
#[derive(Clone)]
pub(super) struct Pool(Arc<Shared>);

struct Shared {
    address: PgConnectOptions,
    places: Arc<Semaphore>,
    size: u32,
    call_timeout: Duration,
    /// The one used last is at the end.
    idle: Mutex<Vec<Idle>>,
    /// Rises when a connection turns out to be broken: what is older is not trusted either.
    generation: AtomicU64,
}

struct Idle {
    pg: PgConnection,
    since: Instant,
    generation: u64,
}

impl Pool {
    /// At most `size` connections to this address, of which one is open.
    pub(super) fn new(address: PgConnectOptions, size: u32, call_timeout: Duration, first: PgConnection) -> Self {
        let first = Idle { pg: first, since: Instant::now(), generation: 0 };
        Self(Arc::new(Shared {
            address,
            places: Arc::new(Semaphore::new(size as usize)),
            size,
            call_timeout,
            idle: Mutex::new(vec![first]),
            generation: AtomicU64::new(0),
        }))
    }

    /// A connection that answered within the last second, or just now.
    pub(super) async fn acquire(&self) -> Result<Conn, Error> {
        let place = timeout(ACQUIRE_TIMEOUT, Arc::clone(&self.0.places).acquire_owned()).await;
        let place = place.map_err(|_| self.exhausted())?.map_err(|_| unavailable("the store is closed".to_owned()))?;
        while let Some(mut idle) = self.0.pop() {
            if idle.since.elapsed() > TRUSTED {
                let alive = timeout(self.0.call_timeout, idle.pg.ping()).await;
                if !matches!(alive, Ok(Ok(()))) {
                    self.0.distrust();
                    continue;
                }
            }
            return Ok(self.conn(idle.pg, idle.generation, place));
        }
        let generation = self.0.generation.load(Ordering::SeqCst);
        let pg = open(&self.0.address, self.0.call_timeout).await?;
        Ok(self.conn(pg, generation, place))
    }

    /// Connections in use, and open.
    pub(super) fn usage(&self) -> (u32, u32) {
        let used = self.0.size.saturating_sub(self.0.places.available_permits() as u32);
        (used, used + self.0.idle().len() as u32)
    }

    /// Lets nobody in any more, waits for the connections in use, and closes all.
    pub(super) async fn close(&self) {
        let all = timeout(self.0.call_timeout, self.0.places.acquire_many(self.0.size)).await;
        self.0.places.close();
        drop(all);
        let idle = std::mem::take(&mut *self.0.idle());
        for one in idle {
            let _ = timeout(CLOSE_TIMEOUT, one.pg.close()).await;
        }
    }

    fn conn(&self, pg: PgConnection, generation: u64, place: OwnedSemaphorePermit) -> Conn {
        Conn { pool: Arc::clone(&self.0), pg: Some(pg), generation, in_transaction: false, _place: place }
    }

    fn exhausted(&self) -> Error {
        let (size, limit) = (self.0.size, ACQUIRE_TIMEOUT.as_secs());
        unavailable(format!("none of {size} connections was free within {limit} s; raise store.pool if that is usual"))
    }
}

/// Opens a connection outside of any pool.
pub(super) async fn open(address: &PgConnectOptions, call_timeout: Duration) -> Result<PgConnection, Error> {
    let limit = call_timeout.min(CONNECT_TIMEOUT);
    match timeout(limit, PgConnection::connect_with(address)).await {
        Ok(opened) => opened.map_err(fault),
        Err(_) => Err(unavailable(format!("cannot connect within {} ms", limit.as_millis()))),
    }
}

impl Shared {
    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pop(&self) -> Option<Idle> {
        let current = self.generation.load(Ordering::SeqCst);
        let mut idle = self.idle();
        idle.retain(|one| one.generation == current && one.since.elapsed() < IDLE_LIMIT);
        idle.pop()
    }

    fn distrust(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }
}

/// A connection while it is used.
pub(super) struct Conn {
    pool: Arc<Shared>,
    /// `None` while a call is under way, and once one did not end.
    pg: Option<PgConnection>,
    generation: u64,
    in_transaction: bool,
    _place: OwnedSemaphorePermit,
}

impl Conn {
    /// Every row of the answer.
    pub(super) async fn rows(&mut self, statement: Statement<'_>) -> Result<Vec<PgRow>, Error> {
        let mut pg = self.take()?;
        let ended = timeout(self.pool.call_timeout, statement.fetch_all(&mut pg)).await;
        self.put_back(pg, ended)
    }

    /// The one row of the answer.
    pub(super) async fn row(&mut self, statement: Statement<'_>) -> Result<PgRow, Error> {
        let mut pg = self.take()?;
        let ended = timeout(self.pool.call_timeout, statement.fetch_one(&mut pg)).await;
        self.put_back(pg, ended)
    }

    /// No answer but that it is done.
    pub(super) async fn run(&mut self, statement: Statement<'_>) -> Result<(), Error> {
        self.changed(statement).await.map(drop)
    }

    /// How many rows it changed.
    pub(super) async fn changed(&mut self, statement: Statement<'_>) -> Result<u64, Error> {
        let mut pg = self.take()?;
        let ended = timeout(self.pool.call_timeout, statement.execute(&mut pg)).await;
        self.put_back(pg, ended).map(|done| done.rows_affected())
    }

    /// Begins a transaction. Without [`Conn::commit`] the connection is closed, and nothing of it is on record.
    pub(super) async fn begin(&mut self) -> Result<(), Error> {
        self.in_transaction = true;
        self.say("BEGIN").await
    }

    /// Ends the transaction: it is on record. After an error it may be, or not.
    pub(super) async fn commit(self) -> Result<(), Error> {
        self.end("COMMIT").await
    }

    /// Ends the transaction, and keeps the connection.
    pub(super) async fn roll_back(self) -> Result<(), Error> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, how: &'static str) -> Result<(), Error> {
        self.say(how).await?;
        self.in_transaction = false;
        Ok(())
    }

    async fn say(&mut self, command: &'static str) -> Result<(), Error> {
        let mut pg = self.take()?;
        let ended = timeout(self.pool.call_timeout, sqlx::raw_sql(command).execute(&mut pg)).await;
        self.put_back(pg, ended).map(drop)
    }

    fn take(&mut self) -> Result<PgConnection, Error> {
        self.pg.take().ok_or_else(|| unavailable("the connection was lost".to_owned()))
    }

    /// Keeps the connection if its call has ended and says nothing bad of it.
    fn put_back<T>(&mut self, pg: PgConnection, ended: Result<sqlx::Result<T>, Elapsed>) -> Result<T, Error> {
        match ended {
            Ok(Err(error)) if breaks(&error) => {
                self.pool.distrust();
                Err(fault(error))
            }
            Ok(answer) => {
                self.pg = Some(pg);
                answer.map_err(fault)
            }
            Err(_) => {
                self.pool.distrust();
                Err(no_answer(self.pool.call_timeout))
            }
        }
    }
}

impl Drop for Conn {
    fn drop(&mut self) {
        let Some(pg) = self.pg.take().filter(|_| !self.in_transaction) else { return };
        if !self.pool.places.is_closed() {
            self.pool.idle().push(Idle { pg, since: Instant::now(), generation: self.generation });
        }
    }
}

/// Whether a connection is of no more use after this.
///
/// Classes 08 (connection exception) and 57P (operator intervention: the server shuts down) and code 25P03 (it ended an
/// idle transaction) are the server's last words (SQLSTATE, appendix A of Postgres's manual).
fn breaks(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(e) => {
            e.code().is_some_and(|c| c.starts_with("08") || c.starts_with("57P") || c == "25P03")
        }
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}
