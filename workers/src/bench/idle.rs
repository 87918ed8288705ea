//! What a worker costs that has nothing to do.

use super::{Idle, QUEUE, Usage, registry};
use crate::{
    fleet::{Fleet, FleetOptions, QueueWeight},
    metrics::Metrics,
    store::Store,
};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Watches an idle worker for a while. `commands` counts what the queue's server has seen so far.
pub async fn idle<F, Fut>(store: &Arc<dyn Store>, watch: Duration, commands: F) -> anyhow::Result<Idle>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Option<u64>>,
{
    let options =
        FleetOptions { queues: vec![QueueWeight { name: QUEUE.to_owned(), weight: 1 }], ..FleetOptions::default() };
    let fleet = Fleet::new(store.clone(), registry(None), Metrics::new(), options);
    let stop = CancellationToken::new();
    let running = tokio::spawn(fleet.run(stop.clone()));
    // What a start costs is not what idling costs.
    tokio::time::sleep(Duration::from_secs(1)).await;

    let (start, before, seen) = (Instant::now(), Usage::now(), commands().await);
    tokio::time::sleep(watch).await;
    let (spent, seen_now) = (Usage::now().since(before), commands().await);
    let seconds = start.elapsed().as_secs_f64();
    stop.cancel();
    running.await?;
    Ok(Idle {
        seconds,
        cpu_percent: spent.process / seconds * 100.0,
        // The count itself is a command.
        redis_commands_per_second: seen.zip(seen_now).map(|(a, b)| b.saturating_sub(a + 1) as f64 / seconds),
    })
}
