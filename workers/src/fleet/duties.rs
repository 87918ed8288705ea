//! What one worker of a fleet does for all.

use super::{FleetOptions, tasks::Tasks};
use crate::{
    loops::{
        adopt, approvals, archive, budgets,
        lead::{Duties, Leader},
        parked,
        prune::{self, Ages},
        reconcile,
    },
    metrics::Metrics,
    store::Store,
};
use std::sync::Arc;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Starts the tasks, and the one that asks whether this worker is the one. `returned` says that the queue was away.
pub(super) fn spawn(
    tasks: &mut Tasks,
    store: &Arc<dyn Store>,
    metrics: &Arc<Metrics>,
    worker: &str,
    options: &FleetOptions,
    returned: Arc<Notify>,
    stop: &CancellationToken,
) {
    let store = || Arc::clone(store);
    let metrics = || Arc::clone(metrics);
    let mut duties = Duties::default();

    let led = duties.add("reconcile");
    tasks.spawn("reconcile", reconcile::run(store(), metrics(), led, returned, stop.clone()));
    tasks.spawn("parked", parked::run(store(), duties.add("parked"), stop.clone()));
    for source in &options.adopt {
        let led = duties.add(format!("adopt {}", source.source));
        tasks.spawn("adopt", adopt::run(store(), source.clone(), metrics(), led, stop.clone()));
    }
    let led = duties.add("prune");
    let ages = Ages { jobs: options.prune_after.clone(), spend: options.prune_spend_after };
    tasks.spawn("prune", prune::run(store(), ages, metrics(), led, stop.clone()));
    if let Some(archiving) = &options.archiving {
        let led = duties.add("archive");
        tasks.spawn("archive", archive::run(archiving.clone(), led, stop.clone()));
    }
    let led = duties.add("budgets");
    tasks.spawn("budgets", budgets::run(store(), Arc::clone(&options.budgets), led, stop.clone()));
    tasks.spawn("approvals", approvals::run(store(), duties.add("approvals"), stop.clone()));

    let leader = Leader {
        store: store(),
        holder: worker.to_owned(),
        ttl: options.lease,
        every: options.renew_every,
        metrics: metrics(),
        duties,
    };
    tasks.spawn("lead", leader.run(stop.clone()));
}
