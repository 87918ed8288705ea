//! How fast jobs are accepted.

use super::{Maker, Rate, Usage, drain::work_off};
use crate::store::Store;
use flotilla_jobs::{MAX_BATCH, Options};
use std::sync::Arc;
use tokio::{task::JoinSet, time::Instant};

/// Callers that hand in batches at the same time.
const BATCH_CALLERS: u64 = 2;

/// Concurrency of the worker that clears away, unmeasured, what a round accepted.
const CLEANERS: usize = 200;

/// Accepts `jobs` in batches of 1,000, `rounds` times.
pub async fn enqueue_in_batches(store: &Arc<dyn Store>, jobs: u64, rounds: u32) -> anyhow::Result<Rate> {
    let batches = jobs.div_ceil(MAX_BATCH as u64 * BATCH_CALLERS);
    let jobs = batches * BATCH_CALLERS * MAX_BATCH as u64;
    let mut seconds = Vec::new();
    for _ in 0..rounds {
        seconds.push(round(store, BATCH_CALLERS, batches, MAX_BATCH as u64).await?);
        work_off(store, jobs, CLEANERS).await?;
    }
    Ok(Rate::of_rounds(jobs, &seconds))
}

/// Accepts `jobs` one by one from `callers` at the same time, `rounds` times.
pub async fn enqueue_one_by_one(store: &Arc<dyn Store>, jobs: u64, callers: u64, rounds: u32) -> anyhow::Result<Rate> {
    let each = jobs.div_ceil(callers);
    let mut seconds = Vec::new();
    for _ in 0..rounds {
        seconds.push(round(store, callers, each, 1).await?);
        work_off(store, each * callers, CLEANERS).await?;
    }
    Ok(Rate::of_rounds(each * callers, &seconds))
}

/// Answers the seconds it took and the machine's CPU seconds.
async fn round(store: &Arc<dyn Store>, callers: u64, calls: u64, batch: u64) -> anyhow::Result<(f64, f64)> {
    let maker = Maker::new();
    let (start, before) = (Instant::now(), Usage::now());
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let (store, maker) = (store.clone(), maker.clone());
        tasks.spawn(async move {
            for call in 0..calls {
                let jobs = (0..batch).map(|i| maker.job(call * batch + i, Options::default()));
                store.enqueue(jobs.collect::<Result<_, _>>()?).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok((start.elapsed().as_secs_f64(), Usage::now().since(before).machine))
}
