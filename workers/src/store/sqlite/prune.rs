//! Deleting what nobody asks about any more. What is to go is looked for beside the writer, which only deletes.

use super::{row, tx::Tx, unit::Unit};
use crate::{clock::Millis, store::Error};
use flotilla_jobs::JobState;
use sqlx::SqliteConnection;

static PRUNE: Unit = Unit::new(include_str!("prune.sql"));
static OLD_RESULTS: Unit = Unit::new(include_str!("old_results.sql"));
static PRUNE_KEYS: Unit = Unit::new(include_str!("prune_keys.sql"));
static OLD_KEYS: Unit = Unit::new(include_str!("old_keys.sql"));

/// Most jobs of one call: whoever submits or finishes a job meanwhile waits some milliseconds.
pub(super) const MAX_JOBS: u32 = 200;
/// Statements of a prune: each takes the same two values.
const STATEMENTS: usize = 13;

/// Jobs to delete.
pub(super) struct Old {
    /// `jobs.seq` of each.
    pub seqs: Vec<i64>,
    /// They ended at this time at the latest.
    pub until: Millis,
}

/// Jobs that ended in this state, at this time at the latest.
pub(super) async fn old(
    conn: &mut SqliteConnection,
    state: JobState,
    until: Millis,
    batch: u32,
) -> Result<Vec<i64>, Error> {
    let batch = batch.min(MAX_JOBS);
    let found = OLD_RESULTS.run_one(conn, |args| args.add(state.as_str()).add(until).add(batch)).await?;
    found.rows.iter().map(|row| row::get(row, "seq")).collect()
}

/// Deletes them, but none that was run again meanwhile; answers how many.
pub(super) async fn prune(tx: &mut Tx<'_>, old: &Old) -> Result<u32, Error> {
    let seqs = serde_json::to_string(&old.seqs).unwrap_or_default();
    let until = old.until;
    let done = PRUNE.run_one(tx.conn, |args| (0..STATEMENTS).fold(args, |args, _| args.add(&seqs).add(until))).await?;
    Ok(done.changed as u32)
}

/// Whether there is a key whose window is over.
pub(super) async fn any_old_key(conn: &mut SqliteConnection, now: Millis) -> Result<bool, Error> {
    Ok(!OLD_KEYS.run_one(conn, |args| args.add(now)).await?.rows.is_empty())
}

/// Deletes keys whose window is over; answers how many.
pub(super) async fn prune_keys(tx: &mut Tx<'_>, batch: u32) -> Result<u32, Error> {
    let now = tx.now;
    Ok(PRUNE_KEYS.run_one(tx.conn, |args| args.add(now).add(batch)).await?.changed as u32)
}
