//! How fast a backlog is worked off, every result recorded.

use super::{Maker, QUEUE, Rate, Usage, registry};
use crate::{
    fleet::{Fleet, FleetOptions, QueueWeight},
    metrics::Metrics,
    store::{QueueChange, Store},
};
use flotilla_jobs::{Group, MAX_BATCH, Options, Priority};
use std::{sync::Arc, time::Duration};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

/// Groups that a mixed backlog is spread over.
const GROUPS: u64 = 500;
/// The queue cap of a mixed backlog: checked on every claim, yet above what one worker holds, since a cap that binds
/// would measure itself.
const CAP: u32 = 5_000;

/// Works off backlogs of `jobs` with one worker, `rounds` times each: plain ones, and ones that use priorities, groups
/// and a queue cap. They take turns, so that both see the same machine.
pub async fn drain(store: &Arc<dyn Store>, jobs: u64, concurrency: usize, rounds: u32) -> anyhow::Result<(Rate, Rate)> {
    let (mut plain, mut mixed) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        fill(store, jobs, false).await?;
        plain.push(work_off(store, jobs, concurrency).await?);
        store.configure_queue(QUEUE, QueueChange { paused: None, cap: Some(CAP) }).await?;
        fill(store, jobs, true).await?;
        mixed.push(work_off(store, jobs, concurrency).await?);
        store.configure_queue(QUEUE, QueueChange { paused: None, cap: Some(0) }).await?;
    }
    Ok((Rate::of_rounds(jobs, &plain), Rate::of_rounds(jobs, &mixed)))
}

async fn fill(store: &Arc<dyn Store>, jobs: u64, mixed: bool) -> anyhow::Result<()> {
    let maker = Maker::new();
    let mut n = 0;
    while n < jobs {
        let batch = (n..jobs.min(n + MAX_BATCH as u64)).map(|n| maker.job(n, options(n, mixed)));
        store.enqueue(batch.collect::<Result<_, _>>()?).await?;
        n += MAX_BATCH as u64;
    }
    Ok(())
}

fn options(n: u64, mixed: bool) -> Options {
    if !mixed {
        return Options::default();
    }
    Options {
        priority: Priority::try_from((n % 10) as u8).ok(),
        // Every second job is in a group: most real queues hold both.
        group: n.is_multiple_of(2).then(|| Group { key: format!("group-{}", n / 2 % GROUPS), limit: 4 }),
        ..Options::default()
    }
}

/// Answers the seconds it took until every result was on record, and the machine's CPU seconds.
pub(super) async fn work_off(store: &Arc<dyn Store>, jobs: u64, concurrency: usize) -> anyhow::Result<(f64, f64)> {
    let (started, mut starts) = mpsc::unbounded_channel();
    let options = FleetOptions {
        concurrency,
        queues: vec![QueueWeight { name: QUEUE.to_owned(), weight: 1 }],
        ..FleetOptions::default()
    };
    let fleet = Fleet::new(store.clone(), registry(Some(started)), Metrics::new(), options);
    let stop = CancellationToken::new();
    let (start, before) = (Instant::now(), Usage::now());
    let running = tokio::spawn(fleet.run(stop.clone()));

    let mut left = jobs;
    let mut buffer = Vec::with_capacity(1_024);
    while left > 0 {
        let got = tokio::time::timeout(Duration::from_mins(1), starts.recv_many(&mut buffer, 1_024)).await;
        let got = got.map_err(|_| anyhow::anyhow!("no job started for a minute, {left} are left"))?;
        anyhow::ensure!(got > 0, "the fleet ended with {left} jobs left");
        left = left.saturating_sub(got as u64);
        buffer.clear();
    }
    // The fleet ends when every result is on record.
    stop.cancel();
    let report = running.await?;
    let seconds = start.elapsed().as_secs_f64();
    anyhow::ensure!(report.completed >= jobs, "{} of {jobs} jobs were completed", report.completed);
    Ok((seconds, Usage::now().since(before).machine))
}
