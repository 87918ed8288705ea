//! Takes over what stock apalis-redis producers push.

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
    sources: Vec<AdoptSource>,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
) {
    super::every("adopt", Duration::ZERO, &stop, || tick(&*store, &sources, &metrics)).await;
}

/// Takes over one batch from each source; answers when to come back.
async fn tick(store: &dyn Store, sources: &[AdoptSource], metrics: &Metrics) -> Result<Duration, Error> {
    let mut most = 0;
    for source in sources {
        let adopted = store.adopt(source, BATCH).await?;
        if adopted > 0 {
            metrics.adopted(&source.kind, adopted);
            tracing::debug!(source = source.source, jobs = adopted, "took over jobs of an apalis-redis producer");
        }
        most = most.max(adopted);
    }
    Ok(if most > 0 { Duration::ZERO } else { super::jittered(PERIOD) })
}
