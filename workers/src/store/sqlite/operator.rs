//! What an operator does to jobs that will not go on by themselves.

use super::{
    row::{self, Place},
    tx::Tx,
    unit::{Done, Unit},
};
use crate::store::Error;
use flotilla_jobs::JobId;

static REOPEN: Unit = Unit::new(include_str!("reopen.sql"));
static RESUME: Unit = Unit::new(include_str!("resume.sql"));

/// Runs failed and quarantined jobs once more; answers for each whether it did.
pub(super) async fn retry(tx: &mut Tx<'_>, ids: &[JobId]) -> Result<Vec<bool>, Error> {
    let now = tx.now;
    let done = REOPEN.run(tx.conn, ids, |id, args| args.add(id.0).add(now).add(id.0).add(id.0)).await?;
    wake(tx, ids, &done, None).await
}

/// Puts paused jobs back into their queues; answers for each whether it did.
pub(super) async fn resume(tx: &mut Tx<'_>, ids: &[JobId]) -> Result<Vec<bool>, Error> {
    let now = tx.now;
    let done = RESUME.run(tx.conn, ids, |id, args| args.add(now).add(id.0)).await?;
    wake(tx, ids, &done, Some(Place::Paused)).await
}

async fn wake(tx: &mut Tx<'_>, ids: &[JobId], done: &[Done], from: Option<Place>) -> Result<Vec<bool>, Error> {
    let mut woken = Vec::with_capacity(ids.len());
    for (id, done) in ids.iter().zip(done) {
        if let Some(row) = done.rows.first() {
            let (queue, group): (&str, Option<&str>) = (row::get(row, "queue")?, row::get(row, "group_key")?);
            tx.moved(queue, from, Some(Place::due(group)));
            if let Some(group) = group {
                tx.line(queue, group, 0);
            }
            tx.changed(*id);
        }
        woken.push(!done.rows.is_empty());
    }
    tx.square().await?;
    Ok(woken)
}
