//! A job's way to its live output.

use crate::{
    loops::live::Said,
    store::{Lease, LiveEvent},
};
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use tokio::sync::{mpsc, oneshot};

type Unsaid = Box<(Lease, LiveEvent)>;

/// One per run, cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Voice {
    said: mpsc::Sender<Said>,
    spoke: Arc<AtomicBool>,
    /// The last thing for which there was no room, while nothing newer was said.
    unsaid: Arc<Mutex<Option<Unsaid>>>,
}

impl Voice {
    /// The voice of a run that said nothing yet.
    pub fn new(said: mpsc::Sender<Said>) -> Self {
        Self { said, spoke: Arc::default(), unsaid: Arc::default() }
    }

    /// Says it if there is room; if not, it is said at the end, unless something newer of its sort is.
    pub fn try_say(&self, lease: &Lease, event: LiveEvent) {
        self.spoke.store(true, Ordering::SeqCst);
        let event = Box::new((lease.clone(), event));
        let mut unsaid = self.unsaid.lock().unwrap_or_else(PoisonError::into_inner);
        *unsaid = match self.said.try_reserve() {
            Ok(place) => {
                place.send(Said::Event(event));
                None
            }
            Err(_) => Some(event),
        };
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
        let unsaid = self.unsaid.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(event) = unsaid {
            let _ = self.said.send(Said::Event(event)).await;
        }
        let (done, flushed) = oneshot::channel();
        if self.said.send(Said::Flush(done)).await.is_ok() {
            let _ = flushed.await;
        }
    }
}
