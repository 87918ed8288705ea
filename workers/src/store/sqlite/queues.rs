//! Queues: their settings and their figures.

use super::{
    row,
    tx::Tx,
    unit::{Done, Unit},
};
use crate::{
    clock::Millis,
    store::{Error, QueueChange, QueueStats},
};
use sqlx::{SqliteConnection, sqlite::SqliteRow};
use std::collections::BTreeMap;

static CONFIGURE_QUEUE: Unit = Unit::new(include_str!("configure_queue.sql"));
static QUEUES: Unit = Unit::new(include_str!("queues.sql"));
static PARKED: Unit = Unit::new(include_str!("parked.sql"));

/// Most kinds that a queue's figures name.
const MAX_KINDS: usize = 100;

/// Changes a queue's settings.
pub(super) async fn configure(tx: &mut Tx<'_>, queue: &str, change: QueueChange) -> Result<(), Error> {
    let (paused, cap) = (change.paused, change.cap);
    CONFIGURE_QUEUE.run_one(tx.conn, |args| args.add(queue).add(paused).add(cap).add(paused).add(cap).add(cap)).await?;
    tx.work(queue);
    Ok(())
}

/// Every queue ever used.
pub(super) async fn queues(conn: &mut SqliteConnection, now: Millis) -> Result<Vec<QueueStats>, Error> {
    let found = QUEUES.run_one(conn, |args| args).await?.rows;
    let names = found.iter().map(|row| row::get(row, "name")).collect::<Result<Vec<&str>, Error>>()?;
    let parked = PARKED.run(conn, &names, |name, args| args.add(*name)).await?;
    let stats = |(row, parked): (&SqliteRow, &Done)| {
        let mut oldest: Option<Millis> = row::get(row, "oldest")?;
        let mut waiting_for_worker = BTreeMap::new();
        for kind in &parked.rows {
            oldest = oldest.into_iter().chain(row::get::<Option<Millis>>(kind, "oldest")?).min();
            if waiting_for_worker.len() < MAX_KINDS {
                waiting_for_worker.insert(row::get(kind, "kind")?, row::get::<i64>(kind, "jobs")? as u64);
            }
        }
        let count = |name| row::get::<i64>(row, name).map(|n| n.max(0) as u64);
        Ok(QueueStats {
            name: row::get(row, "name")?,
            paused: row::get(row, "paused")?,
            cap: row::get::<Option<i64>>(row, "cap")?.and_then(|cap| u32::try_from(cap).ok()),
            scheduled: count("scheduled")?,
            pending: count("pending")?,
            running: count("running")?,
            paused_jobs: count("paused_jobs")?,
            oldest_pending_ms: oldest.map(|at| now.saturating_sub(at).max(0) as u64),
            waiting_for_worker,
        })
    };
    found.iter().zip(&parked).map(stats).collect()
}
