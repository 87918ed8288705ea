//! A worker process: a store, a registry and options in; run until told to stop; a report out.

mod duties;
mod options;
mod shutdown;
mod tasks;

pub use crate::{loops::archive::Archiving, tally::Report};
pub use options::{FleetOptions, QueueWeight};

use crate::{
    apalis as adapter,
    crew::Crew,
    executor::{Executor, Kinds, Suspects},
    loops::shares::Shares,
    loops::{claim::Claimer, flush::Flusher, listen::Listener, live, promote, renew::Renewer, rescue},
    metrics::Metrics,
    registry::Registry,
    store::Store,
    tally::Tally,
    wake::Wake,
};
use shutdown::Shutdown;
use std::sync::Arc;
use tasks::Tasks;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Runs jobs of some queues. It owns every task it starts: when [`Fleet::run`] has returned, none is left.
pub struct Fleet {
    store: Arc<dyn Store>,
    registry: Registry,
    metrics: Arc<Metrics>,
    options: FleetOptions,
}

impl Fleet {
    /// A fleet that does not run yet.
    pub fn new(store: Arc<dyn Store>, registry: Registry, metrics: Arc<Metrics>, options: FleetOptions) -> Self {
        Self { store, registry, metrics, options }
    }

    /// Runs jobs until `stop`, or until [`FleetOptions::hard_stop`].
    ///
    /// After `stop` no job is claimed. Running jobs get [`FleetOptions::drain_timeout`] to finish; what still runs
    /// then is asked to return at its next safe point, and a little later is given back to its queue without having
    /// spent an attempt. Results are recorded and leases renewed until the end.
    pub async fn run(self, stop: CancellationToken) -> Report {
        let Self { store, registry, metrics, options } = self;
        let concurrency = options.concurrency.max(1);
        let worker = format!("{}-{:08x}", options.worker, rand::random::<u32>());
        let shares = Shares::new(&options.queues);
        let queues: Vec<String> = shares.names().map(str::to_owned).collect();
        tracing::info!(worker, concurrency, ?queues, "the fleet starts");

        let Some(crew) = Crew::start() else { return Report::default() };
        let draining = stop.child_token();
        let shutdown = Shutdown::new(&options, draining.clone(), concurrency);
        let Shutdown { slots, backlog, held, .. } = &shutdown;
        let tally = Arc::new(Tally::default());
        let wake = Arc::new(Wake::new(shares.names()));
        let (work_in, work_out) = mpsc::channel(concurrency);
        let (finished_in, finished_out) = mpsc::channel(held.most());
        let (said_in, said_out) = mpsc::channel(live::CAPACITY);
        metrics.slots(concurrency);

        // The tasks that keep what is running safe outlive those that bring new work.
        let mut keeping = Tasks::default();
        let listener = Listener::new(Arc::clone(&wake), Arc::clone(held));
        let (renew_now, reconcile_now) = (Arc::clone(&listener.renew_now), Arc::clone(&listener.reconcile_now));
        keeping.spawn("listen", listener.run(Arc::clone(&store), store.signals(), shutdown.over.clone()));
        let renewer = Renewer {
            store: Arc::clone(&store),
            held: Arc::clone(held),
            metrics: Arc::clone(&metrics),
            lease: options.lease,
            every: options.renew_every,
            now: renew_now,
        };
        keeping.spawn("renew", renewer.run(shutdown.over.clone()));
        let flusher = Flusher {
            store: Arc::clone(&store),
            held: Arc::clone(held),
            backlog: Arc::clone(backlog),
            tally: Arc::clone(&tally),
            metrics: Arc::clone(&metrics),
            give_up: shutdown.give_up.clone(),
        };
        keeping.spawn("flush", flusher.run(finished_out));
        keeping.spawn("live", live::run(Arc::clone(&store), said_out, shutdown.give_up.clone()));

        keeping.spawn("watch", crew.watch(shutdown.over.clone()));

        let executor = Arc::new(Executor {
            kinds: Kinds::new(&registry, &metrics),
            held: Arc::clone(held),
            backlog: Arc::clone(backlog),
            finished: finished_in,
            said: said_in,
            tally: Arc::clone(&tally),
            crew: Arc::clone(&crew),
            suspects: Suspects::new(options.isolation.clone()),
            traces: options.traces.clone(),
            grace: options.grace,
            draining: draining.clone(),
            stopping: shutdown.stopping.clone(),
            abort: shutdown.abort.clone(),
        });
        let mut working = Tasks::default();
        working.spawn("apalis", {
            let ended = adapter::run(&worker, concurrency, work_out, Arc::clone(backlog), executor);
            async move {
                if let Err(error) = ended.await {
                    tracing::error!(%error, "the worker ended by itself");
                }
            }
        });

        let mut bringing = Tasks::default();
        let claimer = Claimer {
            store: Arc::clone(&store),
            worker: worker.clone(),
            kinds: registry.kinds().collect(),
            shares,
            wake,
            lease: options.lease,
            poll: options.poll,
            slots: Arc::clone(slots),
            backlog: Arc::clone(backlog),
            held: Arc::clone(held),
            out: work_in,
        };
        bringing.spawn("claim", claimer.run(draining.clone()));
        bringing.spawn("promote", promote::run(Arc::clone(&store), queues.clone(), draining.clone()));
        bringing.spawn(
            "rescue",
            rescue::run(Arc::clone(&store), queues, options.lease, Arc::clone(&metrics), draining.clone()),
        );
        duties::spawn(&mut bringing, &store, &metrics, &worker, &options, reconcile_now, &draining);

        shutdown.run(bringing, working, keeping).await;
        crew.close().await;
        let report = tally.report();
        tracing::info!(worker, ?report, "the fleet has ended");
        report
    }
}
