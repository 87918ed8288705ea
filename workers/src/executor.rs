//! Runs one job: starts its handler, watches over it, and decides what to record.

use crate::{
    backlog::Backlog,
    context::Context,
    held::{Held, Run},
    loops::{flush::Finished, live::Said},
    metrics::{KindMetrics, Metrics},
    policy::{self, Ran, Rules, Why},
    registry::{AnyHandler, Registry},
    store::{Claimed, End, Settle},
    tally::Tally,
    voice::Voice,
};
use flotilla_jobs::{Fault, Outcome, Progress};
use serde_json::value::RawValue;
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    task::{JoinError, JoinHandle},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span};

/// How long an aborted handler may take to notice. One that never yields is left behind.
const ABORT: Duration = Duration::from_secs(1);

/// A claimed job on its way to its handler.
pub(crate) struct Work {
    pub claimed: Claimed,
    pub run: Arc<Run>,
    /// Free again when the handler has ended.
    pub slot: Option<OwnedSemaphorePermit>,
    /// How far an earlier run said it was.
    pub resumed: Option<Arc<Progress>>,
}

/// What every run of a process shares.
pub(crate) struct Executor {
    pub kinds: Kinds,
    pub held: Arc<Held>,
    pub backlog: Arc<Backlog>,
    pub finished: mpsc::Sender<Finished>,
    pub said: mpsc::Sender<Said>,
    pub tally: Arc<Tally>,
    /// How long a handler may take to return once it was told to end.
    pub grace: Duration,
    /// Cancelled when no more jobs are started.
    pub draining: CancellationToken,
    /// Cancelled when handlers are asked to return at their next safe point.
    pub stopping: CancellationToken,
    /// Cancelled when the process ends now: no grace is left.
    pub abort: CancellationToken,
}

/// The kinds a process knows, each with its handler and its metrics.
pub(crate) struct Kinds {
    known: HashMap<&'static str, (Arc<dyn AnyHandler>, Arc<KindMetrics>)>,
    /// For kinds that nobody registered: one label for all, since anyone can invent names.
    unknown: Arc<KindMetrics>,
}

impl Kinds {
    /// Those of `registry`.
    pub fn new(registry: &Registry, metrics: &Metrics) -> Self {
        let known = registry.kinds().filter_map(|kind| Some((kind, (registry.handler(kind)?, metrics.kind(kind)))));
        Self { known: known.collect(), unknown: metrics.kind("unknown") }
    }

    fn fault(&self, kind: &str) -> Fault {
        let mut known: Vec<_> = self.known.keys().copied().collect();
        known.sort_unstable();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Fault::new("unknown_kind", format!("kind `{kind}` is not known to this worker; it knows: {known}"))
    }
}

impl Executor {
    /// Runs one claimed job to its end and passes the end on to be recorded. The slot is free once that is done, not
    /// when it is on record.
    pub async fn run(&self, work: Work) {
        let Work { claimed, run, slot, resumed } = work;
        let span = tracing::info_span!(
            "job",
            job.id = %claimed.id(),
            job.kind = claimed.kind,
            job.attempt = claimed.attempts().number(),
            trace = claimed.trace,
        );
        self.conduct(claimed, resumed, run, &span).instrument(span.clone()).await;
        drop(slot);
    }

    async fn conduct(&self, claimed: Claimed, resumed: Option<Arc<Progress>>, run: Arc<Run>, span: &Span) {
        let started = Instant::now();
        let started_at = claimed.claimed_at;
        let rules = Rules::of(&claimed);
        let voice = Voice::new(self.said.clone());
        let (ran, metrics) = match self.kinds.known.get(claimed.kind.as_str()) {
            None => (Ran::Returned(Outcome::Fail(self.kinds.fault(&claimed.kind))), &self.kinds.unknown),
            Some((_, metrics)) if self.draining.is_cancelled() || run.why().is_some() => (Ran::Dropped, metrics),
            Some((handler, metrics)) => {
                let _running = metrics.start(claimed.claimed_at - claimed.ready_at());
                let ran = self.attempt(Arc::clone(handler), claimed, resumed, &run, voice.clone(), span).await;
                voice.flush().await;
                (ran, metrics)
            }
        };
        run.finish();
        let why = run.why().or_else(|| self.stopping.is_cancelled().then_some(Why::Stopping));
        let end = policy::end(ran, why, &rules, &mut rand::rng());
        let Some(end) = end else {
            tracing::warn!("the lease was lost while the job ran: its result is dropped");
            metrics.lost();
            self.tally.lost();
            self.held.remove(&run);
            return;
        };
        report(&end, started.elapsed());
        let settle = Settle { lease: run.lease.clone(), started_at, end };
        self.pass_on(Finished { run, kind: Arc::clone(metrics), settle }).await;
    }

    /// Starts the handler as a task of its own: apalis polls all jobs of a worker in one task, so without it they
    /// would not run in parallel, and one that blocks would stop the watch over all.
    async fn attempt(
        &self,
        handler: Arc<dyn AnyHandler>,
        claimed: Claimed,
        resumed: Option<Arc<Progress>>,
        run: &Run,
        voice: Voice,
        span: &Span,
    ) -> Ran {
        let limit = Duration::from_millis(claimed.timeout_ms);
        let context = Context {
            lease: claimed.lease,
            kind: claimed.kind,
            tenant: claimed.tenant,
            cancelled: run.cancelled.clone(),
            stopping: self.stopping.clone(),
            resumed,
            voice,
        };
        let payload = claimed.payload;
        let handler = async move { handler.run(&payload, &context).await };
        let mut task = Task(tokio::spawn(handler.instrument(span.clone())));

        tokio::select! {
            biased;
            joined = &mut task.0 => return ran(joined),
            () = run.cancelled.cancelled() => {}
            () = tokio::time::sleep(limit) => run.cancel(Why::TimedOut),
        }
        tokio::select! {
            biased;
            joined = &mut task.0 => return ran(joined),
            () = self.abort.cancelled() => {}
            () = tokio::time::sleep(self.grace) => {}
        }
        task.0.abort();
        timeout(ABORT, &mut task.0).await.map_or_else(
            |_| {
                tracing::error!("the handler does not yield and cannot be ended: it still uses a thread");
                Ran::Dropped
            },
            ran,
        )
    }

    async fn pass_on(&self, finished: Finished) {
        self.backlog.add(finished.bytes());
        if let Err(mpsc::error::SendError(finished)) = self.finished.send(finished).await {
            self.backlog.take(1, finished.bytes());
        }
    }
}

impl Rules {
    fn of(claimed: &Claimed) -> Self {
        Self {
            attempts: claimed.attempts(),
            max_attempts: claimed.max_attempts,
            backoff: claimed.backoff,
            timeout_ms: claimed.timeout_ms,
        }
    }
}

/// A handler's task, which ends with its owner.
struct Task(JoinHandle<Outcome<Box<RawValue>>>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn ran(joined: Result<Outcome<Box<RawValue>>, JoinError>) -> Ran {
    match joined.map_err(JoinError::try_into_panic) {
        Ok(outcome) => Ran::Returned(outcome),
        Err(Ok(panic)) => Ran::Panicked(panic_message(&*panic)),
        Err(Err(_)) => Ran::Dropped,
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.map_or_else(|| "the handler panicked".to_owned(), |text| format!("the handler panicked: {text}"))
}

/// One line a run. A success is not worth one in production: its metrics and its record say the same.
fn report(end: &End, took: Duration) {
    let duration_ms = took.as_millis() as u64;
    match end {
        End::Completed(_) => tracing::debug!(duration_ms, "completed"),
        End::Failed(fault) => tracing::warn!(duration_ms, error.code = fault.code, error = fault.message, "failed"),
        End::Retry(fault, wait) => {
            let retry_in_ms = wait.as_millis() as u64;
            tracing::warn!(duration_ms, retry_in_ms, error.code = fault.code, error = fault.message, "attempt failed");
        }
        End::Cancelled(reason) => tracing::info!(duration_ms, reason, "cancelled"),
        End::Snoozed(wait) => tracing::info!(duration_ms, wait_ms = wait.as_millis() as u64, "snoozed"),
        End::HandedOver => tracing::info!(duration_ms, "handed over"),
        End::Paused(reason) => tracing::info!(duration_ms, reason, "paused"),
    }
}
