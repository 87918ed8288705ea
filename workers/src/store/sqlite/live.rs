//! Live output on record.

use super::{
    row,
    tx::Tx,
    unit::{Done, Unit},
};
use crate::{
    clock::timestamp,
    store::{Error, Lease, LiveEvent, MAX_OUTPUT_EVENTS, NumberedEvent, damage::Damage},
};
use flotilla_jobs::{JobId, Progress};
use sqlx::{SqliteConnection, sqlite::SqliteRow};
use std::collections::BTreeMap;

static OUTPUT_END: Unit = Unit::new(include_str!("output_end.sql"));
static APPEND_OUTPUT: Unit = Unit::new(include_str!("append_output.sql"));
static SET_PROGRESS: Unit = Unit::new(include_str!("set_progress.sql"));
static READ_OUTPUT: Unit = Unit::new(include_str!("read_output.sql"));
static READ_PROGRESS: Unit = Unit::new(include_str!("read_progress.sql"));

/// A job whose events are taken.
struct Output<'a> {
    seq: i64,
    last: u64,
    progress: Option<&'a Progress>,
}

/// Appends events in the order given.
pub(super) async fn append(tx: &mut Tx<'_>, events: &[(Lease, LiveEvent)]) -> Result<(), Error> {
    let mut runs: Vec<(JobId, u32)> = events.iter().map(|(lease, _)| (lease.job, lease.run)).collect();
    runs.sort_unstable();
    runs.dedup();
    let ends = OUTPUT_END.run(tx.conn, &runs, |(id, run), args| args.add(id.0).add(run)).await?;
    let mut outputs = BTreeMap::new();
    for (run, end) in runs.iter().zip(&ends) {
        if let Some(row) = end.rows.first() {
            let last = row::get::<i64>(row, "last")? as u64;
            outputs.insert(*run, Output { seq: row::get(row, "seq")?, last, progress: None });
            tx.changed(run.0);
        }
    }

    let mut new = Vec::with_capacity(events.len());
    for (lease, event) in events {
        let Some(output) = outputs.get_mut(&(lease.job, lease.run)) else { continue };
        if let LiveEvent::Progress(progress) = event {
            output.progress = Some(progress);
        }
        if output.last < MAX_OUTPUT_EVENTS {
            output.last += 1;
            let kept = if output.last == MAX_OUTPUT_EVENTS { &LiveEvent::Cut } else { event };
            new.push((output.seq, output.last as i64, serde_json::to_string(kept).unwrap_or_default()));
        }
    }
    let now = tx.now;
    APPEND_OUTPUT.run(tx.conn, &new, |(seq, n, event), args| args.add(seq).add(n).add(now).add(event)).await?;
    let told = outputs.values().filter_map(|o| Some((o.seq, serde_json::to_string(o.progress?).ok()?)));
    let told: Vec<(i64, String)> = told.collect();
    SET_PROGRESS.run(tx.conn, &told, |(seq, progress), args| args.add(seq).add(progress)).await?;
    Ok(())
}

/// Events above a number.
pub(super) async fn read(
    conn: &mut SqliteConnection,
    job: JobId,
    after: u64,
    limit: u32,
    damage: &Damage,
) -> Result<Vec<NumberedEvent>, Error> {
    let mut each = read_many(conn, &[(job, after)], limit, damage).await?;
    Ok(each.pop().unwrap_or_default())
}

/// The same of many jobs, in the order given.
pub(super) async fn read_many(
    conn: &mut SqliteConnection,
    jobs: &[(JobId, u64)],
    limit: u32,
    damage: &Damage,
) -> Result<Vec<Vec<NumberedEvent>>, Error> {
    let above = |after: u64| i64::try_from(after).unwrap_or(i64::MAX);
    let done = READ_OUTPUT.run(conn, jobs, |(job, after), args| args.add(job.0).add(above(*after)).add(limit)).await?;
    let read =
        |((job, _), done): (&(JobId, u64), &Done)| done.rows.iter().map(|row| event(*job, row, damage)).collect();
    jobs.iter().zip(&done).map(read).collect()
}

fn event(job: JobId, row: &SqliteRow, damage: &Damage) -> Result<NumberedEvent, Error> {
    Ok(NumberedEvent {
        seq: row::get::<i64>(row, "n")? as u64,
        at: timestamp(row::get(row, "at")?),
        event: row::json(row, "event")
            .and_then(|event| event.ok_or_else(|| row::corrupt("an event is missing")))
            .unwrap_or_else(|error| {
                damage.met(format!("job {job}"), error, "a piece of its output is left out");
                LiveEvent::unreadable()
            }),
    })
}

/// The last progress of each job. One that cannot be read is as good as none: it only saves a handler work.
pub(super) async fn progress(
    conn: &mut SqliteConnection,
    jobs: &[JobId],
    damage: &Damage,
) -> Result<Vec<Option<Progress>>, Error> {
    let done = READ_PROGRESS.run(conn, jobs, |job, args| args.add(job.0)).await?;
    let progress = |(job, rows): (&JobId, &[SqliteRow])| {
        let text: &str = row::get(rows.first()?, "progress").ok()?;
        let read = serde_json::from_str(text);
        read.inspect_err(|error| damage.met(format!("job {job}"), error, "its last progress is left out")).ok()
    };
    Ok(jobs.iter().zip(done.iter().map(|done| &*done.rows)).map(progress).collect())
}
