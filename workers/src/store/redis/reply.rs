//! What the scripts that hand out jobs answer, as values. The keys they read from may hold anything, so one job that
//! cannot be read must not take the others of the answer with it.

use super::{envelope::Head, ticket};
use crate::store::Error;
use std::collections::BTreeMap;

/// A job that was handed out.
#[derive(Debug)]
pub(crate) struct Popped {
    pub(crate) ticket: String,
    pub(crate) ready_at: i64,
    /// `None` where the queue lost it.
    pub(crate) envelope: Option<Vec<u8>>,
}

/// What a claim gave.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) now: i64,
    pub(crate) token: u64,
    pub(crate) jobs: Vec<Popped>,
    /// Tickets that name no job.
    pub(super) nobodys: Vec<Vec<u8>>,
}

/// A lease that was taken over because it expired.
#[derive(Debug)]
pub(crate) struct Expired {
    pub(crate) ticket: String,
    /// `None` where the queue lost the job.
    pub(crate) head: Option<Head>,
    pub(crate) ready_at: i64,
    pub(crate) worker: String,
}

/// What a rescue took over.
#[derive(Debug)]
pub(super) struct Overdue {
    pub(super) token: u64,
    pub(super) leases: Vec<Expired>,
    /// Tickets that name no job.
    pub(super) nobodys: Vec<Vec<u8>>,
}

/// A queue in numbers.
#[derive(Debug)]
pub(crate) struct Stats {
    pub(crate) pending: u64,
    pub(crate) delayed: u64,
    pub(crate) leased: u64,
    /// How long the oldest pending job has waited, in milliseconds.
    pub(crate) oldest_ms: Option<u64>,
    /// Pending jobs that wait for a worker which knows their kind.
    pub(crate) parked: BTreeMap<String, u64>,
}

/// The answer of `claim.lua`.
pub(super) fn claim(reply: Vec<redis::Value>) -> Result<Batch, Error> {
    let mut values = reply.into_iter();
    let (now, token) = (take(&mut values)?, take(&mut values)?);
    let mut batch = Batch { now, token, jobs: Vec::new(), nobodys: Vec::new() };
    while values.len() > 0 {
        let (bytes, ready_at): (Vec<u8>, String) = (take(&mut values)?, take(&mut values)?);
        let envelope = take(&mut values)?;
        match ticket::read(bytes) {
            Ok(ticket) => batch.jobs.push(Popped { ticket, ready_at: ready_at.parse().unwrap_or(now), envelope }),
            Err(bytes) => batch.nobodys.push(bytes),
        }
    }
    Ok(batch)
}

/// The answer of `expire.lua`.
pub(super) fn expire(reply: Vec<redis::Value>) -> Result<Overdue, Error> {
    let mut values = reply.into_iter();
    let mut overdue = Overdue { token: take(&mut values)?, leases: Vec::new(), nobodys: Vec::new() };
    while values.len() > 0 {
        let (bytes, head): (Vec<u8>, String) = (take(&mut values)?, take(&mut values)?);
        let (ready_at, worker): (i64, Vec<u8>) = (take(&mut values)?, take(&mut values)?);
        let worker = String::from_utf8_lossy(&worker).into_owned();
        match ticket::read(bytes) {
            Ok(ticket) => overdue.leases.push(Expired { ticket, head: Head::read(&head), ready_at, worker }),
            Err(bytes) => overdue.nobodys.push(bytes),
        }
    }
    Ok(overdue)
}

/// The answer of `stats.lua`. A kind whose number is none is left out.
pub(super) fn stats(reply: Vec<redis::Value>) -> Result<Stats, Error> {
    let mut values = reply.into_iter();
    let (pending, delayed, leased) = (take(&mut values)?, take(&mut values)?, take(&mut values)?);
    let oldest: i64 = take(&mut values)?;
    let kinds: Vec<Vec<u8>> = take(&mut values)?;
    let counted = |pair: &[Vec<u8>]| {
        let [kind, jobs] = pair else { return None };
        Some((String::from_utf8_lossy(kind).into_owned(), std::str::from_utf8(jobs).ok()?.parse().ok()?))
    };
    let parked = kinds.chunks(2).filter_map(counted).collect();
    Ok(Stats { pending, delayed, leased, oldest_ms: u64::try_from(oldest).ok(), parked })
}

pub(super) fn take<T: redis::FromRedisValue>(values: &mut std::vec::IntoIter<redis::Value>) -> Result<T, Error> {
    let corrupt = |detail: String| Error::Corrupt { what: "redis", detail };
    let value = values.next().ok_or_else(|| corrupt("a script's reply is too short".to_owned()))?;
    T::from_redis_value(value).map_err(|e| corrupt(e.to_string()))
}
