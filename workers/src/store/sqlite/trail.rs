//! What agents did for a job, page by page, for people.

use super::{journal, row, unit::Unit};
use crate::{
    clock::timestamp,
    journal::{RunId, SaidStep},
    store::Error,
};
use flotilla_jobs::{
    JobId,
    api::{JobStep, StepPlace},
};
use sqlx::{SqliteConnection, sqlite::SqliteRow};

static JOB_TRAIL: Unit = Unit::new(include_str!("job_trail.sql"));
static JOB_STEP: Unit = Unit::new(include_str!("job_step.sql"));

/// Most calls of one page.
const MAX_PAGE: u32 = 1_000;

/// Calls after a place.
pub(super) async fn calls(
    conn: &mut SqliteConnection,
    job: JobId,
    after: Option<StepPlace>,
    limit: u32,
) -> Result<Vec<JobStep>, Error> {
    let [run, thread, seq, attempt] = numbers(after);
    let limit = limit.clamp(1, MAX_PAGE);
    let done =
        JOB_TRAIL.run_one(conn, |args| args.add(job.0).add(run).add(thread).add(seq).add(attempt).add(limit)).await?;
    done.rows.iter().map(read).collect()
}

/// The step after a place.
pub(super) async fn step_after(
    conn: &mut SqliteConnection,
    job: JobId,
    after: Option<StepPlace>,
) -> Result<Option<SaidStep>, Error> {
    let [run, thread, seq, _] = numbers(after);
    let done = JOB_STEP.run_one(conn, |args| args.add(job.0).add(run).add(thread).add(seq)).await?;
    done.rows.first().map(said).transpose()
}

/// Before all where no place is named.
fn numbers(after: Option<StepPlace>) -> [i64; 4] {
    after.map_or([-1; 4], |after| [after.run, after.thread, after.seq, after.attempt].map(i64::from))
}

fn read(row: &SqliteRow) -> Result<JobStep, Error> {
    let (run, key) = (RunId(row::get(row, "id")?), journal::key(row)?);
    let saved = journal::saved(row)?;
    Ok(JobStep {
        run: row::get(row, "run")?,
        agent: row::get(row, "agent")?,
        superseded: row::get(row, "superseded")?,
        thread: key.thread,
        seq: key.seq,
        attempt: row::get(row, "attempt")?,
        kind: journal::kind(row, run, key)?.as_str().to_owned(),
        name: row::get(row, "name")?,
        outcome: row::get(row, "outcome")?,
        kept: row::get(row, "kept")?,
        message: row::get(row, "error")?,
        provider: row::get(row, "provider")?,
        model: row::get(row, "model")?,
        usage: journal::usage(row)?,
        cost: journal::cost(row)?,
        cached: saved.is_some(),
        saved,
        started_at: timestamp(row::get(row, "started_at")?),
        finished_at: row::get::<Option<i64>>(row, "finished_at")?.map(timestamp),
    })
}

fn said(row: &SqliteRow) -> Result<SaidStep, Error> {
    let (run, key) = (RunId(row::get(row, "id")?), journal::key(row)?);
    Ok(SaidStep {
        place: StepPlace { run: row::get(row, "run")?, thread: key.thread, seq: key.seq, attempt: 0 },
        kind: journal::kind(row, run, key)?,
        name: row::get(row, "name")?,
        request: journal::raw(row, "request")?,
        response: journal::raw(row, "response")?,
    })
}
