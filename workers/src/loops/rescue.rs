//! Takes back the jobs of workers that died, froze or were cut off.
//!
//! Every worker does it, for the queues it serves: it must be prompt, whoever died. A job is taken back once, since the
//! store takes its lease over before anything else happens.

use crate::{
    metrics::Metrics,
    store::{Error, Store},
};
use flotilla_jobs::JobState;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

const BATCH: u32 = 500;

/// Rescues every fifth of a lease until `stop`: a lease that was renewed right before its worker died ends 15 s later by
/// default, and the job is to run again within 20 s.
pub(crate) async fn run(
    store: Arc<dyn Store>,
    queues: Vec<String>,
    lease: Duration,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
) {
    let period = lease / 5;
    super::every("rescue", super::first(period), &stop, || tick(&*store, &queues, period, &metrics)).await;
}

/// Rescues one batch; answers when to come back.
pub(crate) async fn tick(
    store: &dyn Store,
    queues: &[String],
    period: Duration,
    metrics: &Metrics,
) -> Result<Duration, Error> {
    let rescued = store.rescue(queues, BATCH).await?;
    for job in &rescued {
        metrics.lease_rescued();
        match job.state {
            JobState::Quarantined => tracing::error!(
                job.id = %job.job, worker = job.worker,
                "quarantined: the job lost its worker twice; retry it by hand once the cause is known"
            ),
            state => tracing::warn!(
                job.id = %job.job, worker = job.worker, %state,
                "took a job back: its worker's lease ran out"
            ),
        }
    }
    Ok(if rescued.len() >= BATCH as usize { Duration::ZERO } else { super::jittered(period) })
}
