//! Whether claiming and promoting slow down as more jobs wait.

use super::Maker;
use crate::store::{Claim, Claimed, End, Settle, Store};
use flotilla_jobs::{JobId, MAX_BATCH, Options};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// Jobs of one claim.
const CLAIM: u32 = 50;
/// Claims that are timed.
const CLAIMS: usize = 100;
/// Jobs that become due together.
const DUE: u32 = 500;
/// Promotions that are timed.
const PROMOTIONS: usize = 5;
/// How far ahead the jobs are that become due: longer than it takes to accept them.
const AHEAD: Duration = Duration::from_secs(1);

/// What claiming and promoting cost with so many jobs waiting.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Backlog {
    /// Jobs that wait to be claimed; as many more wait for a later time.
    pub waiting: u64,
    /// A claim of 50, in milliseconds: the median.
    pub claim_ms: f64,
    /// A promotion of 500 due jobs, in milliseconds: the median.
    pub promote_ms: f64,
}

/// Measures with `waiting` jobs in a queue of their own, which stay there.
pub async fn backlog(store: &Arc<dyn Store>, waiting: u64) -> anyhow::Result<Backlog> {
    let queue = format!("bench-{waiting}");
    let tomorrow = now(store).await?.checked_add(SignedDuration::from_hours(24))?;
    for run_at in [None, Some(tomorrow)] {
        let mut left = waiting;
        while left > 0 {
            let batch = left.min(MAX_BATCH as u64);
            accept(store, &queue, batch, run_at).await?;
            left -= batch;
        }
    }
    let claim_ms = claims(store, &queue).await?;
    let promote_ms = promotions(store, &queue).await?;
    Ok(Backlog { waiting, claim_ms, promote_ms })
}

async fn accept(
    store: &Arc<dyn Store>,
    queue: &str,
    jobs: u64,
    run_at: Option<Timestamp>,
) -> anyhow::Result<Vec<JobId>> {
    let maker = Maker::new();
    let options = Options { queue: Some(queue.to_owned()), run_at, ..Options::default() };
    let batch = (0..jobs).map(|n| maker.job(n, options.clone())).collect::<Result<_, _>>()?;
    Ok(store.enqueue(batch).await?.into_iter().map(|accepted| accepted.id).collect())
}

/// The store's time: that of a job it just accepted.
async fn now(store: &Arc<dyn Store>) -> anyhow::Result<Timestamp> {
    let ids = accept(store, super::QUEUE, 1, None).await?;
    let job = store.get(ids[0]).await?;
    store.cancel(&ids).await?;
    Ok(job.ok_or_else(|| anyhow::anyhow!("a job that was accepted is not on record"))?.created_at)
}

async fn claims(store: &Arc<dyn Store>, queue: &str) -> anyhow::Result<f64> {
    let queues = [(queue.to_owned(), CLAIM)];
    let mut times = Vec::with_capacity(CLAIMS);
    for _ in 0..CLAIMS {
        let start = Instant::now();
        let claimed = store
            .claim(Claim { worker: "bench", queues: &queues, kinds: None, lease_ttl: Duration::from_mins(10) })
            .await?;
        times.push(start.elapsed());
        let end = |c: Claimed| {
            let end = End::Completed(RawValue::NULL.to_owned());
            Settle { started_at: c.claimed_at, lease: c.lease, end }
        };
        store.settle(claimed.into_iter().map(end).collect()).await?;
    }
    Ok(median(times))
}

async fn promotions(store: &Arc<dyn Store>, queue: &str) -> anyhow::Result<f64> {
    let mut times = Vec::with_capacity(PROMOTIONS);
    for _ in 0..PROMOTIONS {
        let due = now(store).await?.checked_add(SignedDuration::try_from(AHEAD)?)?;
        accept(store, queue, u64::from(DUE), Some(due)).await?;
        tokio::time::sleep(AHEAD).await;
        let start = Instant::now();
        let promoted = store.promote(&[queue.to_owned()], DUE).await?;
        times.push(start.elapsed());
        anyhow::ensure!(promoted.moved == DUE, "{} of {DUE} jobs were due", promoted.moved);
    }
    Ok(median(times))
}

/// In milliseconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
}
