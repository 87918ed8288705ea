//! The queue on Redis: what may run now, and who holds it.

mod adopt;
mod cache;
mod connect;
mod envelope;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod keys;
mod lanes;
mod lead;
mod link;
mod listen;
mod repair;
mod reply;
mod scripts;
mod ticket;

pub(crate) use adopt::Foreign;
pub(crate) use envelope::{Head, read as read_envelope, write as write_envelope};
pub(crate) use reply::{Batch, Expired, Popped, Stats};
pub(crate) use ticket::{id_of, ticket};

use super::{Claim, Error, Promoted, damage::Damage};
use crate::clock::Clock;
use flotilla_jobs::JobId;
use link::Link;
use redis::{RedisError, Script, ScriptInvocation};
use repair::Repaired;
use std::time::Duration;

/// Most members of one script call: `unpack` in Lua takes fewer than 8,000 values, and a script of 1,000 jobs holds
/// Redis for about a millisecond.
pub(crate) const MAX_SCRIPT_BATCH: usize = 1_000;

/// The queues of one fleet.
pub(crate) struct Queues {
    /// For small calls that someone waits for.
    fast: Link,
    /// For batches of payloads, so that they do not hold up the small calls.
    bulk: Link,
    client: redis::Client,
    /// How long a call may take, with its answer.
    call_timeout: Duration,
    prefix: String,
    clock: Clock,
    /// What could not be read here.
    pub(crate) damage: Damage,
    repaired: Repaired,
    /// Lanes that this process uses.
    named: lanes::Named,
}

/// A job to put in a queue.
pub(crate) struct Push {
    pub(crate) ticket: String,
    pub(crate) envelope: String,
    pub(crate) ready_at: ReadyAt,
}

/// When a job that is put in a queue is ready, by the queue's clock.
#[derive(Clone, Copy)]
pub(crate) enum ReadyAt {
    /// A new job: at this time if it is to come, or else now.
    New(Option<i64>),
    /// A job that the queue lost: it keeps its age.
    Since(i64),
    /// A job that somebody put back after its run had ended, whether or not the queue has heard of that end.
    Again(i64),
}

/// What to do with a job whose lease ends without a result.
#[derive(Clone, Copy)]
pub(crate) enum Then {
    /// Ready at this time, which is not in the future.
    Ready(i64),
    /// Ready only at this time.
    Delay(i64),
    /// Out of the queue: it is finished or paused.
    Drop,
}

/// A lease to end without a result.
pub(crate) struct Back<'a> {
    pub(crate) ticket: &'a str,
    pub(crate) token: u64,
    pub(crate) head: Head,
    pub(crate) then: Then,
}

/// What the queue knows of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    No,
    Waiting,
    Leased,
}

impl Queues {
    /// Puts jobs in a queue, at most [`MAX_SCRIPT_BATCH`]; answers how many it did not know.
    pub(crate) async fn push(&self, queue: &str, jobs: &[Push]) -> Result<u32, Error> {
        let mut call = self.call(&scripts::PUSH, queue);
        for job in jobs {
            let at = match job.ready_at {
                ReadyAt::New(None) => String::new(),
                ReadyAt::New(Some(ms)) => format!("+{ms}"),
                ReadyAt::Since(ms) => ms.to_string(),
                ReadyAt::Again(ms) => format!("!{ms}"),
            };
            call.arg(&job.ticket).arg(&job.envelope).arg(at);
        }
        self.run(queue, &call, &self.bulk).await
    }

    /// Hands out at most `max` jobs of a queue.
    pub(crate) async fn claim(&self, p: &Claim<'_>, queue: &str, max: u32) -> Result<Batch, Error> {
        let mut call = self.call(&scripts::CLAIM, queue);
        call.arg(max.min(MAX_SCRIPT_BATCH as u32)).arg(p.lease_ttl.as_millis() as u64).arg(p.worker);
        call.arg(p.kinds.unwrap_or_default());
        let batch = reply::claim(self.run(queue, &call, &self.fast).await?)?;
        self.discard(queue, batch.token, &batch.nobodys).await;
        Ok(batch)
    }

    /// Extends leases; answers 0 lost, 1 kept, 2 cancel asked.
    pub(crate) async fn renew(&self, queue: &str, leases: &[(&str, u64)], ttl: Duration) -> Result<Vec<u8>, Error> {
        let mut call = self.call(&scripts::RENEW, queue);
        call.arg(ttl.as_millis() as u64);
        for (ticket, token) in leases {
            call.arg(*ticket).arg(*token);
        }
        self.run(queue, &call, &self.fast).await
    }

    /// Forgets jobs whose result is on record, and tells watchers of `changed`.
    pub(crate) async fn finish(&self, queue: &str, leases: &[(&str, u64)], changed: &[JobId]) -> Result<(), Error> {
        let mut call = self.call(&scripts::FINISH, queue);
        call.arg(keys::changed_channel(&self.prefix)).arg(message(changed));
        for (ticket, token) in leases {
            call.arg(*ticket).arg(*token);
        }
        self.run(queue, &call, &self.fast).await
    }

    /// Ends leases of jobs that will run again.
    pub(crate) async fn give_back(&self, queue: &str, jobs: &[Back<'_>], changed: &[JobId]) -> Result<(), Error> {
        let mut call = self.call(&scripts::GIVE_BACK, queue);
        call.arg(keys::changed_channel(&self.prefix)).arg(message(changed));
        for job in jobs {
            let (what, at) = match job.then {
                Then::Ready(at) => ("ready", at),
                Then::Delay(at) => ("delay", at),
                Then::Drop => ("drop", 0),
            };
            call.arg(job.ticket).arg(job.token).arg(job.head.write()).arg(what).arg(at);
        }
        self.run(queue, &call, &self.fast).await
    }

    /// Takes waiting jobs out and tells workers of running ones to stop; answers what it knew of each.
    pub(crate) async fn remove(&self, queue: &str, jobs: &[(String, JobId)]) -> Result<Vec<Known>, Error> {
        let mut call = self.call(&scripts::REMOVE, queue);
        call.arg(keys::cancel_channel(&self.prefix));
        for (ticket, id) in jobs {
            call.arg(ticket).arg(id.to_string());
        }
        let reply: Vec<u8> = self.run(queue, &call, &self.fast).await?;
        Ok(reply.into_iter().map(Known::from_reply).collect())
    }

    /// Makes due jobs ready.
    pub(crate) async fn promote(&self, queue: &str, batch: u32) -> Result<Promoted, Error> {
        let mut call = self.call(&scripts::PROMOTE, queue);
        call.arg(batch.min(MAX_SCRIPT_BATCH as u32));
        let (moved, next): (u32, i64) = self.run(queue, &call, &self.fast).await?;
        Ok(Promoted { moved, next_due_in_ms: u64::try_from(next).ok() })
    }

    /// Takes over expired leases for `grace`; answers the token they now have.
    pub(crate) async fn expire(&self, queue: &str, batch: u32, grace: Duration) -> Result<(u64, Vec<Expired>), Error> {
        let mut call = self.call(&scripts::EXPIRE, queue);
        call.arg(batch.min(MAX_SCRIPT_BATCH as u32)).arg(grace.as_millis() as u64);
        let overdue = reply::expire(self.run(queue, &call, &self.fast).await?)?;
        self.discard(queue, overdue.token, &overdue.nobodys).await;
        Ok((overdue.token, overdue.leases))
    }

    /// What the queue knows of each job.
    pub(crate) async fn known(&self, queue: &str, tickets: &[String]) -> Result<Vec<Known>, Error> {
        let mut call = self.call(&scripts::KNOWN, queue);
        call.arg(tickets);
        let reply: Vec<u8> = self.run(queue, &call, &self.fast).await?;
        Ok(reply.into_iter().map(Known::from_reply).collect())
    }

    /// At most `max` ids of jobs held under a lease.
    pub(crate) async fn leased(&self, queue: &str, max: u32) -> Result<Vec<JobId>, Error> {
        let [_, _, leases, ..] = keys::of_queue(&self.prefix, queue);
        let tickets: Vec<Vec<u8>> = redis::cmd("ZRANGE")
            .arg(leases)
            .arg(0)
            .arg(i64::from(max) - 1)
            .query_async(&mut self.fast.clone())
            .await
            .map_err(fault)?;
        Ok(tickets.iter().filter_map(|ticket| id_of(std::str::from_utf8(ticket).ok()?)).collect())
    }

    /// A queue in numbers.
    pub(crate) async fn stats(&self, queue: &str) -> Result<Stats, Error> {
        let call = self.call(&scripts::STATS, queue);
        reply::stats(self.run(queue, &call, &self.fast).await?)
    }

    /// Makes a queue's settings those on record.
    pub(crate) async fn configure(&self, queue: &str, paused: bool, cap: Option<u32>) -> Result<(), Error> {
        let mut call = self.call(&scripts::CONFIGURE, queue);
        call.arg(u8::from(paused)).arg(cap.map(|c| c.to_string()).unwrap_or_default());
        self.run(queue, &call, &self.fast).await
    }

    /// Tells watchers that jobs changed.
    pub(crate) async fn announce(&self, changed: &[JobId]) -> Result<(), Error> {
        redis::cmd("PUBLISH")
            .arg(keys::changed_channel(&self.prefix))
            .arg(message(changed))
            .query_async::<()>(&mut self.fast.clone())
            .await
            .map_err(fault)
    }

    fn call<'a>(&self, script: &'a Script, queue: &str) -> ScriptInvocation<'a> {
        let mut call = script.prepare_invoke();
        for key in keys::of_queue(&self.prefix, queue) {
            call.key(key);
        }
        let now = self.clock.injected().map(|ms| ms.to_string()).unwrap_or_default();
        call.arg(now).arg(keys::work_channel(&self.prefix)).arg(queue);
        call
    }
}

impl Known {
    fn from_reply(code: u8) -> Self {
        match code {
            0 => Self::No,
            1 => Self::Waiting,
            _ => Self::Leased,
        }
    }
}

fn message(ids: &[JobId]) -> String {
    let mut text = String::with_capacity(ids.len() * 37);
    for id in ids {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&id.to_string());
    }
    text
}

/// A driver's error in the words of the seam.
#[allow(clippy::needless_pass_by_value, reason = "it is a map_err function")]
fn fault(error: RedisError) -> Error {
    Error::Unavailable { what: "redis", detail: error.to_string() }
}
