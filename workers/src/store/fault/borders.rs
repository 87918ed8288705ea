//! Borders that a process can die at: before and after each word with the store about a job that runs.

use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

/// Operations that run a job; each has a border before it and one after it.
const OF_A_RUN: [&str; 11] =
    ["begin_turn", "open_run", "steps", "begin", "end", "note", "branch", "hear", "append", "read", "settle"];
/// Stands for no borders left, ever.
const DEAD: usize = usize::MAX;

/// Borders of one process.
#[derive(Debug, Default)]
pub(super) struct Borders {
    /// Those that are left until death; 0 for a life without end.
    left: AtomicUsize,
    died: Notify,
}

impl Borders {
    pub(super) fn die_at(&self, border: usize) {
        self.left.store(border, Ordering::SeqCst);
    }

    pub(super) async fn died(&self) {
        self.died.notified().await;
    }

    /// Goes over a border, if anybody lives.
    pub(super) async fn cross(&self, operation: &str) {
        let counts = OF_A_RUN.contains(&operation);
        let step = |left: usize| (counts && left > 1 && left < DEAD).then(|| left - 1);
        let left = self.left.try_update(Ordering::SeqCst, Ordering::SeqCst, step).unwrap_or_else(|left| left);
        if left == DEAD || (counts && left == 1) {
            self.left.store(DEAD, Ordering::SeqCst);
            self.died.notify_one();
            std::future::pending::<()>().await;
        }
    }
}
