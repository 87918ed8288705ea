//! Renews every lease held here, whatever the handlers and the claiming loop do meanwhile.

use super::Outage;
use crate::{
    held::{Held, Run},
    metrics::Metrics,
    store::{Error, Lease, Renewal, Store},
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

/// Most leases in one call.
const BATCH: usize = 1_000;

pub(crate) struct Renewer {
    pub store: Arc<dyn Store>,
    pub held: Arc<Held>,
    pub metrics: Arc<Metrics>,
    pub lease: Duration,
    pub every: Duration,
    pub now: Arc<Notify>,
}

impl Renewer {
    /// Renews until `stop`, which comes only when nothing is held any more.
    pub async fn run(self, stop: CancellationToken) {
        let mut outage = Outage::new("renew");
        let mut last = Instant::now();
        let mut wait = self.every;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                _ = timeout(wait, self.now.notified()) => {}
            }
            wait = match tick(&*self.store, &self.held, self.lease, &self.metrics).await {
                Ok(()) => {
                    outage.over();
                    last = Instant::now();
                    self.every
                }
                Err(error) => {
                    // The jobs run on: the record refuses a result whose job went to someone else.
                    if last.elapsed() > self.lease {
                        tracing::debug!(%error, "leases may have run out while the store did not answer");
                    }
                    outage.failed(&error).min(self.every)
                }
            };
        }
    }
}

/// Renews everything held, and tells the handlers whose lease is lost or whose job is to be cancelled.
pub(crate) async fn tick(store: &dyn Store, held: &Held, ttl: Duration, metrics: &Metrics) -> Result<(), Error> {
    for runs in held.all().chunks(BATCH) {
        let leases: Vec<Lease> = runs.iter().map(|run| run.lease.clone()).collect();
        let renewals = store.renew(&leases, ttl).await?;
        for (run, renewal) in runs.iter().zip(renewals) {
            apply(run, renewal, metrics);
        }
    }
    Ok(())
}

fn apply(run: &Run, renewal: Renewal, metrics: &Metrics) {
    if renewal != Renewal::Lost {
        metrics.lease_renewed();
    }
    if run.heard(renewal) {
        metrics.lease_lost();
        tracing::warn!(job.id = %run.lease.job(), "a lease was lost: another worker may run the job, this run ends");
    }
}
