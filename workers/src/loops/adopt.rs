//! Takes over what stock apalis-redis producers push.

use super::lead::Led;
use crate::{
    metrics::Metrics,
    store::{AdoptSource, Error, Store},
};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Jobs taken over in one call.
const BATCH: u32 = 500;
/// Such a producer wakes nobody, so its queue is looked at.
const PERIOD: Duration = Duration::from_secs(1);

/// Takes over until `stop`.
pub(crate) async fn run(
    store: Arc<dyn Store>,
    source: AdoptSource,
    metrics: Arc<Metrics>,
    led: Led,
    stop: CancellationToken,
) {
    super::every_led("adopt", &led, Duration::ZERO, &stop, || tick(&*store, &source, &metrics)).await;
}

/// Takes over one batch; answers when to come back.
async fn tick(store: &dyn Store, source: &AdoptSource, metrics: &Metrics) -> Result<Duration, Error> {
    let adopted = store.adopt(source, BATCH).await?;
    if adopted > 0 {
        metrics.adopted(&source.kind, adopted);
        tracing::debug!(source = source.source, jobs = adopted, "took over jobs of an apalis-redis producer");
    }
    Ok(if adopted > 0 { Duration::ZERO } else { super::jittered(PERIOD) })
}
