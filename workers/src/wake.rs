//! What the claiming loop waits for: news that one of its queues may have work.

use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// News per queue. Kept until taken, so what comes between two claims is not lost.
#[derive(Debug)]
pub(crate) struct Wake {
    queues: Vec<(String, AtomicBool)>,
    bell: Notify,
}

impl Wake {
    /// For these queues. At first there is news of every one.
    pub fn new<'a>(queues: impl Iterator<Item = &'a str>) -> Self {
        Self { queues: queues.map(|q| (q.to_owned(), AtomicBool::new(true))).collect(), bell: Notify::new() }
    }

    /// A queue may have work; does nothing for one that is not ours.
    pub fn queue(&self, name: &str) {
        if let Some((_, news)) = self.queues.iter().find(|(n, _)| n == name) {
            news.store(true, Ordering::SeqCst);
            self.bell.notify_one();
        }
    }

    /// Any queue may have work.
    pub fn all(&self) {
        for (_, news) in &self.queues {
            news.store(true, Ordering::SeqCst);
        }
        self.bell.notify_one();
    }

    /// Takes the news: opens the queues there was news of, leaves the others as they are.
    pub fn take(&self, open: &mut [bool]) {
        for ((_, news), open) in self.queues.iter().zip(open) {
            *open |= news.swap(false, Ordering::SeqCst);
        }
    }

    /// Returns when there may be news that was not taken.
    pub async fn news(&self) {
        self.bell.notified().await;
    }
}
