//! The one task that writes: it takes all that waits and commits it as one group.
//!
//! A commit costs about the same for one job as for a thousand, so while one group is under way the next one grows.

use super::{
    again,
    connect::WRITER_WAIT,
    fault,
    news::News,
    op::{self, Call, Op},
    state::State,
    tx::Tx,
    unavailable,
};
use crate::{
    clock::Clock,
    store::{Error, Signal, Trouble, desk::Desk},
};
use sqlx::{Connection, SqliteConnection, raw_sql};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{broadcast, mpsc},
    time::{Instant, MissedTickBehavior},
};

/// A group takes no more operations once it is about this many jobs.
const MAX_WEIGHT: usize = 2_000;
/// How often other processes' wake-ups are looked for.
const HEAR_EVERY: Duration = Duration::from_millis(100);
/// How often a file that cannot be written is tried, and how long another process that holds it is waited for.
const TRY_AGAIN: Duration = Duration::from_millis(500);
const TRY_FOR: Duration = Duration::from_millis(100);

/// The way to the task.
pub(super) struct Writer(Desk<Op>);

impl Writer {
    /// Starts the task on a connection of its own.
    pub(super) async fn start(
        mut conn: SqliteConnection,
        clock: Clock,
        signals: broadcast::Sender<Signal>,
        state: Arc<State>,
    ) -> Result<Self, Error> {
        let news = News::start(&mut conn).await?;
        let task = Task { conn, clock, signals, news, state, tried: Instant::now(), durable: true };
        Ok(Self(Desk::open(|waiting| task.run(waiting))))
    }

    /// Has an operation carried out; answers after the commit.
    pub(super) async fn ask<I, O>(&self, op: impl FnOnce(Call<I, O>) -> Op, ask: I) -> Result<O, Error> {
        let closed = || unavailable("the store is closed");
        let (call, answer) = Call::new(ask);
        if !self.0.hand_in(op(call)).await {
            return Err(closed());
        }
        answer.await.map_err(|_| closed())?
    }

    /// Ends after what was handed in is written.
    pub(super) async fn close(&self) {
        self.0.close().await;
    }
}

struct Task {
    conn: SqliteConnection,
    clock: Clock,
    signals: broadcast::Sender<Signal>,
    news: News,
    state: Arc<State>,
    /// When a file that cannot be written was last tried.
    tried: Instant,
    /// Whether commits now wait for the disk.
    durable: bool,
}

impl Task {
    async fn run(mut self, mut waiting: mpsc::Receiver<Op>) {
        let mut hear = tokio::time::interval(HEAR_EVERY);
        hear.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                first = waiting.recv() => {
                    let Some(first) = first else { break };
                    self.write(collect(first, &mut waiting)).await;
                }
                _ = hear.tick() => self.hear().await,
            }
        }
        if let Err(error) = self.conn.close().await {
            tracing::warn!(%error, "the file was not closed cleanly; what was committed is safe");
        }
    }

    /// Passes other processes' wake-ups on.
    async fn hear(&mut self) {
        // Whatever hindered may be put right, and who is told that the store is not well does not come to try.
        if self.state.trouble().is_some() && self.tried.elapsed() >= TRY_AGAIN {
            self.try_again().await;
            self.tried = Instant::now();
        }
        match self.news.hear(&mut self.conn).await {
            Ok(signals) => self.tell(signals),
            Err(error) => {
                let (error, news) = self.state.failed(error);
                if news {
                    tracing::warn!(%error, "cannot look for wake-ups of other processes");
                }
            }
        }
    }

    /// Writes a note that wakes nobody, to see whether the file can be written again.
    async fn try_again(&mut self) {
        let tried = async {
            self.set_durable(true).await?;
            begin(&mut self.conn, TRY_FOR).await?;
            self.news.commit_empty(&mut self.conn).await
        };
        match tried.await {
            Ok(()) => self.worked(),
            Err(error) => {
                let _ = sqlx::query("ROLLBACK").execute(&mut self.conn).await;
                drop(self.state.failed(error));
            }
        }
    }

    fn worked(&self) {
        if self.state.worked() {
            tracing::info!("the file of the store can be written again");
        }
    }

    async fn write(&mut self, mut group: Vec<Op>) {
        group.retain(|op| !op.is_abandoned());
        match self.commit(&mut group).await {
            Ok(()) => group.into_iter().for_each(Op::answer),
            // One that cannot be carried out must not take the others with it: each is tried by itself.
            Err(error) if group.len() > 1 && !error.is_transient() => {
                for op in group {
                    self.write_alone(op).await;
                }
            }
            Err(error) => group.into_iter().for_each(|op| op.refuse(again(&error))),
        }
    }

    async fn write_alone(&mut self, op: Op) {
        let mut group = [op];
        let done = self.commit(&mut group).await;
        let [op] = group;
        match done {
            Ok(()) => op.answer(),
            Err(error) => op.refuse(error),
        }
    }

    async fn commit(&mut self, group: &mut [Op]) -> Result<(), Error> {
        if group.is_empty() {
            return Ok(());
        }
        match self.try_commit(group).await {
            Ok(signals) => {
                // Without news nothing may have been written.
                if !signals.is_empty() {
                    self.worked();
                }
                self.tell(signals);
                Ok(())
            }
            Err(error) => {
                // Where no transaction began, or an error ended it by itself, there is nothing to roll back.
                let _ = sqlx::query("ROLLBACK").execute(&mut self.conn).await;
                let (error, news) = self.state.failed(error);
                if news {
                    tracing::error!(%error, "the store cannot write; trying again until it can");
                }
                Err(error)
            }
        }
    }

    async fn try_commit(&mut self, group: &mut [Op]) -> Result<Vec<Signal>, Error> {
        self.set_durable(group.iter().any(Op::is_promise)).await?;
        // Who has waited in vain once need not wait as long again.
        let patience = if self.state.trouble().is_some() { TRY_FOR } else { WRITER_WAIT };
        begin(&mut self.conn, patience).await?;
        self.commit_begun(group).await
    }

    async fn commit_begun(&mut self, group: &mut [Op]) -> Result<Vec<Signal>, Error> {
        // The time is read under the lock, so that it never runs backwards from one group to the next.
        let mut tx = Tx::new(&mut self.conn, self.clock.now(), &self.state.damage);
        op::perform(&mut tx, group).await?;
        let signals = tx.into_signals();
        self.news.commit(&mut self.conn, &signals).await?;
        Ok(signals)
    }

    /// A power cut may take what was committed without waiting for the disk, but never damages the file (SQLite,
    /// `PRAGMA synchronous`). What must not be lost waits; what was committed before it is then safe too.
    async fn set_durable(&mut self, durable: bool) -> Result<(), Error> {
        if self.durable != durable {
            let level = if durable { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
            // This pragma acts when it is prepared, so it must be prepared each time.
            raw_sql(level).execute(&mut self.conn).await.map_err(fault)?;
            self.durable = durable;
        }
        Ok(())
    }

    fn tell(&self, signals: Vec<Signal>) {
        for signal in signals {
            // Nobody listens: nobody misses it.
            let _ = self.signals.send(signal);
        }
    }
}

/// Begins a transaction that may write; waits while another process holds the file.
///
/// The driver's own waiting sleeps longer and longer, up to 100 ms, so that a busy neighbor would starve this process:
/// it is kept short and repeated here.
async fn begin(conn: &mut SqliteConnection, patience: Duration) -> Result<(), Error> {
    let start = Instant::now();
    loop {
        let busy = match sqlx::query("BEGIN IMMEDIATE").execute(&mut *conn).await {
            Ok(_) => return Ok(()),
            Err(error) => fault(error),
        };
        let locked = matches!(busy, Error::Unwritable { trouble: Trouble::Locked, .. });
        if !locked || start.elapsed() >= patience {
            return Err(busy);
        }
        // Other tasks of this runtime are not held up: the driver waits on its own thread.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn collect(first: Op, waiting: &mut mpsc::Receiver<Op>) -> Vec<Op> {
    let mut weight = first.weight();
    let mut group = vec![first];
    while weight < MAX_WEIGHT {
        let Ok(next) = waiting.try_recv() else { break };
        weight += next.weight();
        group.push(next);
    }
    group
}
