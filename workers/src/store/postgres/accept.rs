//! Putting jobs on record, and the keys that make a second submit the first job.

use super::{
    OpenJob, Record,
    pool::{Conn, Statement},
    row,
    settle::uuids,
};
use crate::store::{Error, Submission};
use flotilla_jobs::JobId;
use std::collections::HashSet;
use uuid::Uuid;

/// A wish to hold a key.
pub(crate) struct KeyClaim {
    pub(crate) key: String,
    pub(crate) job: JobId,
    /// `waiting`, `unfinished` or `window`.
    pub(crate) scope: &'static str,
    pub(crate) window_ms: Option<i64>,
    /// The caller's words, where it is an idempotency key.
    pub(crate) idempotency_key: Option<String>,
    /// The newcomer's kind and payload, to compare with the holder's.
    pub(crate) kind: String,
    pub(crate) payload: String,
}

/// Who holds a key that was wished for.
pub(crate) struct Holder {
    pub(crate) job: JobId,
    pub(crate) scope: String,
    pub(crate) in_window: bool,
    /// The holder, while it is unfinished.
    pub(crate) open: Option<OpenJob>,
    /// Whether the holder has the newcomer's kind and payload.
    pub(crate) same: bool,
}

impl Record {
    /// Puts jobs without keys on record in one statement.
    pub(crate) async fn insert(&self, jobs: &[Submission]) -> Result<(), Error> {
        let mut conn = self.conn().await?;
        self.insert_on(&mut conn, jobs).await
    }

    /// Begins an acceptance that must look at keys first.
    pub(crate) async fn accept(&self) -> Result<Acceptance<'_>, Error> {
        Ok(Acceptance { record: self, conn: self.begin().await? })
    }

    /// As [`Record::insert`], in a transaction of the caller.
    pub(super) async fn insert_on(&self, conn: &mut Conn, jobs: &[Submission]) -> Result<(), Error> {
        fn column<'a, T>(jobs: &'a [Submission], of: impl Fn(&'a Submission) -> T) -> Vec<T> {
            jobs.iter().map(of).collect()
        }
        let label = |j: &Submission| {
            if j.spec.labels.is_empty() { None } else { serde_json::to_string(&j.spec.labels).ok() }
        };
        let insert = sqlx::query(include_str!("insert_jobs.sql"))
            .bind(column(jobs, |j| j.id.0))
            .bind(column(jobs, |j| j.kind.as_str()))
            .bind(column(jobs, |j| j.spec.queue.as_str()))
            .bind(column(jobs, |j| j.spec.tenant.as_str()))
            .bind(column(jobs, |j| i16::from(j.spec.priority.get())))
            .bind(column(jobs, |j| j.spec.group.as_ref().map(|g| g.key.as_str())))
            .bind(column(jobs, |j| j.spec.group.as_ref().map(|g| g.limit as i16)))
            .bind(column(jobs, |j| j.spec.run_at.map(jiff::Timestamp::as_millisecond)))
            .bind(column(jobs, |j| j.spec.max_attempts as i32))
            .bind(column(jobs, |j| j.spec.timeout_ms as i64))
            .bind(column(jobs, |j| j.spec.backoff.base_ms as i64))
            .bind(column(jobs, |j| j.spec.backoff.cap_ms as i64))
            .bind(column(jobs, |j| j.spec.trace.as_deref()))
            .bind(column(jobs, label))
            .bind(column(jobs, |j| j.payload.get()))
            .bind(self.now());
        conn.run(insert).await
    }
}

/// An acceptance in progress: nothing is on record until [`Acceptance::commit`].
pub(crate) struct Acceptance<'a> {
    record: &'a Record,
    conn: Conn,
}

impl Acceptance<'_> {
    /// Takes the keys that nobody holds; answers, for each in the order given, who holds it otherwise.
    pub(crate) async fn claim(&mut self, keys: &[&KeyClaim]) -> Result<Vec<Option<Holder>>, Error> {
        let mut holders: Vec<Option<Holder>> = keys.iter().map(|_| None).collect();
        let mut open: Vec<usize> = (0..keys.len()).collect();
        // A key whose holder was pruned between the two looks is neither taken nor held: it is tried again.
        while !open.is_empty() {
            let wanted: Vec<&KeyClaim> = open.iter().map(|&i| keys[i]).collect();
            let taken = self.take_free(&wanted).await?;
            open.retain(|&i| !taken.contains(&(keys[i].key.clone(), keys[i].job)));
            if open.is_empty() {
                break;
            }
            self.look_up(keys, &open, &mut holders).await?;
            open.retain(|&i| holders[i].is_none());
        }
        Ok(holders)
    }

    async fn take_free(&mut self, keys: &[&KeyClaim]) -> Result<HashSet<(String, JobId)>, Error> {
        let query = bind_keys(include_str!("claim_keys.sql"), keys, self.record.now());
        let rows = self.conn.rows(query).await?;
        rows.iter().map(|r| Ok((row::get(r, "key")?, JobId(row::get(r, "job_id")?)))).collect()
    }

    async fn look_up(
        &mut self,
        keys: &[&KeyClaim],
        held: &[usize],
        holders: &mut [Option<Holder>],
    ) -> Result<(), Error> {
        let query = sqlx::query(include_str!("key_holders.sql"))
            .bind(held.iter().map(|&i| keys[i].key.as_str()).collect::<Vec<_>>())
            .bind(held.iter().map(|&i| keys[i].kind.as_str()).collect::<Vec<_>>())
            .bind(held.iter().map(|&i| keys[i].payload.as_str()).collect::<Vec<_>>())
            .bind(self.record.now());
        for r in &self.conn.rows(query).await? {
            let place = row::get::<i64>(r, "ord")? as usize - 1;
            holders[held[place]] = Some(Holder::read(r)?);
        }
        Ok(())
    }

    /// Frees the keys of jobs that are not accepted after all.
    pub(crate) async fn give_up(&mut self, jobs: &[JobId]) -> Result<(), Error> {
        if jobs.is_empty() {
            return Ok(());
        }
        self.conn.run(sqlx::query(include_str!("give_up_keys.sql")).bind(uuids(jobs))).await
    }

    /// Takes over keys whose holders no longer count.
    pub(crate) async fn take_over(&mut self, keys: &[&KeyClaim]) -> Result<(), Error> {
        if keys.is_empty() {
            return Ok(());
        }
        self.conn.run(bind_keys(include_str!("take_keys.sql"), keys, self.record.now())).await
    }

    /// Ends the acceptance: nothing of it happened.
    pub(crate) async fn refuse(self) -> Result<(), Error> {
        self.conn.roll_back().await
    }

    /// Puts the jobs on record and ends the acceptance.
    pub(crate) async fn commit(mut self, jobs: &[Submission]) -> Result<(), Error> {
        if !jobs.is_empty() {
            self.record.insert_on(&mut self.conn, jobs).await?;
        }
        self.conn.commit().await
    }
}

fn bind_keys<'q>(sql: &'static str, keys: &'q [&'q KeyClaim], now: Option<i64>) -> Statement<'q> {
    sqlx::query(sql)
        .bind(keys.iter().map(|k| k.key.as_str()).collect::<Vec<_>>())
        .bind(keys.iter().map(|k| k.job.0).collect::<Vec<Uuid>>())
        .bind(keys.iter().map(|k| k.scope).collect::<Vec<_>>())
        .bind(keys.iter().map(|k| k.window_ms).collect::<Vec<_>>())
        .bind(now)
}

impl Holder {
    fn read(r: &sqlx::postgres::PgRow) -> Result<Self, Error> {
        let job = JobId(row::get(r, "job_id")?);
        let open = if row::get::<bool>(r, "open")? {
            Some(OpenJob {
                id: job,
                run: 0,
                ready_at: 0,
                attempts: flotilla_jobs::Attempts::default(),
                paused: row::get(r, "paused")?,
                cancel: false,
                queue: row::get(r, "queue")?,
                priority: row::priority(row::get(r, "priority")?),
                group: row::group(r)?,
                broken: None,
            })
        } else {
            None
        };
        Ok(Self {
            job,
            scope: row::get(r, "scope")?,
            in_window: row::get::<Option<bool>>(r, "in_window")?.unwrap_or(false),
            open,
            same: row::get(r, "same")?,
        })
    }
}
