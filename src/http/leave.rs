//! Cancels the turns of clients that asked for it and went away.

use flotilla_jobs::JobId;
use flotilla_workers::store::Store;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{
        Mutex,
        mpsc::{self, Receiver, Sender},
    },
    task::JoinHandle,
    time::{sleep, timeout},
};

/// Most that wait to be cancelled; there are no more streams than that.
const WAITING: usize = 10_000;
/// Before a store that did not answer is asked again.
const AGAIN: Duration = Duration::from_secs(1);
/// How long the end of the process waits for those that are left.
const LAST: Duration = Duration::from_secs(2);

/// Who cancels them. Its task ends with [`Leaving::close`].
pub struct Leaving {
    to: Sender<Option<JobId>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Leaving {
    pub fn start(store: Arc<dyn Store>) -> Arc<Self> {
        let (to, left) = mpsc::channel(WAITING);
        Arc::new(Self { to, task: Mutex::new(Some(tokio::spawn(run(store, left)))) })
    }

    /// Cancels a job soon; never waits.
    pub fn cancel(&self, job: JobId) {
        if self.to.try_send(Some(job)).is_err() {
            tracing::warn!(job.id = %job, "a turn whose client went away is not cancelled: too many wait for it");
        }
    }

    /// Cancels what is left, if that is possible soon, and ends.
    pub async fn close(&self) {
        let Some(mut task) = self.task.lock().await.take() else { return };
        let _ = self.to.try_send(None);
        if timeout(LAST, &mut task).await.is_err() {
            task.abort();
            tracing::warn!("turns whose clients went away go on: the store does not answer");
        }
    }
}

async fn run(store: Arc<dyn Store>, mut left: Receiver<Option<JobId>>) {
    let mut jobs = Vec::new();
    while left.recv_many(&mut jobs, WAITING).await > 0 {
        let last = jobs.contains(&None);
        let ids: Vec<JobId> = jobs.drain(..).flatten().collect();
        while !ids.is_empty() {
            match store.cancel(&ids).await {
                Ok(_) => break,
                Err(error) if error.is_transient() => sleep(AGAIN).await,
                Err(error) => {
                    tracing::error!(%error, "turns whose clients went away cannot be cancelled");
                    break;
                }
            }
        }
        if last {
            return;
        }
    }
}
