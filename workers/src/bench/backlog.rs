//! Whether claiming and promoting slow down as more jobs wait.

use super::{Maker, report::quantile};
use crate::store::{Claim, Claimed, End, Settle, Store};
use flotilla_jobs::{JobId, MAX_BATCH, Options};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// Jobs of one claim.
const CLAIM: u32 = 50;
/// Jobs that become due together.
const DUE: u32 = 500;
/// Promotions that are timed for each backlog; so many times ten are the claims, which take away what was promoted.
const PROMOTIONS: u32 = 60;
/// Promotions whose jobs are accepted together: few, so that a small backlog stays about as small.
const TOGETHER: u32 = 3;
/// How far ahead the jobs are that become due: longer than it takes to accept them.
const AHEAD: Duration = Duration::from_secs(1);

/// What claiming and promoting cost with so many jobs waiting.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Backlog {
    /// Jobs that wait to be claimed; as many more wait for a later time.
    pub waiting: u64,
    /// How many claims and promotions were timed.
    pub claims: usize,
    #[allow(missing_docs)]
    pub promotions: usize,
    /// A claim of 50, in milliseconds: the median, and what nine of ten stay below.
    pub claim_ms: f64,
    #[allow(missing_docs)]
    pub claim_p90_ms: f64,
    /// A promotion of 500 due jobs, in the same way.
    pub promote_ms: f64,
    #[allow(missing_docs)]
    pub promote_p90_ms: f64,
}

/// Measures backlogs of these sizes, each in a queue of its own, where it stays. They take turns, so that a slow minute
/// of the machine is one of all.
pub async fn backlogs(store: &Arc<dyn Store>, sizes: &[u64]) -> anyhow::Result<Vec<Backlog>> {
    let mut queues = Vec::new();
    for waiting in sizes {
        queues.push(Queue::fill(store, *waiting).await?);
    }
    for chunk in 0..PROMOTIONS / TOGETHER {
        for queue in &queues {
            let due = now(store).await?.checked_add(SignedDuration::try_from(AHEAD)?)?;
            accept(store, &queue.name, u64::from(DUE * TOGETHER), Some(due)).await?;
        }
        tokio::time::sleep(AHEAD).await;
        for turn in 0..TOGETHER {
            let mut order: Vec<&mut Queue> = queues.iter_mut().collect();
            // Whoever comes second finds the caches as the first one left them: that is each one's part in turn.
            if (chunk * TOGETHER + turn) % 2 == 1 {
                order.reverse();
            }
            for queue in &mut order {
                queue.promote(store).await?;
            }
            for _ in 0..DUE / CLAIM {
                for queue in &mut order {
                    queue.claim(store).await?;
                }
            }
        }
    }
    Ok(queues.into_iter().map(Queue::report).collect())
}

/// A backlog and what was timed on it.
struct Queue {
    name: String,
    waiting: u64,
    claims: Vec<f64>,
    promotions: Vec<f64>,
}

impl Queue {
    async fn fill(store: &Arc<dyn Store>, waiting: u64) -> anyhow::Result<Self> {
        let name = format!("bench-{waiting}");
        let tomorrow = now(store).await?.checked_add(SignedDuration::from_hours(24))?;
        for run_at in [None, Some(tomorrow)] {
            accept(store, &name, waiting, run_at).await?;
        }
        Ok(Self { name, waiting, claims: Vec::new(), promotions: Vec::new() })
    }

    async fn claim(&mut self, store: &Arc<dyn Store>) -> anyhow::Result<()> {
        let queues = [(self.name.clone(), CLAIM)];
        let claim = Claim { worker: "bench", queues: &queues, kinds: None, lease_ttl: Duration::from_mins(10) };
        let start = Instant::now();
        let claimed = store.claim(claim).await?;
        self.claims.push(ms(start));
        let end = |c: Claimed| {
            let end = End::Completed(RawValue::NULL.to_owned());
            Settle::new(c.lease, c.claimed_at, end)
        };
        store.settle(claimed.into_iter().map(end).collect()).await?;
        Ok(())
    }

    async fn promote(&mut self, store: &Arc<dyn Store>) -> anyhow::Result<()> {
        let start = Instant::now();
        let promoted = store.promote(std::slice::from_ref(&self.name), DUE).await?;
        self.promotions.push(ms(start));
        anyhow::ensure!(promoted.moved == DUE, "{} of {DUE} jobs were due", promoted.moved);
        Ok(())
    }

    fn report(self) -> Backlog {
        let sorted = |mut times: Vec<f64>| {
            times.sort_by(f64::total_cmp);
            times
        };
        let (claims, promotions) = (sorted(self.claims), sorted(self.promotions));
        Backlog {
            waiting: self.waiting,
            claims: claims.len(),
            promotions: promotions.len(),
            claim_ms: quantile(&claims, 0.5),
            claim_p90_ms: quantile(&claims, 0.9),
            promote_ms: quantile(&promotions, 0.5),
            promote_p90_ms: quantile(&promotions, 0.9),
        }
    }
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1_000.0
}

/// Accepts so many; answers the last batch.
async fn accept(
    store: &Arc<dyn Store>,
    queue: &str,
    jobs: u64,
    run_at: Option<Timestamp>,
) -> anyhow::Result<Vec<JobId>> {
    let maker = Maker::new();
    let options = Options { queue: Some(queue.to_owned()), run_at, ..Options::default() };
    let (mut left, mut last) = (jobs, Vec::new());
    while left > 0 {
        let size = left.min(MAX_BATCH as u64);
        let batch = (0..size).map(|n| maker.job(n, options.clone())).collect::<Result<_, _>>()?;
        last = store.enqueue(batch).await?.into_iter().map(|accepted| accepted.id).collect();
        left -= size;
    }
    Ok(last)
}

/// The store's time: that of a job it just accepted.
async fn now(store: &Arc<dyn Store>) -> anyhow::Result<Timestamp> {
    let ids = accept(store, super::QUEUE, 1, None).await?;
    let job = store.get(ids[0]).await?;
    store.cancel(&ids).await?;
    Ok(job.ok_or_else(|| anyhow::anyhow!("a job that was accepted is not on record"))?.created_at)
}
