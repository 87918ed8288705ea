//! Deletes jobs that ended long ago.

use crate::{
    metrics::Metrics,
    store::{Error, Store},
};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

const PERIOD: Duration = Duration::from_mins(1);
const BATCH: u32 = 1_000;
/// Between full batches: deleting must not get in the way of work.
const BREATH: Duration = Duration::from_millis(20);

/// Prunes until `stop`.
pub(crate) async fn run(store: Arc<dyn Store>, age: Duration, metrics: Arc<Metrics>, stop: CancellationToken) {
    super::every("prune", super::first(PERIOD), &stop, || tick(&*store, age, &metrics)).await;
}

/// Prunes one batch; answers when to come back.
pub(crate) async fn tick(store: &dyn Store, age: Duration, metrics: &Metrics) -> Result<Duration, Error> {
    let pruned = store.prune(age, BATCH).await?;
    metrics.pruned(pruned);
    Ok(if pruned >= BATCH { BREATH } else { super::jittered(PERIOD) })
}
