//! Reading jobs back from the record.

use super::{
    fault,
    row::{self, Place},
    unit::{Done, Unit},
};
use crate::{
    clock::{Millis, timestamp},
    store::{Error, damage::Damage},
};
use flotilla_jobs::{Attempt, Cause, Filter, JobId, JobRecord, JobState, Page, StateChange};
use jiff::Timestamp;
use sqlx::{SqliteConnection, sqlite::SqliteRow};

/// Most jobs of one page.
const MAX_PAGE: u32 = 1_000;
/// Above every id there is.
const TOP: uuid::Uuid = uuid::Uuid::max();

static HISTORY: Unit = Unit::new(include_str!("history.sql"));
static STATE: Unit = Unit::new(include_str!("state.sql"));

const ONE: &str = concat!(include_str!("list_one.sql"), include_str!("list.sql"));
const ALL: &str = concat!(include_str!("list_all.sql"), include_str!("list.sql"));
const BY_KIND: &str = concat!(include_str!("list_by_kind.sql"), include_str!("list.sql"));
const BY_QUEUE: &str = concat!(include_str!("list_by_queue.sql"), include_str!("list.sql"));
const BY_TENANT: &str = concat!(include_str!("list_by_tenant.sql"), include_str!("list.sql"));
const BY_LABEL: &str = concat!(include_str!("list_by_label.sql"), include_str!("list.sql"));
const OPEN: &str = concat!(include_str!("list_open.sql"), include_str!("list.sql"));
const RUNNING: &str = concat!(include_str!("list_running.sql"), include_str!("list.sql"));
const PAUSED: &str = concat!(include_str!("list_paused.sql"), include_str!("list.sql"));
const ENDED: &str = concat!(include_str!("list_ended.sql"), include_str!("list.sql"));

/// One job with payload, output and history.
pub(super) async fn get(conn: &mut SqliteConnection, id: JobId, damage: &Damage) -> Result<Option<JobRecord>, Error> {
    let rows = search(conn, ONE, &Filter::default(), None, 1, Some(id)).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let mut job = record(row, damage)?;
    job.payload = shown(id, damage, row::json(row, "payload"));
    job.output = shown(id, damage, row::json(row, "output"));
    let done = HISTORY.run_one(conn, |args| args.add(id.0).add(id.0)).await?;
    job.history = done.rows.iter().filter_map(|row| shown(id, damage, attempt(id, damage, row).map(Some))).collect();
    Ok(Some(job))
}

/// Jobs that match, newest first.
pub(super) async fn list(
    conn: &mut SqliteConnection,
    filter: &Filter,
    after: Option<JobId>,
    limit: u32,
    damage: &Damage,
) -> Result<Page, Error> {
    let limit = limit.clamp(1, MAX_PAGE);
    let mut rows = search(conn, source(filter), filter, after, limit + 1, None).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.iter().filter_map(|row| row::id(row).ok()).next_back().filter(|_| more);
    let readable = |row: &SqliteRow| {
        let place = || row::id(row).map_or_else(|_| "a job without an id".to_owned(), |id| format!("job {id}"));
        record(row, damage).inspect_err(|error| damage.met(place(), error, "left out of a list")).ok()
    };
    Ok(Page { jobs: rows.iter().filter_map(readable).collect(), next })
}

/// Where jobs are now, in the order given.
pub(super) async fn states(
    conn: &mut SqliteConnection,
    jobs: &[JobId],
    damage: &Damage,
) -> Result<Vec<Option<StateChange>>, Error> {
    let done = STATE.run(conn, jobs, |job, args| args.add(job.0)).await?;
    let state = |(job, done): (&JobId, &Done)| {
        let read = record(done.rows.first()?, damage);
        let read = read.inspect_err(|error| damage.met(format!("job {job}"), error, "its state is not told")).ok();
        read.as_ref().map(StateChange::from)
    };
    Ok(jobs.iter().zip(&done).map(state).collect())
}

/// The statement whose walk meets the fewest jobs that do not match.
fn source(filter: &Filter) -> &'static str {
    match filter.state {
        Some(JobState::Running) => RUNNING,
        Some(JobState::Paused) => PAUSED,
        Some(JobState::Failed | JobState::Cancelled | JobState::Quarantined) => ENDED,
        _ if !filter.labels.is_empty() => BY_LABEL,
        Some(JobState::Scheduled | JobState::Pending) => OPEN,
        _ if filter.tenant.as_deref().is_some_and(|tenant| tenant != "default") => BY_TENANT,
        _ if filter.queue.is_some() => BY_QUEUE,
        _ if filter.kind.is_some() => BY_KIND,
        _ => ALL,
    }
}

async fn search(
    conn: &mut SqliteConnection,
    sql: &'static str,
    filter: &Filter,
    after: Option<JobId>,
    limit: u32,
    only: Option<JobId>,
) -> Result<Vec<SqliteRow>, Error> {
    let labels = if filter.labels.is_empty() { None } else { serde_json::to_string(&filter.labels).ok() };
    let (first, last) = filter.state.and_then(places).unzip();
    let label = filter.labels.first_key_value();
    sqlx::query(sql)
        .bind(&filter.kind)
        .bind(&filter.queue)
        .bind(&filter.tenant)
        .bind(labels)
        .bind(filter.created_after.map(Timestamp::as_millisecond))
        .bind(filter.created_before.map(Timestamp::as_millisecond))
        .bind(filter.state.map(JobState::as_str))
        .bind(first.map(|place| place as i64))
        .bind(last.map(|place| place as i64))
        .bind(after.map_or(TOP, |id| id.0))
        .bind(limit)
        .bind(label.map(|(name, _)| name))
        .bind(label.map(|(_, value)| value))
        .bind(only.map(|id| id.0))
        .fetch_all(conn)
        .await
        .map_err(fault)
}

/// Where jobs in an unfinished state are.
fn places(state: JobState) -> Option<(Place, Place)> {
    match state {
        JobState::Scheduled => Some((Place::Scheduled, Place::Scheduled)),
        JobState::Pending => Some((Place::Line, Place::Ready)),
        JobState::Running => Some((Place::Running, Place::Running)),
        JobState::Paused => Some((Place::Paused, Place::Paused)),
        _ => None,
    }
}

/// A job without the parts that lists leave out. What is only for show and cannot be read is left out too, so that
/// one such job does not hide a page of others.
fn record(r: &SqliteRow, damage: &Damage) -> Result<JobRecord, Error> {
    let id = row::id(r)?;
    let created_at: Millis = row::get(r, "created_at")?;
    let started_at: Option<Millis> = row::get(r, "started_at")?;
    let ready_at: Option<Millis> = row::get(r, "ready_at")?;
    let state = state(id, r)?;
    Ok(JobRecord {
        id,
        kind: row::get(r, "kind")?,
        state,
        queue: row::get(r, "queue")?,
        priority: row::near(r, "priority")?,
        tenant: row::get(r, "tenant")?,
        group: row::get(r, "group_key")?,
        labels: shown(id, damage, row::json(r, "labels")).unwrap_or_default(),
        created_at: timestamp(created_at),
        run_at: timestamp(ready_at.or(started_at).unwrap_or(created_at)),
        started_at: started_at.map(timestamp),
        finished_at: row::get::<Option<Millis>>(r, "finished_at")?.map(timestamp),
        attempts: row::attempts_shown(r)?.at_end(state),
        max_attempts: row::near(r, "max_attempts")?,
        cancel_requested: row::get(r, "cancel")?,
        reason: row::get(r, "paused")?,
        progress: shown(id, damage, row::json(r, "progress")),
        error: shown(id, damage, row::json(r, "error")),
        payload: None,
        output: None,
        history: Vec::new(),
    })
}

fn state(id: JobId, r: &SqliteRow) -> Result<JobState, Error> {
    if let Some(place) = row::place(r, "place")? {
        return Ok(place.state());
    }
    let ended: Option<&str> = row::get(r, "state")?;
    let unknown = || row::corrupt(&format!("job {id} is neither unfinished nor has a known result: {ended:?}"));
    ended.and_then(JobState::parse).ok_or_else(unknown)
}

fn shown<T>(id: JobId, damage: &Damage, value: Result<Option<T>, Error>) -> Option<T> {
    value.unwrap_or_else(|error| {
        damage.met(format!("job {id}"), error, "that part of it is left out");
        None
    })
}

fn attempt(id: JobId, damage: &Damage, r: &SqliteRow) -> Result<Attempt, Error> {
    let cause: &str = row::get(r, "cause")?;
    Ok(Attempt {
        cause: Cause::parse(cause)
            .ok_or_else(|| row::corrupt(&format!("cause `{cause}` of an attempt is not known")))?,
        worker: row::get(r, "worker")?,
        started_at: row::get::<Option<Millis>>(r, "started_at")?.map(timestamp),
        ended_at: timestamp(row::get(r, "ended_at")?),
        error: shown(id, damage, row::json(r, "error")),
        progress: shown(id, damage, row::json(r, "progress")),
    })
}
