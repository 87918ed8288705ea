//! A task that callers hand things to, and that ends after it has seen to all of them.

use std::sync::Mutex;
use tokio::{sync::mpsc, task::JoinHandle};

/// Most callers that wait; the next one waits for a place.
const MAX_WAITING: usize = 4_096;

/// The entrance to such a task. Dropping it aborts the task.
pub(crate) struct Desk<T> {
    entrance: Mutex<Option<mpsc::Sender<T>>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl<T: Send + 'static> Desk<T> {
    /// Starts `serve`, which gets what is handed in until the desk is closed.
    pub(crate) fn open<F: Future<Output = ()> + Send + 'static>(serve: impl FnOnce(mpsc::Receiver<T>) -> F) -> Self {
        let (entrance, waiting) = mpsc::channel(MAX_WAITING);
        let task = tokio::spawn(serve(waiting));
        Self { entrance: Mutex::new(Some(entrance)), task: Mutex::new(Some(task)) }
    }

    /// Hands something in; answers whether the desk was open.
    pub(crate) async fn hand_in(&self, it: T) -> bool {
        let entrance = self.entrance.lock().ok().and_then(|e| e.clone());
        match entrance {
            Some(entrance) => entrance.send(it).await.is_ok(),
            None => false,
        }
    }

    /// Ends after what was handed in is seen to.
    pub(crate) async fn close(&self) {
        drop(self.entrance.lock().ok().and_then(|mut e| e.take()));
        let task = self.task.lock().ok().and_then(|mut t| t.take());
        if let Some(task) = task {
            let _ = task.await;
        }
    }
}

impl<T> Drop for Desk<T> {
    fn drop(&mut self) {
        let task = self.task.lock().ok().and_then(|mut t| t.take());
        if let Some(task) = task {
            task.abort();
        }
    }
}
