//! Reading jobs back from the record.

use super::{OpenJob, Record, row, settle::uuids};
use crate::{
    clock::timestamp,
    store::{Error, Submission, damage::Damage, sane},
};
use flotilla_jobs::{Attempt, Backoff, Cause, Filter, JobId, JobRecord, JobState, Priority, Spec};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use sqlx::postgres::PgRow;

/// A job on record. Whether an unfinished one runs, only the queue knows.
pub(crate) struct Found {
    pub(crate) job: JobRecord,
    /// The names the queue knows it by, while it is unfinished.
    pub(crate) open: Option<OpenJob>,
}

/// An unfinished job with all that the queue needs to hand it out.
pub(crate) struct Loaded {
    pub(crate) job: Submission,
    pub(crate) open: OpenJob,
}

/// What to look for.
#[derive(Default)]
pub(crate) struct Search<'a> {
    pub(crate) filter: Option<&'a Filter>,
    /// Ids under a lease, for the states that depend on it.
    pub(crate) leased: &'a [JobId],
    pub(crate) after: Option<JobId>,
    pub(crate) limit: u32,
    pub(crate) only: Option<JobId>,
}

impl Record {
    /// Jobs that match, newest first, and what is wrong with those that cannot be read.
    pub(crate) async fn search(&self, s: &Search<'_>) -> Result<Vec<(JobId, Result<Found, Error>)>, Error> {
        let none = Filter::default();
        let f = s.filter.unwrap_or(&none);
        let (ended, unfinished) = match f.state {
            Some(state) if state.is_terminal() => (Some(state.as_str()), None),
            state => (None, state.map(JobState::as_str)),
        };
        let labels = if f.labels.is_empty() { None } else { serde_json::to_string(&f.labels).ok() };
        let list = sqlx::query(include_str!("list.sql"))
            .bind(&f.kind)
            .bind(&f.queue)
            .bind(&f.tenant)
            .bind(labels)
            .bind(f.created_after.map(Timestamp::as_millisecond))
            .bind(f.created_before.map(Timestamp::as_millisecond))
            .bind(ended)
            .bind(unfinished)
            .bind(uuids(s.leased))
            .bind(s.after.map(|id| id.0))
            .bind(i64::from(s.limit))
            .bind(self.now())
            .bind(s.only.map(|id| id.0))
            .persistent(false);
        let rows = self.conn().await?.rows(list).await?;
        rows.iter().map(|r| Ok((JobId(row::get(r, "id")?), found(r, &self.damage)))).collect()
    }

    /// Jobs of these ids without their input and output, and what is wrong with those that cannot be read.
    pub(crate) async fn states(&self, ids: &[JobId]) -> Result<Vec<(JobId, Result<Found, Error>)>, Error> {
        let states = sqlx::query(include_str!("states.sql")).bind(uuids(ids)).bind(self.now());
        let rows = self.conn().await?.rows(states).await?;
        rows.iter().map(|r| Ok((JobId(row::get(r, "id")?), found(r, &self.damage)))).collect()
    }

    /// Runs of a job that ended without a final result; what cannot be read of them is left out.
    pub(crate) async fn history(&self, id: JobId) -> Result<Vec<Attempt>, Error> {
        let rows = self.conn().await?.rows(sqlx::query(include_str!("history.sql")).bind(id.0)).await?;
        let mut attempts = Vec::with_capacity(rows.len());
        for r in &rows {
            let cause: String = row::get(r, "cause")?;
            let Some(cause) = Cause::parse(&cause) else {
                self.damage.met(format!("job {id}"), format!("a run ended by `{cause}`"), "left out of its history");
                continue;
            };
            attempts.push(Attempt {
                cause,
                worker: row::get(r, "worker")?,
                started_at: row::get::<Option<i64>>(r, "started_at")?.map(timestamp),
                ended_at: timestamp(row::get(r, "ended_at")?),
                error: shown(id, &self.damage, row::get(r, "error")?),
                progress: shown(id, &self.damage, row::get(r, "progress")?),
            });
        }
        Ok(attempts)
    }

    /// Unfinished, unpaused jobs with all that the queue needs; some may be broken.
    pub(crate) async fn load_open(&self, ids: &[JobId]) -> Result<Vec<Loaded>, Error> {
        let rows = self.conn().await?.rows(sqlx::query(include_str!("load_open.sql")).bind(uuids(ids))).await?;
        rows.iter().map(loaded).collect()
    }

    /// A page of unfinished, unpaused jobs by id, and for each whether it was accepted `min_age_ms` ago or more.
    pub(crate) async fn scan_open(
        &self,
        after: Option<JobId>,
        min_age_ms: i64,
        limit: u32,
    ) -> Result<Vec<(OpenJob, bool)>, Error> {
        let scan = sqlx::query(include_str!("scan_open.sql"))
            .bind(after.map(|id| id.0))
            .bind(min_age_ms)
            .bind(i64::from(limit))
            .bind(self.now());
        let rows = self.conn().await?.rows(scan).await?;
        rows.iter().map(|r| Ok((OpenJob::read(r)?, row::get(r, "old_enough")?))).collect()
    }
}

fn found(r: &PgRow, damage: &Damage) -> Result<Found, Error> {
    let id = JobId(row::get(r, "id")?);
    let group = row::group(r)?;
    let queue: String = row::get(r, "queue")?;
    let priority = row::priority(row::get(r, "priority")?);
    let attempts = row::attempts(&row::counts(r));
    let created_at: i64 = row::get(r, "created_at")?;
    let started_at: Option<i64> = row::get(r, "started_at")?;
    let ready_at: Option<i64> = row::get(r, "ready_at")?;
    let reason: Option<String> = row::get(r, "paused")?;
    let cancel: bool = row::get(r, "cancel")?;
    let is_open: bool = row::get(r, "open")?;
    let state = match row::get::<Option<String>>(r, "state")? {
        Some(text) => JobState::parse(&text).ok_or_else(|| corrupt(id, &format!("state `{text}`")))?,
        None if !is_open => return Err(corrupt(id, "neither unfinished nor with a result")),
        None if reason.is_some() => JobState::Paused,
        None if row::get::<Option<bool>>(r, "later")?.unwrap_or(false) => JobState::Scheduled,
        None => JobState::Pending,
    };
    let open = is_open.then(|| OpenJob {
        id,
        run: 0,
        ready_at: ready_at.unwrap_or(created_at),
        attempts,
        paused: reason.is_some(),
        cancel,
        queue: queue.clone(),
        priority,
        group: group.clone(),
        broken: None,
    });
    let job = JobRecord {
        id,
        kind: row::get(r, "kind")?,
        state,
        queue,
        priority,
        tenant: row::get(r, "tenant")?,
        group: group.map(|g| g.key),
        labels: shown(id, damage, row::get(r, "labels")?).unwrap_or_default(),
        created_at: timestamp(created_at),
        run_at: timestamp(ready_at.or(started_at).unwrap_or(created_at)),
        started_at: started_at.map(timestamp),
        finished_at: row::get::<Option<i64>>(r, "finished_at")?.map(timestamp),
        attempts: attempts.at_end(state),
        max_attempts: row::get::<i32>(r, "max_attempts")?.max(0) as u32,
        cancel_requested: cancel,
        reason,
        progress: shown(id, damage, row::get(r, "progress")?),
        error: shown(id, damage, row::get(r, "error")?),
        payload: shown(id, damage, row::get(r, "payload")?),
        output: shown(id, damage, row::get(r, "output")?),
        history: Vec::new(),
    };
    Ok(Found { job, open })
}

fn loaded(r: &PgRow) -> Result<Loaded, Error> {
    let id = JobId(row::get(r, "id")?);
    let group = row::group(r)?;
    let queue: String = row::get(r, "queue")?;
    let priority = row::priority(row::get(r, "priority")?);
    let (max_attempts, timeout_ms): (i32, i64) = (row::get(r, "max_attempts")?, row::get(r, "timeout_ms")?);
    let backoff: Vec<Option<i64>> = row::get(r, "backoff").unwrap_or_default();
    let (base, cap) = match backoff[..] {
        [Some(base), Some(cap)] => (base, cap),
        _ => (-1, -1),
    };
    let wrong = sane::first_wrong([
        ("max_attempts", i64::from(max_attempts), sane::SIZE),
        ("timeout_ms", timeout_ms, sane::WAIT),
        ("backoff base_ms", base, sane::WAIT_OR_NONE),
        ("backoff cap_ms", cap, sane::WAIT_OR_NONE),
    ]);
    let defaults = Spec::default();
    let spec = Spec {
        queue: queue.clone(),
        priority: Priority::try_from(priority).unwrap_or_default(),
        max_attempts: max_attempts as u32,
        timeout_ms: timeout_ms as u64,
        backoff: Backoff { base_ms: base as u64, cap_ms: cap as u64 },
        group: group.clone(),
        tenant: row::get(r, "tenant")?,
        trace: row::get(r, "trace")?,
        ..defaults
    };
    let payload = json(id, row::get(r, "payload")?)?.ok_or_else(|| corrupt(id, "no payload"))?;
    let open = OpenJob {
        id,
        run: row::get::<i32>(r, "run")? as u32,
        ready_at: row::get(r, "ready_at")?,
        attempts: row::attempts(&row::counts(r)),
        paused: false,
        cancel: false,
        queue,
        priority,
        group,
        broken: row::broken(r)?.or(wrong),
    };
    let job = Submission { id, kind: row::get(r, "kind")?, payload, spec, idempotency_key: None };
    Ok(Loaded { job, open })
}

fn json<T: DeserializeOwned>(id: JobId, text: Option<String>) -> Result<Option<T>, Error> {
    text.map(|t| serde_json::from_str(&t)).transpose().map_err(|e| corrupt(id, &e.to_string()))
}

/// What is only for show and cannot be read is left out, so that it does not hide the rest.
fn shown<T: DeserializeOwned>(id: JobId, damage: &Damage, text: Option<String>) -> Option<T> {
    json(id, text).unwrap_or_else(|error| {
        damage.met(format!("job {id}"), error, "that part of it is left out");
        None
    })
}

fn corrupt(id: JobId, detail: &str) -> Error {
    Error::Corrupt { what: "postgres", detail: format!("job {id}: {detail}") }
}
