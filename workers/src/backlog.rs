//! How much is finished but not yet on record, so that claiming stops before memory does.

use std::{
    future::Future,
    sync::atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Notify;

/// Results that wait for the store.
#[derive(Debug)]
pub(crate) struct Backlog {
    results: AtomicUsize,
    bytes: AtomicUsize,
    full_bytes: usize,
    fell: Notify,
}

impl Backlog {
    /// Nothing waits; there is no more room when so many bytes of output do.
    pub fn new(full_bytes: usize) -> Self {
        Self { results: AtomicUsize::new(0), bytes: AtomicUsize::new(0), full_bytes, fell: Notify::new() }
    }

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

    /// Returns when there is room for more output.
    pub fn has_room(&self) -> impl Future<Output = ()> + Send + '_ {
        self.until(|b| b.bytes.load(Ordering::SeqCst) < b.full_bytes)
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
