//! Runs of agents on record: beginning one, and reading back what was done.

use super::{row, tx::Tx, unit::Unit};
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
use sqlx::{SqliteConnection, sqlite::SqliteRow};
use std::collections::HashMap;
use uuid::Uuid;

static NEWEST_RUN: Unit = Unit::new(include_str!("newest_run.sql"));
static RUN_SPENT: Unit = Unit::new(include_str!("run_spent.sql"));
static START_RUN: Unit = Unit::new(include_str!("start_run.sql"));
static DONE_STEPS: Unit = Unit::new(include_str!("done_steps.sql"));
static JOB_RUNS: Unit = Unit::new(include_str!("job_runs.sql"));
static RUN_STEPS: Unit = Unit::new(include_str!("run_steps.sql"));
static RUN_CALLS: Unit = Unit::new(include_str!("run_calls.sql"));

/// Most steps of one page.
const MAX_PAGE: u32 = 1_000;

/// Who asks for a run.
pub(super) struct Opening {
    pub lease: Lease,
    pub start: RunStart,
    /// Whether it is to be a new one in any case.
    pub again: bool,
}

/// Opens a run; `None` where the lease was taken away.
pub(super) async fn open(tx: &mut Tx<'_>, opening: &Opening) -> Result<Option<Opened>, Error> {
    let Opening { lease, start, again } = opening;
    let found = NEWEST_RUN.run_one(tx.conn, |args| args.add(lease.job.0).add(lease.run)).await?;
    let Some(row) = found.rows.first() else { return Ok(None) };
    if let (Some(id), false) = (row::get::<Option<Uuid>>(row, "id")?, again) {
        let plan = raw(row, "plan")?.ok_or_else(|| row::corrupt(&format!("run {id} has no plan")))?;
        let started_at = timestamp(row::get(row, "started_at")?);
        let spent = spent(tx.conn, RunId(id), lease.run).await?;
        return Ok(Some(Opened { run: RunId(id), plan, fresh: false, started_at, spent }));
    }
    let (run, ordinal, now) = (Uuid::now_v7(), row::get::<i64>(row, "runs")?, tx.now);
    START_RUN
        .run_one(tx.conn, |args| {
            let args = args.add(lease.job.0).add(run).add(lease.job.0).add(ordinal).add(&start.agent);
            args.add(&start.tenant).add(start.session.as_deref()).add(now).add(start.plan.get())
        })
        .await?;
    let (run, plan, started_at) = (RunId(run), start.plan.clone(), timestamp(now));
    Ok(Some(Opened { run, plan, fresh: true, started_at, spent: Spent::default() }))
}

async fn spent(conn: &mut SqliteConnection, run: RunId, lease: u32) -> Result<Spent, Error> {
    let done = RUN_SPENT.run_one(conn, |args| args.add(lease).add(run.0)).await?;
    let row = done.rows.first().ok_or_else(|| row::corrupt("a sum without a row"))?;
    Ok(Spent {
        cost: MicroUsd(count(row, "cost")?),
        usage: usage(row)?.unwrap_or_default(),
        calls: count(row, "calls")?,
        unknown: count(row, "unknown")?,
        estimated: count(row, "estimated")?,
        unsaid_tokens: count(row, "unsaid")?,
    })
}

/// Finished steps after a place.
pub(super) async fn steps(
    conn: &mut SqliteConnection,
    run: RunId,
    after: Option<StepKey>,
    limit: u32,
) -> Result<Vec<Step>, Error> {
    let (thread, seq) = after.map_or((-1, -1), |key| (i64::from(key.thread), i64::from(key.seq)));
    let limit = limit.clamp(1, MAX_PAGE);
    let done = DONE_STEPS.run_one(conn, |args| args.add(run.0).add(thread).add(seq).add(limit)).await?;
    let step = |row: &SqliteRow| {
        let key = key(row)?;
        let step = known(row, run, key)?.and_then(|known| known.step(key));
        step.ok_or_else(|| steps::corrupt("sqlite", run, key, "it is done and has no response"))
    };
    done.rows.iter().map(step).collect()
}

/// All that agents did for a job.
pub(super) async fn runs(conn: &mut SqliteConnection, job: JobId) -> Result<Vec<RunRecord>, Error> {
    let mut runs = Vec::new();
    for row in JOB_RUNS.run_one(conn, |args| args.add(job.0)).await?.rows {
        let run = RunId(row::get(&row, "id")?);
        let mut calls: HashMap<StepKey, Vec<CallRecord>> = HashMap::new();
        for row in RUN_CALLS.run_one(conn, |args| args.add(run.0)).await?.rows {
            calls.entry(key(&row)?).or_default().push(call(&row)?);
        }
        let rows = RUN_STEPS.run_one(conn, |args| args.add(run.0)).await?.rows;
        let steps = rows.iter().map(|row| step_record(row, run, &mut calls)).collect::<Result<_, _>>()?;
        runs.push(RunRecord {
            run,
            agent: row::get(&row, "agent")?,
            started_at: timestamp(row::get(&row, "started_at")?),
            superseded: row::get(&row, "superseded")?,
            steps,
        });
    }
    Ok(runs)
}

fn step_record(
    row: &SqliteRow,
    run: RunId,
    calls: &mut HashMap<StepKey, Vec<CallRecord>>,
) -> Result<StepRecord, Error> {
    let key = key(row)?;
    Ok(StepRecord {
        key,
        kind: kind(row, run, key)?,
        name: row::get(row, "name")?,
        started_at: timestamp(row::get(row, "started_at")?),
        finished_at: row::get::<Option<i64>>(row, "finished_at")?.map(timestamp),
        request: raw(row, "request")?,
        response: raw(row, "response")?,
        calls: calls.remove(&key).unwrap_or_default(),
    })
}

fn call(row: &SqliteRow) -> Result<CallRecord, Error> {
    Ok(CallRecord {
        attempt: row::get(row, "attempt")?,
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
pub(super) fn known(row: &SqliteRow, run: RunId, key: StepKey) -> Result<Option<Known>, Error> {
    let Some(name) = row::get::<Option<String>>(row, "name")? else { return Ok(None) };
    let corrupt = |wrong: &str| steps::corrupt("sqlite", run, key, wrong);
    let json = |column| raw(row, column).map_err(|_| corrupt(&format!("its {column} is no JSON")));
    let hash: &[u8] = row::get(row, "input_hash")?;
    Ok(Some(Known {
        kind: kind(row, run, key)?,
        name,
        input_hash: InputHash::try_from(hash).map_err(|_| corrupt("its hash is not 32 bytes"))?,
        attempt: row::get(row, "attempt")?,
        unsure: row::get(row, "unsure")?,
        request: json("request")?,
        response: json("response")?,
        usage: usage(row)?,
        cost: cost(row)?,
    }))
}

pub(super) fn kind(row: &SqliteRow, run: RunId, key: StepKey) -> Result<StepKind, Error> {
    let name: &str = row::get(row, "kind")?;
    steps::kind(name).ok_or_else(|| steps::corrupt("sqlite", run, key, &format!("its kind is `{name}`")))
}

pub(super) fn key(row: &SqliteRow) -> Result<StepKey, Error> {
    Ok(StepKey { thread: row::get(row, "thread")?, seq: row::get(row, "seq")? })
}

pub(super) fn raw(row: &SqliteRow, column: &str) -> Result<Option<Box<RawValue>>, Error> {
    let text: Option<String> = row::get(row, column)?;
    text.map(RawValue::from_string).transpose().map_err(|e| row::corrupt(&format!("column {column}: {e}")))
}

pub(super) fn cost(row: &SqliteRow) -> Result<Option<MicroUsd>, Error> {
    Ok(row::get::<Option<i64>>(row, "cost")?.map(|cost| MicroUsd(cost.max(0) as u64)))
}

/// What an answer from the cache would have cost.
pub(super) fn saved(row: &SqliteRow) -> Result<Option<MicroUsd>, Error> {
    Ok(row::get::<Option<i64>>(row, "saved")?.map(|saved| MicroUsd(saved.max(0) as u64)))
}

/// A count on record; one below nothing is nothing.
pub(super) fn count(row: &SqliteRow, column: &str) -> Result<u64, Error> {
    Ok(row::get::<i64>(row, column)?.max(0) as u64)
}

/// The counters of a call, or of a sum.
pub(super) fn usage(row: &SqliteRow) -> Result<Option<Usage>, Error> {
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
