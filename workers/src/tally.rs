//! What a fleet did, counted for its report.

use crate::store::{End, Settled};
use flotilla_jobs::JobState;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How many runs ended how, from start to end of a fleet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Jobs that ended with an output.
    pub completed: u64,
    /// Jobs that ended with a fault.
    pub failed: u64,
    /// Failed attempts that will be made again.
    pub retried: u64,
    /// Jobs that ended on request.
    pub cancelled: u64,
    /// Runs given back at shutdown, unspent.
    pub handed_over: u64,
    /// Runs whose lease was lost, and their result with it.
    pub lost: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Tally {
    completed: AtomicU64,
    failed: AtomicU64,
    retried: AtomicU64,
    cancelled: AtomicU64,
    handed_over: AtomicU64,
    lost: AtomicU64,
}

impl Tally {
    /// A run was settled so. What is on record decides: a retry of a job that someone cancelled is a cancel.
    pub fn count(&self, end: &End, settled: Settled) {
        let count = match (settled, end) {
            (Settled::LeaseLost, _) => &self.lost,
            (Settled::Recorded(JobState::Completed), _) => &self.completed,
            (Settled::Recorded(JobState::Failed), _) => &self.failed,
            (Settled::Recorded(JobState::Cancelled), _) => &self.cancelled,
            (Settled::Recorded(_), End::Retry(..)) => &self.retried,
            (Settled::Recorded(_), End::HandedOver) => &self.handed_over,
            (Settled::Recorded(_), _) => return,
        };
        count.fetch_add(1, Relaxed);
    }

    /// A run's lease was lost while it ran, so there was nothing to settle.
    pub fn lost(&self) {
        self.lost.fetch_add(1, Relaxed);
    }

    /// The counts so far.
    pub fn report(&self) -> Report {
        Report {
            completed: self.completed.load(Relaxed),
            failed: self.failed.load(Relaxed),
            retried: self.retried.load(Relaxed),
            cancelled: self.cancelled.load(Relaxed),
            handed_over: self.handed_over.load(Relaxed),
            lost: self.lost.load(Relaxed),
        }
    }
}
