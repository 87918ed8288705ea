//! Every metric: its name, its help, its labels. All start with `flotilla_` and count in base units.
//!
//! Labels stay few: kinds come from the registry, queues from the store, the rest from fixed lists.

mod agents;
mod archive;
mod kind;

pub use agents::{AgentMetrics, CallEnded};
pub use archive::ArchiveEvent;
pub use kind::KindMetrics;

use crate::store::{End, QueueStats, Settled};
use flotilla_jobs::{Cause, JobState};
use kind::Stuck;
use prometheus::{
    Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder, core::Collector, process_collector::ProcessCollector,
};
use std::{sync::Arc, time::Duration};

/// From a no-op to an agent that works for an hour, in seconds.
const JOB_SECONDS: &[f64] = &[0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0];
/// From a call on the same machine to one that timed out, in seconds.
const CALL_SECONDS: &[f64] = &[0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// All metrics of a process.
pub struct Metrics {
    registry: Registry,
    runs: IntCounterVec,
    attempts: IntCounterVec,
    wait: HistogramVec,
    run: HistogramVec,
    running: IntGauge,
    stuck: Stuck,
    slots: IntGauge,
    unrecorded: IntGauge,
    leases: IntCounterVec,
    reconciled: IntCounter,
    adopted: IntCounterVec,
    pruned: IntCounter,
    leads: IntGaugeVec,
    queue_jobs: IntGaugeVec,
    queue_oldest: GaugeVec,
    queue_paused: IntGaugeVec,
    queue_parked: IntGaugeVec,
    store_calls: HistogramVec,
    store_errors: IntCounterVec,
    damage: IntCounter,
    pool: IntGaugeVec,
    archive: archive::ArchiveMetrics,
    agents: Arc<AgentMetrics>,
}

impl Metrics {
    /// Fresh metrics, all at zero.
    pub fn new() -> Arc<Self> {
        let registry = Registry::new();
        let r = &registry;
        let build = Gauge::with_opts(
            Opts::new("flotilla_build_info", "Always 1; the labels say what runs.")
                .const_label("version", env!("CARGO_PKG_VERSION")),
        );
        add(r, build).set(1.0);
        // Absent where the platform has no /proc.
        let _ = registry.register(Box::new(ProcessCollector::for_self()));
        Arc::new(Self {
            runs: counters(r, "flotilla_jobs_total", "Runs of jobs that ended, by how.", &["kind", "outcome"]),
            attempts: counters(
                r,
                "flotilla_attempts_total",
                "Runs of jobs that ended without a final result, by cause; `failure` alone spends attempts.",
                &["cause"],
            ),
            wait: histograms(
                r,
                "flotilla_job_wait_seconds",
                "From the time a job became ready until a worker claimed it.",
                &["kind"],
                JOB_SECONDS,
            ),
            run: histograms(r, "flotilla_job_run_seconds", "How long handlers ran.", &["kind"], JOB_SECONDS),
            running: gauge(r, "flotilla_jobs_running", "Jobs whose handler runs in this process."),
            stuck: stuck(r),
            slots: gauge(r, "flotilla_slots", "Most jobs that run in this process at once."),
            unrecorded: gauge(r, "flotilla_results_unrecorded", "Runs that ended and are not yet on record."),
            leases: counters(
                r,
                "flotilla_leases_total",
                "Leases renewed, lost to someone else while the job ran, and taken back from other workers.",
                &["event"],
            ),
            reconciled: counter(
                r,
                "flotilla_jobs_reconciled_total",
                "Jobs on record that the queue had lost and that were pushed again.",
            ),
            adopted: counters(
                r,
                "flotilla_jobs_adopted_total",
                "Jobs taken over from stock apalis-redis producers.",
                &["kind"],
            ),
            pruned: counter(r, "flotilla_jobs_pruned_total", "Ended jobs deleted because of their age."),
            leads: gauges(
                r,
                "flotilla_leads",
                "1 where this process does for the fleet what one of its workers has to do, 0 where another one does.",
                &["duty"],
            ),
            queue_parked: gauges(
                r,
                "flotilla_queue_waiting_for_worker",
                "Pending jobs of a queue that wait for a worker which knows their kind, fleet-wide.",
                &["queue"],
            ),
            queue_jobs: gauges(r, "flotilla_queue_jobs", "Jobs in a queue, fleet-wide.", &["queue", "state"]),
            queue_oldest: add(
                r,
                GaugeVec::new(
                    Opts::new(
                        "flotilla_queue_oldest_seconds",
                        "For how long the longest-waiting job of a queue has been in this state, fleet-wide.",
                    ),
                    &["queue", "state"],
                ),
            ),
            queue_paused: gauges(r, "flotilla_queue_paused", "1 where a queue hands out nothing.", &["queue"]),
            store_calls: histograms(
                r,
                "flotilla_store_call_seconds",
                "Time of calls to the store, whether they worked or not.",
                &["store", "operation"],
                CALL_SECONDS,
            ),
            store_errors: counters(
                r,
                "flotilla_store_errors_total",
                "Calls to the store that failed.",
                &["store", "operation"],
            ),
            damage: counter(
                r,
                "flotilla_store_unreadable_total",
                "Things met in the store that cannot be what they say; the log names each and what was done about it.",
            ),
            pool: gauges(r, "flotilla_store_pool_connections", "Connections of a pool.", &["pool", "state"]),
            archive: archive::ArchiveMetrics::new(r),
            agents: AgentMetrics::new(r),
            registry,
        })
    }

    /// All of them, as Prometheus reads them.
    pub fn render(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_else(|error| {
            tracing::error!(%error, "metrics cannot be rendered");
            String::new()
        })
    }

    /// The state of every queue, fleet-wide; queues that are gone disappear.
    pub fn collect_queues(&self, queues: &[QueueStats]) {
        self.queue_jobs.reset();
        self.queue_oldest.reset();
        self.queue_paused.reset();
        self.queue_parked.reset();
        for q in queues {
            let counts = [
                (JobState::Scheduled, q.scheduled),
                (JobState::Pending, q.pending),
                (JobState::Running, q.running),
                (JobState::Paused, q.paused_jobs),
            ];
            for (state, count) in counts {
                self.queue_jobs.with_label_values(&[q.name.as_str(), state.as_str()]).set(count as i64);
            }
            let oldest = q.oldest_pending_ms.unwrap_or(0) as f64 / 1_000.0;
            self.queue_oldest.with_label_values(&[q.name.as_str(), JobState::Pending.as_str()]).set(oldest);
            self.queue_paused.with_label_values(&[q.name.as_str()]).set(i64::from(q.paused));
            // Not by kind: anyone can invent names.
            let parked: u64 = q.waiting_for_worker.values().sum();
            self.queue_parked.with_label_values(&[q.name.as_str()]).set(parked as i64);
        }
    }

    /// Connections in use and open, as [`Store::pools`](crate::store::Store::pools) answers them.
    pub fn collect_pools(&self, pools: &[(&'static str, u32, u32)]) {
        for (pool, in_use, open) in pools {
            self.pool.with_label_values(&[*pool, "in_use"]).set(i64::from(*in_use));
            self.pool.with_label_values(&[*pool, "open"]).set(i64::from(*open));
        }
    }

    /// What [`Store::damage`](crate::store::Store::damage) answers.
    pub fn collect_damage(&self, met: u64) {
        self.damage.inc_by(met.saturating_sub(self.damage.get()));
    }

    /// Those of agents.
    pub fn agents(&self) -> Arc<AgentMetrics> {
        Arc::clone(&self.agents)
    }

    pub(crate) fn kind(&self, kind: &'static str) -> Arc<KindMetrics> {
        Arc::new(KindMetrics::new(kind, &self.runs, &self.wait, &self.run, self.running.clone(), &self.stuck))
    }

    pub(crate) fn slots(&self, slots: usize) {
        self.slots.set(slots as i64);
    }

    pub(crate) fn unrecorded(&self, results: usize) {
        self.unrecorded.set(results as i64);
    }

    pub(crate) fn settled(&self, kind: &KindMetrics, end: &End, settled: Settled) {
        kind.settled(end, settled);
        if let (Settled::Recorded(_), Some(cause)) = (settled, end.cause()) {
            self.attempts.with_label_values(&[cause.as_str()]).inc();
        }
    }

    pub(crate) fn lease_renewed(&self) {
        self.leases.with_label_values(&["renewed"]).inc();
    }

    pub(crate) fn lease_lost(&self) {
        self.leases.with_label_values(&["lost"]).inc();
    }

    pub(crate) fn lease_rescued(&self) {
        self.leases.with_label_values(&["rescued"]).inc();
        self.attempts.with_label_values(&[Cause::Crash.as_str()]).inc();
    }

    pub(crate) fn adopted(&self, kind: &str, jobs: u32) {
        self.adopted.with_label_values(&[kind]).inc_by(u64::from(jobs));
    }

    pub(crate) fn reconciled(&self, jobs: u32) {
        self.reconciled.inc_by(u64::from(jobs));
    }

    pub(crate) fn pruned(&self, jobs: u32) {
        self.pruned.inc_by(u64::from(jobs));
    }

    pub(crate) fn leads(&self, duty: &str, leads: bool) {
        self.leads.with_label_values(&[duty]).set(i64::from(leads));
    }

    pub(crate) fn store_call(&self, store: &str, operation: &str, took: Duration, worked: bool) {
        self.store_calls.with_label_values(&[store, operation]).observe(took.as_secs_f64());
        if !worked {
            self.store_errors.with_label_values(&[store, operation]).inc();
        }
    }
}

fn stuck(r: &Registry) -> Stuck {
    Stuck {
        blocking: gauges(
            r,
            "flotilla_handlers_blocking",
            "Handlers that have kept a thread for more than a second and still do.",
            &["kind"],
        ),
        total: counters(
            r,
            "flotilla_handlers_stuck_total",
            "Handlers that kept a thread for more than a second, and handlers that did not return in time after \
             they were told to end.",
            &["kind", "how"],
        ),
    }
}

fn counter(r: &Registry, name: &str, help: &str) -> IntCounter {
    add(r, IntCounter::new(name, help))
}

fn counters(r: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    add(r, IntCounterVec::new(Opts::new(name, help), labels))
}

fn gauge(r: &Registry, name: &str, help: &str) -> IntGauge {
    add(r, IntGauge::new(name, help))
}

fn gauges(r: &Registry, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    add(r, IntGaugeVec::new(Opts::new(name, help), labels))
}

fn histograms(r: &Registry, name: &str, help: &str, labels: &[&str], buckets: &[f64]) -> HistogramVec {
    add(r, HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), labels))
}

/// Names are constants of this file, so that they are legal and differ is checked by every test that makes metrics.
fn add<C: Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<C>) -> C {
    let metric = made.expect("the metric's name and labels are legal");
    registry.register(Box::new(metric.clone())).expect("the metric's name is its own");
    metric
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_its_prefix_and_a_help() {
        let metrics = Metrics::new();
        metrics.collect_queues(&[QueueStats { name: "default".into(), pending: 3, ..QueueStats::default() }]);
        metrics.collect_pools(&[("postgres", 2, 8)]);
        let text = metrics.render();
        for line in text.lines().filter(|line| line.starts_with("# HELP")) {
            let mut words = line.split(' ').skip(2);
            let name = words.next().unwrap();
            assert!(name.starts_with("flotilla_") || name.starts_with("process_"), "{name}");
            assert!(words.next().is_some(), "{name} has no help");
        }
        assert!(text.contains(r#"flotilla_queue_jobs{queue="default",state="pending"} 3"#), "{text}");
        assert!(text.contains(r#"flotilla_store_pool_connections{pool="postgres",state="open"} 8"#));
        assert!(text.contains("flotilla_build_info{version="));
    }

    #[test]
    fn a_queue_that_is_gone_disappears() {
        let metrics = Metrics::new();
        metrics.collect_queues(&[QueueStats { name: "old".into(), ..QueueStats::default() }]);
        metrics.collect_queues(&[]);
        assert!(!metrics.render().contains("queue=\"old\""));
    }
}
