//! Handing out jobs, and keeping the leases alive.

use super::{end::Finish, row, tx::Tx, unit::Unit};
use crate::{
    clock::Millis,
    store::{Claimed, Error, Lease, Renewal},
};
use flotilla_jobs::{Backoff, Fault, JobId, JobState};
use sqlx::sqlite::SqliteRow;
use std::{borrow::Cow, sync::Arc};

static CLAIM: Unit = Unit::new(include_str!("claim.sql"));
static RENEW: Unit = Unit::new(include_str!("renew.sql"));

/// What a worker asks for.
pub(super) struct Wanted {
    pub worker: Arc<str>,
    pub queues: Vec<(String, u32)>,
    pub ttl_ms: Millis,
}

/// Hands out ready jobs.
pub(super) async fn claim(tx: &mut Tx<'_>, wanted: &Wanted) -> Result<Vec<Claimed>, Error> {
    let until = tx.now.saturating_add(wanted.ttl_ms);
    let now = tx.now;
    let done = CLAIM
        .run(tx.conn, &wanted.queues, |(queue, max), args| {
            let args = args.add(queue).add(max).add(max).add(queue);
            let args = args.add(&*wanted.worker).add(until).add(now).add(queue).add(max).add(max).add(queue);
            args.add(queue)
        })
        .await?;
    let mut claimed = Vec::new();
    let mut unreadable = Vec::new();
    let ticket: Arc<str> = "".into();
    for ((queue, _), done) in wanted.queues.iter().zip(done) {
        let queue: Arc<str> = queue.as_str().into();
        for row in &done.rows {
            let part = Part { queue: &queue, worker: &wanted.worker, ticket: &ticket, now };
            let id = row::id(row)?;
            match part.open(id, row) {
                Ok(one) => claimed.push(one),
                Err(error) => unreadable.push((id, row::get(row, "run")?, error.to_string())),
            }
            tx.changed(id);
        }
    }
    fail_unreadable(tx, &unreadable).await?;
    Ok(claimed)
}

/// A job that cannot be read cannot be run; it must not hold up those behind it.
async fn fail_unreadable(tx: &mut Tx<'_>, jobs: &[(JobId, u32, String)]) -> Result<(), Error> {
    if jobs.is_empty() {
        return Ok(());
    }
    for (id, _, detail) in jobs {
        tracing::error!(job.id = %id, detail, "a job on record cannot be read: it has failed");
    }
    let ends: Vec<Finish<'_>> = jobs
        .iter()
        .map(|(id, run, detail)| Finish {
            id: *id,
            run: *run,
            state: JobState::Failed,
            worker: None,
            started_at: None,
            error: Some(Cow::Owned(Fault::new("corrupt", detail.clone()))),
            output: None,
        })
        .collect();
    tx.finish(&ends).await?;
    tx.square().await
}

/// What the jobs of one claim have in common.
struct Part<'a> {
    queue: &'a Arc<str>,
    worker: &'a Arc<str>,
    ticket: &'a Arc<str>,
    now: Millis,
}

impl Part<'_> {
    fn open(&self, id: JobId, row: &SqliteRow) -> Result<Claimed, Error> {
        let run: u32 = row::get(row, "run")?;
        let payload = row::json(row, "payload")?.ok_or_else(|| row::corrupt("it has no payload"))?;
        let lease = Lease {
            job: id,
            queue: self.queue.clone(),
            worker: self.worker.clone(),
            // Each run of a job is claimed once, so its number is as good as a token.
            token: u64::from(run),
            run,
            attempts: row::attempts(row)?,
            ticket: self.ticket.clone(),
            ready_at: row::get(row, "ready_at")?,
        };
        Ok(Claimed {
            lease,
            kind: row::get(row, "kind")?,
            payload,
            tenant: row::get(row, "tenant")?,
            trace: row::get(row, "trace")?,
            max_attempts: row::get(row, "max_attempts")?,
            timeout_ms: row::get::<i64>(row, "timeout_ms")? as u64,
            backoff: Backoff {
                base_ms: row::get::<i64>(row, "base_ms")? as u64,
                cap_ms: row::get::<i64>(row, "cap_ms")? as u64,
            },
            claimed_at: self.now,
        })
    }
}

/// Extends leases.
pub(super) async fn renew(tx: &mut Tx<'_>, leases: &[Lease], ttl_ms: Millis) -> Result<Vec<Renewal>, Error> {
    let until = tx.now.saturating_add(ttl_ms);
    let done = RENEW.run(tx.conn, leases, |lease, args| args.add(until).add(lease.job.0).add(lease.run)).await?;
    let renewal = |row: Option<&SqliteRow>| match row.map(|row| row::get::<bool>(row, "cancel")).transpose()? {
        None => Ok(Renewal::Lost),
        Some(false) => Ok(Renewal::Kept),
        Some(true) => Ok(Renewal::CancelAsked),
    };
    done.iter().map(|done| renewal(done.rows.first())).collect()
}
