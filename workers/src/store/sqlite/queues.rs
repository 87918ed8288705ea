//! Queues: their settings and their figures; and pruning, which is about none in particular.

use super::{row, tx::Tx, unit::Unit};
use crate::{
    clock::Millis,
    store::{Error, QueueChange, QueueStats},
};
use sqlx::{SqliteConnection, sqlite::SqliteRow};

static CONFIGURE_QUEUE: Unit = Unit::new(include_str!("configure_queue.sql"));
static QUEUES: Unit = Unit::new(include_str!("queues.sql"));
static PRUNE: Unit = Unit::new(include_str!("prune.sql"));

/// Statements of a prune: each takes the same two values.
const PRUNE_STATEMENTS: usize = 7;

/// Changes a queue's settings.
pub(super) async fn configure(tx: &mut Tx<'_>, queue: &str, change: QueueChange) -> Result<(), Error> {
    let (paused, cap) = (change.paused, change.cap);
    CONFIGURE_QUEUE.run_one(tx.conn, |args| args.add(queue).add(paused).add(cap).add(paused).add(cap).add(cap)).await?;
    tx.work(queue);
    Ok(())
}

/// Every queue ever used.
pub(super) async fn queues(conn: &mut SqliteConnection, now: Millis) -> Result<Vec<QueueStats>, Error> {
    let stats = |row: &SqliteRow| {
        let oldest: Option<Millis> = row::get(row, "oldest")?;
        Ok(QueueStats {
            name: row::get(row, "name")?,
            paused: row::get(row, "paused")?,
            cap: row::get(row, "cap")?,
            scheduled: row::get::<i64>(row, "scheduled")? as u64,
            pending: row::get::<i64>(row, "pending")? as u64,
            running: row::get::<i64>(row, "running")? as u64,
            paused_jobs: row::get::<i64>(row, "paused_jobs")? as u64,
            oldest_pending_ms: oldest.map(|at| now.saturating_sub(at).max(0) as u64),
        })
    };
    QUEUES.run_one(conn, |args| args).await?.rows.iter().map(stats).collect()
}

/// Deletes jobs that ended at least this long ago; answers how many.
pub(super) async fn prune(tx: &mut Tx<'_>, age_ms: Millis, batch: u32) -> Result<u32, Error> {
    let until = tx.now.saturating_sub(age_ms);
    let done =
        PRUNE.run_one(tx.conn, |args| (0..PRUNE_STATEMENTS).fold(args, |args, _| args.add(until).add(batch))).await?;
    Ok(done.changed as u32)
}
