//! How much is finished but not yet on record, so that claiming stops before memory does.

use std::{
    future::Future,
    sync::atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Notify;

/// Results that wait for the store.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    results: AtomicUsize,
    bytes: AtomicUsize,
    fell: Notify,
}

impl Backlog {
    /// Most results that wait.
    pub const MAX_RESULTS: usize = 10_000;
    /// Claiming stops at this many.
    const FULL_RESULTS: usize = Self::MAX_RESULTS / 2;
    /// And at this many bytes of output.
    const FULL_BYTES: usize = 64 * 1024 * 1024;

    /// A result of that size waits.
    pub fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::SeqCst);
        self.results.fetch_add(1, Ordering::SeqCst);
    }

    /// So many results, of that size together, wait no more.
    pub fn take(&self, results: usize, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::SeqCst);
        self.results.fetch_sub(results, Ordering::SeqCst);
        self.fell.notify_waiters();
    }

    /// Nothing waits any more: what did is given up.
    pub fn forget(&self) {
        self.bytes.store(0, Ordering::SeqCst);
        self.results.store(0, Ordering::SeqCst);
        self.fell.notify_waiters();
    }

    /// How many results wait.
    pub fn results(&self) -> usize {
        self.results.load(Ordering::SeqCst)
    }

    /// Returns when there is room for more work.
    pub fn has_room(&self) -> impl Future<Output = ()> + Send + '_ {
        self.until(|b| b.results() < Self::FULL_RESULTS && b.bytes.load(Ordering::SeqCst) < Self::FULL_BYTES)
    }

    /// Returns when nothing waits.
    pub fn is_empty(&self) -> impl Future<Output = ()> + Send + '_ {
        self.until(|b| b.results() == 0)
    }

    async fn until(&self, holds: impl Fn(&Self) -> bool + Send) {
        loop {
            let fell = self.fell.notified();
            tokio::pin!(fell);
            fell.as_mut().enable();
            if holds(self) {
                return;
            }
            fell.await;
        }
    }
}
