//! What one thread does now.

use super::{LOOK, task::Task};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// A handler that keeps its thread for so long is named in the log and in the metrics; again after twice the time.
const REPORT_AFTER: Duration = Duration::from_secs(1);

/// One thread's place.
#[derive(Default)]
pub(super) struct Seat(Mutex<Option<Turn>>);

/// A handler that has the thread.
struct Turn {
    task: Arc<Task>,
    since: Instant,
    /// Whether another thread does the work of this one.
    replaced: bool,
    /// When it is reported next.
    report: Duration,
}

impl Turn {
    fn is_reported(&self) -> bool {
        self.report > REPORT_AFTER
    }
}

impl Seat {
    /// A handler gets the thread.
    pub fn take(&self, task: &Arc<Task>) {
        let turn = Turn { task: Arc::clone(task), since: Instant::now(), replaced: false, report: REPORT_AFTER };
        *self.turn() = Some(turn);
    }

    /// The handler gave the thread back; answers whether it was replaced meanwhile.
    pub fn leave(&self) -> bool {
        let Some(turn) = self.turn().take() else { return false };
        if turn.is_reported() {
            let label = turn.task.label();
            label.metrics.unblocked();
            let blocked_ms = turn.since.elapsed().as_millis() as u64;
            tracing::info!(
                job.id = %label.job, job.kind = label.metrics.name(), blocked_ms,
                "a handler that blocked its thread let it go"
            );
        }
        turn.replaced
    }

    /// Whether a handler has had the thread for so long that nobody should wait for it.
    pub fn is_blocked(&self) -> bool {
        self.turn().as_ref().is_some_and(|turn| turn.since.elapsed() >= LOOK)
    }

    /// Reports a handler that keeps the thread too long; answers whether the thread is now to be replaced, which it is
    /// where `wanted`.
    pub fn look(&self, wanted: bool) -> bool {
        let mut turn = self.turn();
        let Some(turn) = turn.as_mut() else { return false };
        let blocked = turn.since.elapsed();
        if blocked >= turn.report {
            let label = turn.task.label();
            if !turn.is_reported() {
                label.metrics.blocked();
            }
            turn.report = blocked * 2;
            tracing::warn!(
                job.id = %label.job, job.kind = label.metrics.name(), blocked_ms = blocked.as_millis() as u64,
                "a handler blocks its thread: it should await, or use spawn_blocking"
            );
        }
        let replace = wanted && !turn.replaced && blocked >= LOOK;
        turn.replaced |= replace;
        replace
    }

    fn turn(&self) -> MutexGuard<'_, Option<Turn>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
