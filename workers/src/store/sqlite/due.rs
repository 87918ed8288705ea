//! What happens because time went by: delayed jobs become ready, lost ones are taken back.

use super::{
    cancel::cancelled,
    end::{Finish, GiveBack},
    mend::{self, Broken},
    row::{self, Place},
    tx::Tx,
    unit::Unit,
};
use crate::{
    clock::Millis,
    store::{Error, Promoted, Rescued, ending::crash},
};
use flotilla_jobs::{Cause, JobState};
use sqlx::SqliteConnection;

static PROMOTE: Unit = Unit::new(include_str!("promote.sql"));
static NEXT_DUE: Unit = Unit::new(include_str!("next_due.sql"));
static NEXT_EXPIRY: Unit = Unit::new(include_str!("next_expiry.sql"));
static EXPIRED: Unit = Unit::new(include_str!("expired.sql"));

/// Queues, and how many jobs of each at most.
pub(super) struct Batch {
    pub queues: Vec<String>,
    pub max: u32,
}

/// When the next delayed job of any of the queues is due.
pub(super) async fn next_due(conn: &mut SqliteConnection, queues: &[String]) -> Result<Option<Millis>, Error> {
    earliest(conn, &NEXT_DUE, queues).await
}

/// When the next lease of any of the queues expires.
pub(super) async fn next_expiry(conn: &mut SqliteConnection, queues: &[String]) -> Result<Option<Millis>, Error> {
    earliest(conn, &NEXT_EXPIRY, queues).await
}

async fn earliest(
    conn: &mut SqliteConnection,
    unit: &'static Unit,
    queues: &[String],
) -> Result<Option<Millis>, Error> {
    let mut earliest: Option<Millis> = None;
    for done in unit.run(conn, queues, |queue, args| args.add(queue)).await? {
        for row in &done.rows {
            let at: Option<Millis> = row::get(row, "at")?;
            earliest = at.into_iter().chain(earliest).min();
        }
    }
    Ok(earliest)
}

/// Makes due jobs ready.
pub(super) async fn promote(tx: &mut Tx<'_>, batch: &Batch) -> Result<Promoted, Error> {
    let now = tx.now;
    let done = PROMOTE.run(tx.conn, &batch.queues, |queue, args| args.add(queue).add(now).add(batch.max)).await?;
    let mut moved = 0;
    for (queue, done) in batch.queues.iter().zip(&done) {
        for row in &done.rows {
            let to = row::place(row, "state")?;
            tx.moved(queue, Some(Place::Scheduled), to);
            if let (Some(Place::Line), Some(group)) = (to, row::get(row, "group_key")?) {
                tx.line(queue, group, 0);
            }
            if let Ok(id) = row::id(row) {
                tx.changed(id);
            }
            moved += 1;
        }
    }
    tx.square().await?;
    let next = next_due(tx.conn, &batch.queues).await?;
    Ok(Promoted { moved, next_due_in_ms: next.map(|at| at.saturating_sub(now).max(0) as u64) })
}

/// Takes jobs back whose leases ran out.
pub(super) async fn rescue(tx: &mut Tx<'_>, batch: &Batch) -> Result<Vec<Rescued>, Error> {
    let now = tx.now;
    let expired = EXPIRED.run(tx.conn, &batch.queues, |queue, args| args.add(queue).add(now).add(batch.max)).await?;
    let (mut rescued, mut ends, mut backs) = (Vec::new(), Vec::new(), Vec::new());
    let (mut broken, mut nobodys) = (Vec::new(), false);
    for row in expired.iter().flat_map(|done| &done.rows) {
        let Ok(id) = row::id(row) else {
            nobodys = true;
            continue;
        };
        if let Some(wrong) = mend::wrong_number(row)? {
            broken.push(Broken { id, run: row::get(row, "run")?, wrong });
            continue;
        }
        let run: u32 = row::get(row, "run")?;
        let state = match (row::get(row, "cancel")?, row::attempts(row)?.crash_quarantines()) {
            (true, _) => JobState::Cancelled,
            (false, true) => JobState::Quarantined,
            (false, false) => JobState::Pending,
        };
        match state {
            JobState::Cancelled => ends.push(cancelled(id, run.into())),
            JobState::Quarantined => ends.push(Finish { state, error: Some(crash()), ..cancelled(id, run.into()) }),
            _ => backs.push(GiveBack {
                id,
                run,
                cause: Cause::Crash,
                worker: None,
                started_at: None,
                error: Some(crash()),
                // It keeps its group's slot and its age: it is at the front.
                to: Place::Ready,
                ready_at: None,
                paused: None,
            }),
        }
        rescued.push(Rescued {
            job: id,
            worker: row::get::<Option<String>>(row, "worker")?.unwrap_or_default(),
            state,
        });
    }
    tx.finish(&ends).await?;
    tx.give_back(&backs).await?;
    mend::fail(tx, &broken).await?;
    if nobodys {
        mend::forget_nobodys(tx).await?;
    }
    tx.square().await?;
    Ok(rescued)
}
