//! Says which jobs wait for a worker that knows their kind: nobody else misses them.

use super::lead::Led;
use crate::store::{Error, QueueStats, Store};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// One line a queue and kind in this time at most, from the whole fleet.
const PERIOD: Duration = Duration::from_mins(1);

/// Looks until `stop`.
pub(crate) async fn run(store: Arc<dyn Store>, led: Led, stop: CancellationToken) {
    super::every_led("parked", &led, super::first(PERIOD), &stop, || tick(&*store)).await;
}

async fn tick(store: &dyn Store) -> Result<Duration, Error> {
    for QueueStats { name: queue, waiting_for_worker, .. } in store.queues().await? {
        for (kind, jobs) in waiting_for_worker {
            tracing::warn!(queue, kind, jobs, "jobs wait for a worker that knows their kind");
        }
    }
    Ok(super::jittered(PERIOD))
}
