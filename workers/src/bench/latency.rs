//! From the enqueue call to the start of the handler, at a fixed rate.

use super::{Latency, Maker, QUEUE, registry, report::quantile};
use crate::{
    fleet::{Fleet, FleetOptions, QueueWeight},
    metrics::Metrics,
    store::Store,
};
use flotilla_jobs::Options;
use std::{sync::Arc, time::Duration};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

/// Submits `jobs`, `rate` a second, to an idle worker in this process.
pub async fn latency(store: &Arc<dyn Store>, rate: u64, jobs: u64) -> anyhow::Result<Latency> {
    let (started, starts) = mpsc::unbounded_channel();
    let options =
        FleetOptions { queues: vec![QueueWeight { name: QUEUE.to_owned(), weight: 1 }], ..FleetOptions::default() };
    let fleet = Fleet::new(store.clone(), registry(Some(started)), Metrics::new(), options);
    let stop = CancellationToken::new();
    let running = tokio::spawn(fleet.run(stop.clone()));
    let arrivals = tokio::spawn(arrivals(starts, jobs));
    let calls = submit(store, rate, jobs).await;
    let arrived = tokio::time::timeout(Duration::from_secs(30), arrivals).await??;
    stop.cancel();
    running.await?;

    let calls = calls?;
    let mut waits: Vec<f64> = calls
        .iter()
        .zip(&arrived)
        .filter_map(|(call, start)| start.map(|start| start.duration_since(*call).as_secs_f64() * 1_000.0))
        .collect();
    anyhow::ensure!(waits.len() as u64 == jobs, "{} of {jobs} jobs started", waits.len());
    waits.sort_by(f64::total_cmp);
    let at = |share: f64| quantile(&waits, share);
    Ok(Latency { rate, jobs, p50_ms: at(0.5), p99_ms: at(0.99), max_ms: at(1.0) })
}

/// Answers when each call was made. Calls overlap, as those of independent producers do.
async fn submit(store: &Arc<dyn Store>, rate: u64, jobs: u64) -> anyhow::Result<Vec<Instant>> {
    let maker = Maker::new();
    let mut beat = tokio::time::interval(Duration::from_secs(1) / rate.clamp(1, 1_000_000) as u32);
    let mut calls = Vec::with_capacity(jobs as usize);
    let mut tasks = JoinSet::new();
    for n in 0..jobs {
        beat.tick().await;
        let (store, job) = (store.clone(), maker.job(n, Options::default())?);
        calls.push(Instant::now());
        tasks.spawn(async move { store.enqueue(vec![job]).await });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(calls)
}

/// Answers when each job started.
async fn arrivals(mut starts: mpsc::UnboundedReceiver<u64>, jobs: u64) -> Vec<Option<Instant>> {
    let mut arrived = vec![None; jobs as usize];
    let mut left = jobs;
    while left > 0 {
        let Some(n) = starts.recv().await else { break };
        if let Some(place) = arrived.get_mut(n as usize).filter(|place| place.is_none()) {
            *place = Some(Instant::now());
            left -= 1;
        }
    }
    arrived
}
