//! Pushes accepted jobs that the queue does not know: after a wiped or failed-over queue, or a crash between record
//! and push.

use crate::{
    metrics::Metrics,
    store::{Error, Store},
};
use flotilla_jobs::JobId;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

const PERIOD: Duration = Duration::from_secs(30);
/// A job younger than this may still be on its way from the record to the queue.
const MIN_AGE: Duration = Duration::from_secs(30);
const BATCH: u32 = 1_000;
/// Between pages that were all in order: a long record is read gently.
const BREATH: Duration = Duration::from_millis(20);

/// Reconciles until `stop`.
pub(crate) async fn run(store: Arc<dyn Store>, metrics: Arc<Metrics>, stop: CancellationToken) {
    let after = Mutex::new(None);
    super::every("reconcile", super::first(PERIOD), &stop, || tick(&*store, &after, &metrics)).await;
}

/// Reconciles one page, from where the last one ended; answers when to come back.
pub(crate) async fn tick(
    store: &dyn Store,
    after: &Mutex<Option<JobId>>,
    metrics: &Metrics,
) -> Result<Duration, Error> {
    let from = *after.lock().unwrap_or_else(PoisonError::into_inner);
    let page = store.reconcile(from, MIN_AGE, BATCH).await?;
    *after.lock().unwrap_or_else(PoisonError::into_inner) = page.next;
    if page.pushed > 0 {
        metrics.reconciled(page.pushed);
        tracing::warn!(jobs = page.pushed, "pushed jobs that were on record but not in the queue");
    }
    Ok(match page.next {
        None => super::jittered(PERIOD),
        Some(_) if page.pushed > 0 => Duration::ZERO,
        Some(_) => BREATH,
    })
}
