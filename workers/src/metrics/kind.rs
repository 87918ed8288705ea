//! The metrics of one kind, looked up once rather than per job.

use crate::store::{End, Settled};
use flotilla_jobs::JobState;
use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};
use tokio::time::Instant;

/// What is counted of handlers that do not do as they should.
pub(super) struct Stuck {
    pub blocking: IntGaugeVec,
    pub total: IntCounterVec,
}

/// Counters and histograms of one kind.
#[derive(Debug)]
pub struct KindMetrics {
    completed: IntCounter,
    failed: IntCounter,
    cancelled: IntCounter,
    retried: IntCounter,
    snoozed: IntCounter,
    handed_over: IntCounter,
    paused: IntCounter,
    lost: IntCounter,
    wait: Histogram,
    run: Histogram,
    running: IntGauge,
    name: &'static str,
    quarantined: IntCounter,
    blocking: IntGauge,
    blocked: IntCounter,
    ignored: IntCounter,
}

/// A handler that runs; its end is when this is dropped.
pub(crate) struct Running<'a> {
    metrics: &'a KindMetrics,
    since: Instant,
}

impl KindMetrics {
    pub(super) fn new(
        kind: &'static str,
        runs: &IntCounterVec,
        wait: &HistogramVec,
        run: &HistogramVec,
        running: IntGauge,
        stuck: &Stuck,
    ) -> Self {
        let outcome = |outcome: &str| runs.with_label_values(&[kind, outcome]);
        Self {
            completed: outcome("completed"),
            failed: outcome("failed"),
            cancelled: outcome("cancelled"),
            retried: outcome("retried"),
            snoozed: outcome("snoozed"),
            handed_over: outcome("handed_over"),
            paused: outcome("paused"),
            lost: outcome("lost"),
            wait: wait.with_label_values(&[kind]),
            run: run.with_label_values(&[kind]),
            running,
            name: kind,
            quarantined: outcome("quarantined"),
            blocking: stuck.blocking.with_label_values(&[kind]),
            blocked: stuck.total.with_label_values(&[kind, "blocked_thread"]),
            ignored: stuck.total.with_label_values(&[kind, "ignored_end"]),
        }
    }

    /// The kind.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// A handler has kept its thread too long.
    pub(crate) fn blocked(&self) {
        self.blocked.inc();
        self.blocking.inc();
    }

    /// It let it go.
    pub(crate) fn unblocked(&self) {
        self.blocking.dec();
    }

    /// A handler did not return in time after it was told to end.
    pub(crate) fn ignored(&self) {
        self.ignored.inc();
    }

    /// A handler starts, on a job that was claimed so long after it became ready.
    pub(crate) fn start(&self, waited_ms: i64) -> Running<'_> {
        self.wait.observe(waited_ms.max(0) as f64 / 1_000.0);
        self.running.inc();
        Running { metrics: self, since: Instant::now() }
    }

    /// A run's lease was lost while it ran.
    pub(crate) fn lost(&self) {
        self.lost.inc();
    }

    /// A run was settled so.
    pub(super) fn settled(&self, end: &End, settled: Settled) {
        let counter = match (settled, end) {
            (Settled::LeaseLost, _) => &self.lost,
            (Settled::Recorded(JobState::Completed), _) => &self.completed,
            (Settled::Recorded(JobState::Failed), _) => &self.failed,
            (Settled::Recorded(JobState::Cancelled), _) => &self.cancelled,
            (Settled::Recorded(JobState::Quarantined), _) => &self.quarantined,
            (Settled::Recorded(_), End::Retry(..)) => &self.retried,
            (Settled::Recorded(_), End::HandedOver) => &self.handed_over,
            (Settled::Recorded(_), End::Paused(_)) => &self.paused,
            (Settled::Recorded(_), _) => &self.snoozed,
        };
        counter.inc();
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.metrics.run.observe(self.since.elapsed().as_secs_f64());
        self.metrics.running.dec();
    }
}
