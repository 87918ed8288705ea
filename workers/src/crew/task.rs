//! One handler on its way over the threads.

use super::Shared;
use crate::metrics::KindMetrics;
use flotilla_jobs::JobId;
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};
use tokio::sync::oneshot;

/// What it says about the outside.
pub(crate) struct Label {
    pub job: JobId,
    pub metrics: Arc<KindMetrics>,
}

/// Not ready: whoever wakes it queues it.
const WAITS: u8 = 0;
/// In the line for a thread.
const QUEUED: u8 = 1;
/// On a thread.
const RUNS: u8 = 2;
/// On a thread, and woken meanwhile: it goes back into the line.
const RUNS_AGAIN: u8 = 3;
/// Gone.
const ENDED: u8 = 4;

/// A handler, as the threads pass it around. Only the thread that took it out of the line touches its future.
pub(crate) struct Task {
    state: AtomicU8,
    dropped: AtomicBool,
    future: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    label: Label,
    shared: Arc<Shared>,
}

impl Task {
    pub(super) fn new(
        future: Pin<Box<dyn Future<Output = ()> + Send>>,
        label: Label,
        shared: Arc<Shared>,
    ) -> Arc<Self> {
        let (state, dropped) = (AtomicU8::new(WAITS), AtomicBool::new(false));
        Arc::new(Self { state, dropped, future: Mutex::new(Some(future)), label, shared })
    }

    pub(super) fn label(&self) -> &Label {
        &self.label
    }

    /// Lets it go on until it waits or ends.
    pub(super) fn run(self: &Arc<Self>) {
        self.state.store(RUNS, Ordering::SeqCst);
        // A destructor that panics must not end the thread; what a handler says when it panics was caught before.
        if catch_unwind(AssertUnwindSafe(|| self.step())).unwrap_or(true) {
            self.state.store(ENDED, Ordering::SeqCst);
            self.shared.ended();
            return;
        }
        if self.state.compare_exchange(RUNS, WAITS, Ordering::SeqCst, Ordering::SeqCst).is_err() {
            self.state.store(QUEUED, Ordering::SeqCst);
            self.shared.ready(Arc::clone(self));
        }
    }

    /// Answers whether it has ended.
    fn step(self: &Arc<Self>) -> bool {
        let mut future = self.future.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(running) = future.as_mut() else { return true };
        let ended = self.dropped.load(Ordering::SeqCst) || {
            let waker = Waker::from(Arc::clone(self));
            matches!(running.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Ready(()))
        };
        if ended {
            *future = None;
        }
        ended
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let next = |state| match state {
            WAITS => Some(QUEUED),
            RUNS => Some(RUNS_AGAIN),
            _ => None,
        };
        if self.state.try_update(Ordering::SeqCst, Ordering::SeqCst, next) == Ok(WAITS) {
            let shared = Arc::clone(&self.shared);
            shared.ready(self);
        }
    }
}

/// A handler's owner: dropping it drops the handler, at its next step.
pub(crate) struct Hold<T> {
    task: Arc<Task>,
    ended: oneshot::Receiver<Result<T, Box<dyn Any + Send>>>,
}

impl<T> Hold<T> {
    pub(super) fn new(task: Arc<Task>, ended: oneshot::Receiver<Result<T, Box<dyn Any + Send>>>) -> Self {
        Self { task, ended }
    }

    /// Waits for its end: what it answered or how it panicked; `None` where it was dropped.
    pub async fn ended(&mut self) -> Option<Result<T, Box<dyn Any + Send>>> {
        (&mut self.ended).await.ok()
    }

    /// Has it dropped as soon as it waits for something.
    pub fn abort(&self) {
        self.task.dropped.store(true, Ordering::SeqCst);
        Arc::clone(&self.task).wake();
    }
}

impl<T> Drop for Hold<T> {
    fn drop(&mut self) {
        self.abort();
    }
}
