//! Pushes accepted jobs that the queue does not know: after a wiped or failed-over queue, or a crash between record
//! and push.

use super::{Outage, lead::Led};
use crate::{
    metrics::Metrics,
    store::{Error, Store},
};
use flotilla_jobs::JobId;
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

const PERIOD: Duration = Duration::from_secs(30);
/// A job younger than this may still be on its way from the record to the queue.
const MIN_AGE: Duration = Duration::from_secs(10);
/// After the queue is back others may still take it to be away for so long, and not push what they accept.
const LATE: Duration = Duration::from_secs(2);
const BATCH: u32 = 1_000;
/// Between pages that were all in order: a long record is read gently.
const BREATH: Duration = Duration::from_millis(20);

/// A walk through what is unfinished.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    after: Option<JobId>,
    /// The queue was away: those too young for this walk must not wait for the next period.
    again: bool,
}

/// Reconciles until `stop` while this worker leads: in every period, and at once when `returned` says that the queue was
/// away.
pub(crate) async fn run(
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
    led: Led,
    returned: Arc<Notify>,
    stop: CancellationToken,
) {
    let mut outage = Outage::new("reconcile");
    let mut walk = Walk::default();
    let mut wait = super::first(PERIOD);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = returned.notified() => walk = Walk { after: None, again: true },
            () = tokio::time::sleep(wait) => {}
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = led.leads() => {}
        }
        wait = match tick(&*store, &mut walk, &metrics).await {
            Ok(next) => {
                outage.over();
                next
            }
            Err(error) => outage.failed(&error),
        };
    }
}

/// Reconciles one page, from where the last one ended; answers when to come back.
pub(crate) async fn tick(store: &dyn Store, walk: &mut Walk, metrics: &Metrics) -> Result<Duration, Error> {
    let page = store.reconcile(walk.after, MIN_AGE, BATCH).await?;
    walk.after = page.next;
    if page.pushed > 0 {
        metrics.reconciled(page.pushed);
        tracing::warn!(jobs = page.pushed, "pushed jobs that were on record but not in the queue");
    }
    Ok(match page.next {
        None if std::mem::take(&mut walk.again) => MIN_AGE + LATE,
        None => super::jittered(PERIOD),
        Some(_) if page.pushed > 0 => Duration::ZERO,
        Some(_) => BREATH,
    })
}
