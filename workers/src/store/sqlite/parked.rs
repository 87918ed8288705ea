//! Jobs of kinds that the worker which met them does not know: they are parked for one that does.

use super::{
    claim::Wanted,
    row::{self, Place},
    tx::Tx,
    unit::Unit,
};
use crate::store::Error;
use flotilla_jobs::JobId;

static PARK: Unit = Unit::new(include_str!("park.sql"));
static UNPARK: Unit = Unit::new(include_str!("unpark.sql"));
static PARKED_KINDS: Unit = Unit::new(include_str!("parked_kinds.sql"));
static ALL_PARKED_KINDS: Unit = Unit::new(include_str!("all_parked_kinds.sql"));

/// About so many jobs one claim parks at most.
pub(super) const MOST: usize = 1_000;

/// A job that was just claimed by a worker that cannot run it.
pub(super) struct Parked {
    pub id: JobId,
    pub queue: String,
    pub kind: String,
}

/// Parks jobs. They keep their place, their group's slot and their run: nothing happened to them.
pub(super) async fn park(tx: &mut Tx<'_>, jobs: &[Parked]) -> Result<(), Error> {
    if jobs.is_empty() {
        return Ok(());
    }
    PARK.run(tx.conn, jobs, |job, args| args.add(&job.kind).add(job.id.0)).await?;
    for job in jobs {
        tx.moved(&job.queue, Some(Place::Running), Some(Place::Parked));
    }
    tx.square().await
}

/// Makes parked jobs of kinds that the worker knows ready again: of each kind as many as it may get, so that the order
/// among all that wait is kept.
pub(super) async fn unpark(tx: &mut Tx<'_>, wanted: &Wanted) -> Result<(), Error> {
    let known = match &wanted.kinds {
        Some(kinds) => {
            let kinds = serde_json::to_string(kinds).unwrap_or_default();
            PARKED_KINDS.run(tx.conn, &wanted.queues, |(queue, _), args| args.add(&kinds).add(queue).add(queue)).await?
        }
        None => ALL_PARKED_KINDS.run(tx.conn, &wanted.queues, |(queue, _), args| args.add(queue).add(queue)).await?,
    };
    let mut lines: Vec<(&str, String, u32)> = Vec::new();
    for ((queue, max), known) in wanted.queues.iter().zip(&known) {
        for row in &known.rows {
            lines.push((queue, row::get(row, "kind")?, *max));
        }
    }
    UNPARK.run(tx.conn, &lines, |(queue, kind, max), args| args.add(*queue).add(kind).add(max)).await?;
    Ok(())
}
