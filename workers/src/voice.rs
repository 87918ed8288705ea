//! A job's way to its live output.

use crate::{
    loops::live::Said,
    store::{Lease, LiveEvent},
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::sync::{mpsc, oneshot};

/// One per run, cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Voice {
    said: mpsc::Sender<Said>,
    spoke: Arc<AtomicBool>,
}

impl Voice {
    /// The voice of a run that said nothing yet.
    pub fn new(said: mpsc::Sender<Said>) -> Self {
        Self { said, spoke: Arc::default() }
    }

    /// Says it if there is room.
    pub fn try_say(&self, lease: &Lease, event: LiveEvent) {
        if let Ok(place) = self.said.try_reserve() {
            self.spoke.store(true, Ordering::SeqCst);
            place.send(Said::Event(Box::new((lease.clone(), event))));
        }
    }

    /// Says it when there is room; answers whether anyone listens.
    pub async fn say(&self, lease: &Lease, event: LiveEvent) -> bool {
        self.spoke.store(true, Ordering::SeqCst);
        self.said.send(Said::Event(Box::new((lease.clone(), event)))).await.is_ok()
    }

    /// Returns once everything this run said is in the store: with the result its lease ends, and what comes later
    /// is dropped.
    pub async fn flush(&self) {
        if !self.spoke.load(Ordering::SeqCst) {
            return;
        }
        let (done, flushed) = oneshot::channel();
        if self.said.send(Said::Flush(done)).await.is_ok() {
            let _ = flushed.await;
        }
    }
}
