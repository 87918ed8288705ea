//! Passes the store's signals on: work to the claiming loop, cancels to the jobs held here.

use crate::{
    held::Held,
    store::{Signal, Store},
    wake::Wake,
};
use std::sync::Arc;
use tokio::sync::{
    Notify,
    broadcast::{Receiver, error::RecvError},
};
use tokio_util::sync::CancellationToken;

pub(crate) struct Listener {
    pub wake: Arc<Wake>,
    pub held: Arc<Held>,
    /// Rung to renew at once: the answers say which cancels were missed.
    pub renew_now: Arc<Notify>,
    /// Rung when the queue was away: it may have lost jobs.
    pub reconcile_now: Arc<Notify>,
}

impl Listener {
    /// Rings what does not exist yet.
    pub fn new(wake: Arc<Wake>, held: Arc<Held>) -> Self {
        Self { wake, held, renew_now: Arc::default(), reconcile_now: Arc::default() }
    }

    /// Listens until `stop`. `signals` was taken before the first claim, so nothing falls between the two.
    pub async fn run(self, store: Arc<dyn Store>, mut signals: Receiver<Signal>, stop: CancellationToken) {
        loop {
            let signal = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                signal = signals.recv() => signal,
            };
            match signal {
                Ok(signal) => self.pass(&signal),
                Err(RecvError::Lagged(_)) => self.pass(&Signal::Resync),
                Err(RecvError::Closed) => signals = self.again(&store, &stop).await,
            }
        }
    }

    fn pass(&self, signal: &Signal) {
        match signal {
            Signal::Work(queue) => self.wake.queue(queue),
            Signal::Cancel(job) => self.held.cancel(*job),
            Signal::Changed(_) => {}
            Signal::Returned => self.reconcile_now.notify_one(),
            Signal::Resync => {
                self.wake.all();
                self.renew_now.notify_one();
            }
        }
    }

    /// A store that ended its signals may start new ones; the slow polls serve meanwhile.
    async fn again(&self, store: &Arc<dyn Store>, stop: &CancellationToken) -> Receiver<Signal> {
        let _ = tokio::time::timeout(super::Outage::LONGEST, stop.cancelled()).await;
        store.signals()
    }
}
