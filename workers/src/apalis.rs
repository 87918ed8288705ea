//! The adapter to apalis, and the only file that names it: apalis drives concurrency, layers and data injection over
//! our store.
//!
//! The backend is only a channel's end. Claiming, renewing and recording are tasks of our own, so an outage of the
//! store never reaches apalis, and nothing depends on how often it polls.

use crate::{
    backlog::Backlog,
    executor::{Executor, Work},
};
use ::apalis::prelude::{
    Backend, Data, Task, TaskBuilder, TaskId, WorkerBuilder, WorkerBuilderExt as _, WorkerContext, WorkerError,
};
use apalis_core::backend::{BackendConfig, finalize::Ephemeral};
use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::sync::mpsc;
use tower::layer::util::Identity;

/// Runs what comes through `work` until its senders are gone and every result is on record.
pub(crate) fn run(
    name: &str,
    concurrency: usize,
    work: mpsc::Receiver<Work>,
    backlog: Arc<Backlog>,
    executor: Arc<Executor>,
) -> Pin<Box<dyn Future<Output = Result<(), WorkerError>> + Send>> {
    let recorded = Box::pin(async move { backlog.is_empty().await });
    let worker = WorkerBuilder::new(name)
        .backend(Claims { work, recorded })
        .concurrency(concurrency)
        .catch_panic()
        .data(executor)
        .build(execute);
    Box::pin(worker.run())
}

async fn execute(work: Work, executor: Data<Arc<Executor>>) {
    executor.run(work).await;
}

struct Claims {
    work: mpsc::Receiver<Work>,
    recorded: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Backend for Claims {
    type Task = Task<Work>;
    type Error = Infallible;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(&mut self, cx: &mut Context<'_>, _: &WorkerContext) -> Poll<Option<Result<Self::Task, Self::Error>>> {
        self.work.poll_recv(cx).map(|work| {
            work.map(|work| {
                // Not the job's id: apalis ends the worker when it meets an id twice, and a job whose lease was lost
                // may come back while its first run still ends.
                let id = TaskId::from_int(work.run.serial);
                Ok(TaskBuilder::new(work).task_id(id).build())
            })
        })
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, worker: &WorkerContext) -> Poll<Result<(), Infallible>> {
        if self.recorded.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        // Without this apalis waits for ever: it takes the end of a backend for a pause.
        if let Err(error) = worker.stop() {
            tracing::error!(%error, "the worker could not be stopped");
        }
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for Claims {
    type Args = Work;
    type Id = u64;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = Identity;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Identity {
        Identity::new()
    }
}
