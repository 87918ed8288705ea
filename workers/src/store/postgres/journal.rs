//! Runs of agents on record: beginning one, and reading back what was done.

use super::{Record, pool::Conn, row};
use crate::{
    clock::timestamp,
    journal::{
        CallRecord, InputHash, Lease, Opened, RunId, RunRecord, RunStart, Spent, Step, StepKey, StepKind, StepRecord,
    },
    store::{
        Error,
        steps::{self, Known},
    },
};
use flotilla_jobs::{JobId, MicroUsd, Usage};
use serde_json::value::RawValue;
use sqlx::postgres::PgRow;
use std::collections::HashMap;
use uuid::Uuid;

/// Most steps of one page.
const MAX_PAGE: u32 = 1_000;

impl Record {
    /// Opens a run, a new one in any case where it is asked for `again`; `None` where the lease was taken away.
    pub(crate) async fn open_run(&self, lease: &Lease, start: &RunStart, again: bool) -> Result<Option<Opened>, Error> {
        let mut conn = self.begin().await?;
        let now = lock(&mut conn, &[lease.job], self.now()).await?;
        let newest = sqlx::query(include_str!("newest_run.sql")).bind(lease.job.0).bind(lease.run as i32);
        let opened = match conn.rows(newest).await?.first() {
            None => None,
            Some(row) => Some(open(&mut conn, row, lease, start, again, now).await?),
        };
        conn.commit().await?;
        Ok(opened)
    }

    /// Finished steps after a place.
    pub(crate) async fn steps(&self, run: RunId, after: Option<StepKey>, limit: u32) -> Result<Vec<Step>, Error> {
        let (thread, seq) = after.map_or((-1, -1), |key| (number(key.thread), number(key.seq)));
        let limit = i64::from(limit.clamp(1, MAX_PAGE));
        let steps = sqlx::query(include_str!("done_steps.sql")).bind(run.0).bind(thread).bind(seq).bind(limit);
        let step = |row: &PgRow| {
            let key = key(row)?;
            let step = known(row, run, key)?.and_then(|known| known.step(key));
            step.ok_or_else(|| steps::corrupt("postgres", run, key, "it is done and has no response"))
        };
        let found: Result<Vec<Step>, Error> = self.conn().await?.rows(steps).await?.iter().map(step).collect();
        found.inspect_err(|error| steps::report(error, &self.damage))
    }

    /// All that agents did for a job.
    pub(crate) async fn runs(&self, job: JobId) -> Result<Vec<RunRecord>, Error> {
        let mut conn = self.conn().await?;
        let rows = conn.rows(sqlx::query(include_str!("job_runs.sql")).bind(job.0)).await?;
        let mut runs: Vec<RunRecord> = rows.iter().map(run_record).collect::<Result<_, _>>()?;
        let ids: Vec<Uuid> = runs.iter().map(|run| run.run.0).collect();
        // Steps first: a call that begins meanwhile then belongs to none, and is left out with its step.
        let steps = conn.rows(sqlx::query(include_str!("run_steps.sql")).bind(&ids)).await?;
        let mut calls: HashMap<(Uuid, StepKey), Vec<CallRecord>> = HashMap::new();
        for row in conn.rows(sqlx::query(include_str!("run_calls.sql")).bind(&ids)).await? {
            calls.entry((row::get(&row, "id")?, key(&row)?)).or_default().push(call(&row)?);
        }
        for row in &steps {
            let (id, key) = (row::get::<Uuid>(row, "id")?, key(row)?);
            let calls = calls.remove(&(id, key)).unwrap_or_default();
            if let Some(run) = runs.iter_mut().find(|run| run.run.0 == id) {
                run.steps.push(step_record(row, run.run, key, calls)?);
            }
        }
        Ok(runs)
    }
}

/// Keeps unfinished jobs as they are until the transaction ends; answers the time.
pub(super) async fn lock(conn: &mut Conn, jobs: &[JobId], now: Option<i64>) -> Result<i64, Error> {
    let ids: Vec<Uuid> = jobs.iter().map(|job| job.0).collect();
    let locked = conn.row(sqlx::query(include_str!("lock_leases.sql")).bind(ids).bind(now)).await?;
    row::get(&locked, "now")
}

async fn open(
    conn: &mut Conn,
    row: &PgRow,
    lease: &Lease,
    start: &RunStart,
    again: bool,
    now: i64,
) -> Result<Opened, Error> {
    if let (Some(id), false) = (row::get::<Option<Uuid>>(row, "id")?, again) {
        let plan = raw(row, "plan")?.ok_or_else(|| corrupt(&format!("run {id} has no plan")))?;
        let started_at = timestamp(row::get(row, "started_at")?);
        let spent = sqlx::query(include_str!("run_spent.sql")).bind(id).bind(lease.run as i32);
        let spent = spent_so_far(&conn.row(spent).await?)?;
        return Ok(Opened { run: RunId(id), plan, fresh: false, started_at, spent });
    }
    let run = Uuid::now_v7();
    let begin = sqlx::query(include_str!("start_run.sql"))
        .bind(run)
        .bind(lease.job.0)
        .bind(row::get::<i64>(row, "runs")? as i32)
        .bind(&start.agent)
        .bind(&start.tenant)
        .bind(&start.session)
        .bind(now)
        .bind(start.plan.get());
    conn.run(begin).await?;
    let (run, plan, started_at) = (RunId(run), start.plan.clone(), timestamp(now));
    Ok(Opened { run, plan, fresh: true, started_at, spent: Spent::default() })
}

fn spent_so_far(row: &PgRow) -> Result<Spent, Error> {
    Ok(Spent {
        cost: MicroUsd(count(row, "cost")?),
        usage: usage(row)?.unwrap_or_default(),
        calls: count(row, "calls")?,
        unknown: count(row, "unknown")?,
        estimated: count(row, "estimated")?,
        unsaid_tokens: count(row, "unsaid")?,
    })
}

fn run_record(row: &PgRow) -> Result<RunRecord, Error> {
    Ok(RunRecord {
        run: RunId(row::get(row, "id")?),
        agent: row::get(row, "agent")?,
        started_at: timestamp(row::get(row, "started_at")?),
        superseded: row::get(row, "superseded")?,
        steps: Vec::new(),
    })
}

fn step_record(row: &PgRow, run: RunId, key: StepKey, calls: Vec<CallRecord>) -> Result<StepRecord, Error> {
    Ok(StepRecord {
        key,
        kind: kind(row, run, key)?,
        name: row::get(row, "name")?,
        started_at: timestamp(row::get(row, "started_at")?),
        finished_at: row::get::<Option<i64>>(row, "finished_at")?.map(timestamp),
        request: raw(row, "request")?,
        response: raw(row, "response")?,
        calls,
    })
}

fn call(row: &PgRow) -> Result<CallRecord, Error> {
    Ok(CallRecord {
        attempt: row::get::<i32>(row, "attempt")? as u32,
        outcome: row::get(row, "outcome")?,
        message: row::get(row, "error")?,
        provider: row::get(row, "provider")?,
        model: row::get(row, "model")?,
        usage: usage(row)?,
        cost: cost(row)?,
        saved: saved(row)?,
        started_at: timestamp(row::get(row, "started_at")?),
        finished_at: row::get::<Option<i64>>(row, "finished_at")?.map(timestamp),
    })
}

/// What is on record in a step's place; `None` where nothing is.
pub(super) fn known(row: &PgRow, run: RunId, key: StepKey) -> Result<Option<Known>, Error> {
    let Some(name) = row::get::<Option<String>>(row, "name")? else { return Ok(None) };
    let hash: Vec<u8> = row::get(row, "input_hash")?;
    let input_hash = InputHash::try_from(hash);
    Ok(Some(Known {
        kind: kind(row, run, key)?,
        name,
        input_hash: input_hash.map_err(|_| steps::corrupt("postgres", run, key, "its hash is not 32 bytes"))?,
        attempt: row::get::<i32>(row, "attempt")? as u32,
        unsure: row::get(row, "unsure")?,
        request: raw(row, "request")?,
        response: raw(row, "response")?,
        usage: usage(row)?,
        cost: cost(row)?,
    }))
}

pub(super) fn kind(row: &PgRow, run: RunId, key: StepKey) -> Result<StepKind, Error> {
    let name: String = row::get(row, "kind")?;
    steps::kind(&name).ok_or_else(|| steps::corrupt("postgres", run, key, &format!("its kind is `{name}`")))
}

pub(super) fn key(row: &PgRow) -> Result<StepKey, Error> {
    Ok(StepKey { thread: row::get::<i32>(row, "thread")? as u32, seq: row::get::<i32>(row, "seq")? as u32 })
}

/// A number of a thread, a step or a call, as columns keep it; those above are refused before.
pub(super) fn number(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

pub(super) fn raw(row: &PgRow, column: &str) -> Result<Option<Box<RawValue>>, Error> {
    let text: Option<String> = row::get(row, column)?;
    text.map(RawValue::from_string).transpose().map_err(|e| corrupt(&format!("column {column}: {e}")))
}

pub(super) fn cost(row: &PgRow) -> Result<Option<MicroUsd>, Error> {
    Ok(row::get::<Option<i64>>(row, "cost")?.map(|cost| MicroUsd(cost.max(0) as u64)))
}

/// What an answer from the cache would have cost.
pub(super) fn saved(row: &PgRow) -> Result<Option<MicroUsd>, Error> {
    Ok(row::get::<Option<i64>>(row, "saved")?.map(|saved| MicroUsd(saved.max(0) as u64)))
}

/// A count on record; one below nothing is nothing.
pub(super) fn count(row: &PgRow, column: &str) -> Result<u64, Error> {
    Ok(row::get::<i64>(row, column)?.max(0) as u64)
}

/// The counters of a call, or of a sum.
pub(super) fn usage(row: &PgRow) -> Result<Option<Usage>, Error> {
    if row::get::<Option<i64>>(row, "input")?.is_none() {
        return Ok(None);
    }
    Ok(Some(Usage {
        input: count(row, "input")?,
        cache_read: count(row, "cache_read")?,
        cache_write: count(row, "cache_write")?,
        cache_write_1h: count(row, "cache_write_1h")?,
        output: count(row, "output")?,
        reasoning: count(row, "reasoning")?,
    }))
}

pub(super) fn corrupt(detail: &str) -> Error {
    Error::Corrupt { what: "postgres", detail: detail.to_owned() }
}
