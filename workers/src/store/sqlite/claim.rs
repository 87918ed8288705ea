//! Handing out jobs, and keeping the leases alive.

use super::{
    mend::{self, Broken},
    parked, row,
    tx::Tx,
    unit::Unit,
};
use crate::{
    clock::Millis,
    store::{Claimed, Error, Lease, Renewal, sane},
};
use flotilla_jobs::{Backoff, JobId};
use sqlx::sqlite::SqliteRow;
use std::sync::Arc;

static CLAIM: Unit = Unit::new(include_str!("claim.sql"));
static RENEW: Unit = Unit::of_keys(include_str!("renew.sql"));

/// What a worker asks for.
pub(super) struct Wanted {
    pub worker: Arc<str>,
    pub queues: Vec<(String, u32)>,
    /// The kinds it can run; `None` for any.
    pub kinds: Option<Vec<String>>,
    pub ttl_ms: Millis,
}

impl Wanted {
    fn knows(&self, kind: &str) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.iter().any(|known| known == kind))
    }
}

/// Hands out ready jobs.
pub(super) async fn claim(tx: &mut Tx<'_>, wanted: &Wanted) -> Result<Vec<Claimed>, Error> {
    if wanted.kinds.as_ref().is_some_and(Vec::is_empty) {
        return Ok(Vec::new());
    }
    parked::unpark(tx, wanted).await?;
    let mut round = Round { wanted, asked: wanted.queues.clone(), claimed: Vec::new(), parked: 0 };
    while !round.asked.is_empty() {
        round.run(tx).await?;
        if round.parked >= parked::MOST {
            // Others wait for their turn to write; the worker comes back for the rest.
            round.asked.iter().for_each(|(queue, _)| tx.work(queue));
            break;
        }
    }
    if wanted.queues.len() > 1 {
        let place = |c: &Claimed| wanted.queues.iter().position(|(queue, _)| **queue == *c.lease.queue);
        round.claimed.sort_by_key(place);
    }
    Ok(round.claimed)
}

/// A claim that is repeated while it meets jobs that the worker cannot run.
struct Round<'w> {
    wanted: &'w Wanted,
    /// Queues that may have more, and how many are still wanted of each.
    asked: Vec<(String, u32)>,
    claimed: Vec<Claimed>,
    parked: usize,
}

impl Round<'_> {
    async fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let worker = &self.wanted.worker;
        let (now, until) = (tx.now, tx.now.saturating_add(self.wanted.ttl_ms));
        let done = CLAIM
            .run(tx.conn, &self.asked, |(queue, max), args| {
                let args = args.add(queue).add(max).add(max).add(queue);
                let args = args.add(&**worker).add(until).add(now).add(queue).add(max).add(max).add(queue);
                args.add(queue)
            })
            .await?;
        let (mut broken, mut nobodys, mut strange) = (Vec::new(), false, Vec::new());
        let ticket: Arc<str> = "".into();
        for ((queue, missing), done) in std::mem::take(&mut self.asked).into_iter().zip(done) {
            let before = strange.len();
            let name: Arc<str> = queue.as_str().into();
            for row in &done.rows {
                let part = Part { queue: &name, worker, ticket: &ticket, now };
                let Ok(id) = row::id(row) else {
                    nobodys = true;
                    continue;
                };
                match row::get::<String>(row, "kind") {
                    Ok(kind) if !self.wanted.knows(&kind) => {
                        strange.push(parked::Parked { id, queue: queue.clone(), kind });
                        continue;
                    }
                    _ => {}
                }
                match part.open(id, row) {
                    Ok(one) => self.claimed.push(one),
                    Err(error) => broken.push(Broken { id, run: row::get(row, "run")?, wrong: error.to_string() }),
                }
                tx.changed(id);
            }
            // What it cannot run it has not had, nor has the queue's cap; behind it there may be more.
            let again = strange.len() - before;
            if again > 0 {
                self.asked.push((queue, missing.saturating_sub((done.rows.len() - again) as u32)));
            }
        }
        self.parked += strange.len();
        // What cannot be read cannot be run; it must not hold up those behind it.
        if nobodys || !broken.is_empty() {
            mend::fail(tx, &broken).await?;
            mend::forget_nobodys(tx).await?;
            tx.square().await?;
        }
        parked::park(tx, &strange).await
    }
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
        let settings = [
            ("max_attempts", sane::SIZE),
            ("timeout_ms", sane::WAIT),
            ("base_ms", sane::WAIT_OR_NONE),
            ("cap_ms", sane::WAIT_OR_NONE),
        ];
        // No settings at all: nothing describes the job any more.
        let number = |name| row::get::<Option<i64>>(row, name).map(|number| number.unwrap_or(-1));
        let settings = settings.into_iter().map(|(name, range)| Ok((name, number(name)?, range)));
        let wrong = sane::first_wrong(settings.collect::<Result<Vec<_>, Error>>()?);
        if let Some(wrong) = mend::wrong_number(row)?.or(wrong) {
            return Err(row::corrupt(&wrong));
        }
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
