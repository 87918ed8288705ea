//! How a fleet ends: in two steps, and always with every result it can still record.

use super::{FleetOptions, tasks::Tasks};
use crate::{backlog::Backlog, held::Held, policy::Why};
use std::{sync::Arc, time::Duration};
use tokio::{sync::Semaphore, time::timeout};
use tokio_util::sync::CancellationToken;

/// How long a hard stop may take to give jobs back.
const HARD: Duration = Duration::from_secs(1);
/// How long tasks that have nothing left to do may take to end.
const JOIN: Duration = Duration::from_secs(2);

/// What the end of a fleet is steered by.
pub(super) struct Shutdown {
    /// A permit is held for each job that is claimed and whose handler has not ended.
    pub slots: Arc<Semaphore>,
    pub backlog: Arc<Backlog>,
    pub held: Arc<Held>,
    /// No more jobs are claimed or started.
    pub draining: CancellationToken,
    /// Handlers should return at their next safe point.
    pub stopping: CancellationToken,
    /// Handlers have no time left.
    pub abort: CancellationToken,
    /// What is not on record now never will be by this process.
    pub give_up: CancellationToken,
    /// Nothing is held any more.
    pub over: CancellationToken,
    hard: CancellationToken,
    concurrency: u32,
    drain_timeout: Duration,
    stop_grace: Duration,
    flush_timeout: Duration,
}

impl Shutdown {
    pub fn new(options: &FleetOptions, draining: CancellationToken, concurrency: usize) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(concurrency)),
            backlog: Arc::new(Backlog::new(options.max_unrecorded_bytes)),
            held: Arc::new(Held::new(options.max_unrecorded.max(concurrency))),
            draining,
            stopping: CancellationToken::new(),
            abort: CancellationToken::new(),
            give_up: CancellationToken::new(),
            over: CancellationToken::new(),
            hard: options.hard_stop.clone(),
            concurrency: concurrency as u32,
            drain_timeout: options.drain_timeout,
            stop_grace: options.stop_grace,
            flush_timeout: options.flush_timeout,
        }
    }

    /// Waits for a reason to end, then ends: first the tasks that bring work, then the work, then the tasks that keep
    /// it safe.
    pub async fn run(&self, mut bringing: Tasks, mut working: Tasks, mut keeping: Tasks) {
        tokio::select! {
            // Tasks end when they are told to as well: that is no surprise.
            biased;
            () = self.draining.cancelled() => {}
            () = self.hard.cancelled() => {}
            () = bringing.one_ended() => {}
            () = working.one_ended() => {}
            () = keeping.one_ended() => {}
        }
        self.draining.cancel();
        tokio::select! {
            biased;
            () = self.hard.cancelled() => self.end_now().await,
            () = self.end_gracefully() => {}
        }
        self.give_up.cancel();
        bringing.join(JOIN).await;
        working.join(JOIN).await;
        self.over.cancel();
        keeping.join(JOIN).await;
    }

    async fn end_gracefully(&self) {
        if timeout(self.drain_timeout, self.idle()).await.is_err() {
            tracing::info!("jobs still run after the time to drain: asking them to return");
            self.stopping.cancel();
            if timeout(self.stop_grace, self.idle()).await.is_err() {
                self.abort_all();
            }
        }
        let _ = timeout(self.flush_timeout, self.recorded()).await;
    }

    async fn end_now(&self) {
        tracing::warn!("hard stop: running jobs are dropped and given back");
        self.stopping.cancel();
        self.abort_all();
        let _ = timeout(HARD, self.recorded()).await;
    }

    fn abort_all(&self) {
        self.abort.cancel();
        self.held.cancel_all(Why::Shutdown);
    }

    /// Returns when no handler runs, and all that was said and all results are on record.
    async fn recorded(&self) {
        self.idle().await;
        self.backlog.is_empty().await;
    }

    /// Returns when no claim is under way and no handler runs.
    async fn idle(&self) {
        let _all = self.slots.acquire_many(self.concurrency).await;
    }
}
