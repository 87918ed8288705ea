//! Deletes jobs that ended long ago, keys that count no more, and what was spent long ago.

use super::lead::Led;
use crate::{
    metrics::Metrics,
    store::{Error, Store},
};
use flotilla_jobs::JobState;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

const PERIOD: Duration = Duration::from_mins(1);
const BATCH: u32 = 1_000;
/// Between batches: deleting must not get in the way of work.
const BREATH: Duration = Duration::from_millis(20);

/// What is old.
pub(crate) struct Ages {
    /// By the state that jobs ended in; those of a state not named are kept.
    pub jobs: BTreeMap<JobState, Duration>,
    /// Calls in the ledger; `None` keeps them.
    pub spend: Option<Duration>,
}

/// Prunes until `stop`.
pub(crate) async fn run(store: Arc<dyn Store>, ages: Ages, metrics: Arc<Metrics>, led: Led, stop: CancellationToken) {
    super::every_led("prune", &led, super::first(PERIOD), &stop, || tick(&*store, &ages, &metrics)).await;
}

/// Prunes one batch of each; answers when to come back.
pub(crate) async fn tick(store: &dyn Store, ages: &Ages, metrics: &Metrics) -> Result<Duration, Error> {
    let mut more = store.prune_keys(BATCH).await? > 0;
    if let Some(age) = ages.spend {
        more |= store.prune_spend(age, BATCH).await? > 0;
    }
    for (state, age) in &ages.jobs {
        let pruned = store.prune(*state, *age, BATCH).await?;
        metrics.pruned(pruned);
        more |= pruned > 0;
    }
    Ok(if more { BREATH } else { super::jittered(PERIOD) })
}
