//! What agents did for a job, page by page, for people.

use super::{Record, journal, row};
use crate::{
    clock::timestamp,
    journal::{RunId, SaidStep},
    store::Error,
};
use flotilla_jobs::{
    JobId,
    api::{JobStep, StepPlace},
};
use sqlx::postgres::PgRow;

/// Most calls of one page.
const MAX_PAGE: u32 = 1_000;

impl Record {
    /// Calls after a place.
    pub(crate) async fn trail(&self, job: JobId, after: Option<StepPlace>, limit: u32) -> Result<Vec<JobStep>, Error> {
        let [run, thread, seq, attempt] = numbers(after);
        let limit = i64::from(limit.clamp(1, MAX_PAGE));
        let trail = sqlx::query(include_str!("job_trail.sql")).bind(job.0).bind(run).bind(thread).bind(seq);
        let trail = trail.bind(attempt).bind(limit);
        self.conn().await?.rows(trail).await?.iter().map(read).collect()
    }

    /// The step after a place.
    pub(crate) async fn step_after(&self, job: JobId, after: Option<StepPlace>) -> Result<Option<SaidStep>, Error> {
        let [run, thread, seq, _] = numbers(after);
        let step = sqlx::query(include_str!("job_step.sql")).bind(job.0).bind(run).bind(thread).bind(seq);
        self.conn().await?.rows(step).await?.first().map(said).transpose()
    }
}

/// Before all where no place is named.
fn numbers(after: Option<StepPlace>) -> [i32; 4] {
    after.map_or([-1; 4], |after| [after.run, after.thread, after.seq, after.attempt].map(journal::number))
}

fn read(row: &PgRow) -> Result<JobStep, Error> {
    let (run, key) = (RunId(row::get(row, "id")?), journal::key(row)?);
    let saved = journal::saved(row)?;
    Ok(JobStep {
        run: row::get::<i32>(row, "run")? as u32,
        agent: row::get(row, "agent")?,
        superseded: row::get(row, "superseded")?,
        thread: key.thread,
        seq: key.seq,
        attempt: row::get::<i32>(row, "attempt")? as u32,
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

fn said(row: &PgRow) -> Result<SaidStep, Error> {
    let (run, key) = (RunId(row::get(row, "id")?), journal::key(row)?);
    Ok(SaidStep {
        place: StepPlace { run: row::get::<i32>(row, "run")? as u32, thread: key.thread, seq: key.seq, attempt: 0 },
        kind: journal::kind(row, run, key)?,
        name: row::get(row, "name")?,
        request: journal::raw(row, "request")?,
        response: journal::raw(row, "response")?,
    })
}
