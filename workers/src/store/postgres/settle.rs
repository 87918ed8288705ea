//! How runs end on record: with a result, or given back for another run.

use super::{
    OpenJob, Record, conversations,
    pool::{Conn, Statement},
    row, text, turns,
};
use crate::{
    sessions::{Left, SessionId},
    store::Error,
};
use flotilla_jobs::{Attempts, Cause, Fault, JobId, JobState};
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};
use uuid::Uuid;

/// A final result.
pub(crate) struct Finish<'a> {
    pub(crate) id: JobId,
    pub(crate) run: u32,
    pub(crate) state: JobState,
    pub(crate) worker: &'a str,
    pub(crate) started_at: Option<i64>,
    pub(crate) output: Option<&'a str>,
    pub(crate) error: Option<Cow<'a, Fault>>,
}

/// A run that ended without a final result.
pub(crate) struct GiveBack<'a> {
    pub(crate) id: JobId,
    pub(crate) run: u32,
    pub(crate) cause: Cause,
    pub(crate) worker: &'a str,
    pub(crate) started_at: Option<i64>,
    pub(crate) error: Option<Cow<'a, Fault>>,
    /// When it may run again.
    pub(crate) again: Again,
    /// The counters from now on.
    pub(crate) attempts: Attempts,
    /// Why the job is now paused, if it is.
    pub(crate) paused: Option<&'a str>,
}

/// When a job may run again, by the record's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Again {
    /// At this time.
    At(i64),
    /// This many milliseconds from now.
    In(i64),
}

impl Record {
    /// Records final results in one statement; answers which it still expected.
    pub(crate) async fn finish(&self, ends: &[Finish<'_>]) -> Result<HashSet<JobId>, Error> {
        let mut conn = self.conn().await?;
        finish_on(&mut conn, ends, self.now()).await
    }

    /// Begins a change that must see jobs as they stand first.
    pub(crate) async fn change(&self) -> Result<Change, Error> {
        Ok(Change { conn: self.begin().await?, now: self.now() })
    }

    /// Remembers the wish to cancel; answers the unfinished jobs among `ids` as they stand.
    pub(crate) async fn ask_cancel(&self, ids: &[JobId]) -> Result<Vec<OpenJob>, Error> {
        let rows = self.conn().await?.rows(sqlx::query(include_str!("ask_cancel.sql")).bind(uuids(ids))).await?;
        rows.iter().map(OpenJob::read).collect()
    }

    /// Which of these ids are jobs.
    pub(crate) async fn on_record(&self, ids: &[JobId]) -> Result<HashSet<JobId>, Error> {
        self.ids(sqlx::query(include_str!("on_record.sql")).bind(uuids(ids))).await
    }

    /// Makes failed and quarantined jobs unfinished again; answers which.
    pub(crate) async fn reopen(&self, ids: &[JobId]) -> Result<HashSet<JobId>, Error> {
        self.ids(sqlx::query(include_str!("reopen.sql")).bind(uuids(ids)).bind(self.now())).await
    }

    /// Makes paused jobs ready; answers which.
    pub(crate) async fn resume(&self, ids: &[JobId]) -> Result<HashSet<JobId>, Error> {
        self.ids(sqlx::query(include_str!("resume.sql")).bind(uuids(ids)).bind(self.now())).await
    }

    /// Raises the fence of jobs the queue lost; answers which are still as they were seen.
    pub(crate) async fn raise_run(&self, jobs: &[&OpenJob]) -> Result<HashSet<JobId>, Error> {
        let query = sqlx::query(include_str!("raise_run.sql"))
            .bind(jobs.iter().map(|j| j.id.0).collect::<Vec<_>>())
            .bind(jobs.iter().map(|j| j.run as i32).collect::<Vec<_>>());
        self.ids(query).await
    }

    async fn ids(&self, query: Statement<'_>) -> Result<HashSet<JobId>, Error> {
        let rows = self.conn().await?.rows(query).await?;
        rows.iter().map(|r| row::get(r, "id").map(JobId)).collect()
    }
}

/// A change in progress: nothing is on record until [`Change::commit`].
pub(crate) struct Change {
    conn: Conn,
    now: Option<i64>,
}

impl Change {
    /// Keeps sessions as they are until the end; must come before any lock on a job.
    pub(crate) async fn lock_sessions(&mut self, ids: &[SessionId]) -> Result<i64, Error> {
        conversations::lock(&mut self.conn, ids, self.now).await
    }

    /// What jobs that just got their results leave in their sessions, which are locked.
    pub(crate) async fn leave(&mut self, left: &[(JobId, &Left)], now: i64) -> Result<(), Error> {
        turns::leave(&mut self.conn, left, now).await
    }

    /// The unfinished jobs among `ids`, locked until the end.
    pub(crate) async fn lock(&mut self, ids: &[JobId]) -> Result<Vec<OpenJob>, Error> {
        let lock = sqlx::query(include_str!("lock_open.sql")).bind(uuids(ids));
        let rows = self.conn.rows(lock).await?;
        rows.iter().map(OpenJob::read).collect()
    }

    /// As [`Record::finish`].
    pub(crate) async fn finish(&mut self, ends: &[Finish<'_>]) -> Result<HashSet<JobId>, Error> {
        finish_on(&mut self.conn, ends, self.now).await
    }

    /// Records runs that ended without a final result; answers which the record still expected, and when they are
    /// ready again.
    pub(crate) async fn give_back(&mut self, ends: &[GiveBack<'_>]) -> Result<HashMap<JobId, i64>, Error> {
        if ends.is_empty() {
            return Ok(HashMap::new());
        }
        let at = |a: &Again| match a {
            Again::At(ms) => Some(*ms),
            Again::In(_) => None,
        };
        let delay = |a: &Again| match a {
            Again::At(_) => 0,
            Again::In(ms) => *ms,
        };
        let count = |of: fn(&Attempts) -> u32| ends.iter().map(|e| of(&e.attempts) as i32).collect::<Vec<_>>();
        let give_back = sqlx::query(include_str!("give_back.sql"))
            .bind(ends.iter().map(|e| e.id.0).collect::<Vec<_>>())
            .bind(ends.iter().map(|e| e.run as i32).collect::<Vec<_>>())
            .bind(ends.iter().map(|e| e.cause.as_str()).collect::<Vec<_>>())
            .bind(ends.iter().map(|e| e.worker).collect::<Vec<_>>())
            .bind(ends.iter().map(|e| e.started_at).collect::<Vec<_>>())
            .bind(ends.iter().map(|e| text::of_fault(e.error.as_deref())).collect::<Vec<_>>())
            .bind(ends.iter().map(|e| at(&e.again)).collect::<Vec<_>>())
            .bind(count(|a| a.failure))
            .bind(count(|a| a.crash))
            .bind(count(|a| a.handover))
            .bind(count(|a| a.throttle))
            .bind(count(|a| a.budget))
            .bind(ends.iter().map(|e| e.paused.map(text::plain)).collect::<Vec<_>>())
            .bind(self.now)
            .bind(ends.iter().map(|e| delay(&e.again)).collect::<Vec<_>>());
        let rows = self.conn.rows(give_back).await?;
        rows.iter().map(|r| Ok((JobId(row::get(r, "id")?), row::get(r, "ready_at")?))).collect()
    }

    /// Puts it on record.
    pub(crate) async fn commit(self) -> Result<(), Error> {
        self.conn.commit().await
    }
}

async fn finish_on(conn: &mut Conn, ends: &[Finish<'_>], now: Option<i64>) -> Result<HashSet<JobId>, Error> {
    if ends.is_empty() {
        return Ok(HashSet::new());
    }
    let finish = sqlx::query(include_str!("finish.sql"))
        .bind(ends.iter().map(|e| e.id.0).collect::<Vec<_>>())
        .bind(ends.iter().map(|e| e.run as i32).collect::<Vec<_>>())
        .bind(ends.iter().map(|e| e.state.as_str()).collect::<Vec<_>>())
        .bind(ends.iter().map(|e| e.worker).collect::<Vec<_>>())
        .bind(ends.iter().map(|e| e.started_at).collect::<Vec<_>>())
        .bind(ends.iter().map(|e| e.output.map(text::json)).collect::<Vec<_>>())
        .bind(ends.iter().map(|e| text::of_fault(e.error.as_deref())).collect::<Vec<_>>())
        .bind(now);
    let rows = conn.rows(finish).await?;
    rows.iter().map(|r| row::get(r, "id").map(JobId)).collect()
}

pub(super) fn uuids(ids: &[JobId]) -> Vec<Uuid> {
    ids.iter().map(|id| id.0).collect()
}
