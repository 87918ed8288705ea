//! Runs one job: starts its handler, watches over it, and decides what to record.

use crate::{
    backlog::Backlog,
    clock,
    context::{Context, LeftSlot},
    crew::{Crew, Hold, Label},
    held::{Held, Run},
    isolate::{self, Isolation},
    loops::{flush::Finished, live::Said},
    metrics::{KindMetrics, Metrics},
    policy::{self, Ran, Rules, Why},
    registry::{AnyHandler, Registry},
    store::{Claimed, End, Settle},
    tally::Tally,
    trace::{TracedRun, Traces},
    voice::Voice,
};
use flotilla_jobs::Progress;
use std::{any::Any, collections::HashMap, sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span, field};

/// How long an aborted handler may take to notice. One that never yields is left behind.
const ABORT: Duration = Duration::from_millis(500);

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
    pub crew: Arc<Crew>,
    pub suspects: Suspects,
    pub traces: Option<Arc<dyn Traces>>,
    /// How long a handler may take to return once it was told to end.
    pub grace: Duration,
    /// Cancelled when no more jobs are started.
    pub draining: CancellationToken,
    /// Cancelled when handlers are asked to return at their next safe point.
    pub stopping: CancellationToken,
    /// Cancelled when the process ends now: no grace is left.
    pub abort: CancellationToken,
}

/// Where jobs run that lost a worker before.
pub(crate) struct Suspects {
    isolation: Option<Isolation>,
    places: Semaphore,
}

impl Suspects {
    /// Each in a process of its own; without `isolation`, among the others.
    pub fn new(isolation: Option<Isolation>) -> Self {
        Self { isolation, places: Semaphore::new(isolate::AT_ONCE) }
    }
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
            otel.name = field::Empty,
            otel.kind = field::Empty,
        );
        if let Some(traces) = &self.traces {
            span.record("otel.name", format!("job {}", claimed.kind)).record("otel.kind", "consumer");
            let run = TracedRun {
                parent: claimed.trace.as_deref(),
                queue: claimed.lease.queue(),
                ready_at: clock::timestamp(claimed.ready_at()),
                claimed_at: clock::timestamp(claimed.claimed_at),
            };
            traces.run_begins(&span, run);
        }
        self.conduct(claimed, resumed, run, &span).instrument(span.clone()).await;
        drop(slot);
    }

    async fn conduct(&self, claimed: Claimed, resumed: Option<Arc<Progress>>, run: Arc<Run>, span: &Span) {
        let started = Instant::now();
        let started_at = claimed.claimed_at;
        let rules = Rules::of(&claimed);
        let (voice, left) = (Voice::new(self.said.clone()), LeftSlot::default());
        let (ran, metrics) = match self.kinds.known.get(claimed.kind.as_str()) {
            None => {
                // A store is asked for known kinds only; whoever knows this one may still run it.
                tracing::error!("the store handed out a job of a kind that this worker does not know; giving it back");
                (Ran::Dropped, &self.kinds.unknown)
            }
            Some((_, metrics)) if self.draining.is_cancelled() || run.why().is_some() => (Ran::Dropped, metrics),
            Some((handler, metrics)) => {
                let _running = metrics.start(claimed.claimed_at - claimed.ready_at());
                let handler = (Arc::clone(handler), metrics);
                let ran = self.attempt(handler, claimed, resumed, &run, (voice.clone(), left.clone()), span).await;
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
        let settle = Settle { left: left.take(), ..Settle::new(run.lease.clone(), started_at, end) };
        self.pass_on(Finished { run, kind: Arc::clone(metrics), settle }).await;
    }

    /// Starts the handler on the crew's threads, or in a process of its own where it lost a worker before, and watches
    /// over it.
    async fn attempt(
        &self,
        (handler, metrics): (Arc<dyn AnyHandler>, &Arc<KindMetrics>),
        claimed: Claimed,
        resumed: Option<Arc<Progress>>,
        run: &Run,
        (voice, left): (Voice, LeftSlot),
        span: &Span,
    ) -> Ran {
        let limit = Duration::from_millis(claimed.timeout_ms);
        let label = Label { job: claimed.id(), metrics: Arc::clone(metrics) };
        let isolation = if claimed.attempts().crash > 0 { self.suspects.isolation.clone() } else { None };
        let context = Context {
            lease: claimed.lease,
            kind: claimed.kind,
            tenant: claimed.tenant,
            cancelled: run.cancelled.clone(),
            stopping: self.stopping.clone(),
            resumed,
            voice,
            left,
        };
        let (payload, started_at) = (claimed.payload, claimed.claimed_at);
        let Some(isolation) = isolation else {
            let handler = async move { Ran::Returned(handler.run(&payload, &context).await) };
            return self.watch(self.crew.spawn(label, handler.instrument(span.clone())), limit, run, metrics).await;
        };
        let _place = tokio::select! {
            biased;
            () = run.cancelled.cancelled() => return Ran::Dropped,
            () = self.stopping.cancelled() => return Ran::Dropped,
            place = self.suspects.places.acquire() => place,
        };
        tracing::info!("the job runs in a process of its own: its worker died when it ran before");
        let alone = isolation.run(payload, started_at, context);
        self.watch(self.crew.spawn(label, alone.instrument(span.clone())), limit, run, metrics).await
    }

    /// Waits for a handler's end, and sees to it where it must come.
    async fn watch(&self, mut handler: Hold<Ran>, limit: Duration, run: &Run, metrics: &KindMetrics) -> Ran {
        tokio::select! {
            biased;
            ended = handler.ended() => return ran(ended),
            () = run.cancelled.cancelled() => {}
            () = tokio::time::sleep(limit) => run.cancel(Why::TimedOut),
        }
        let told = Instant::now();
        tokio::select! {
            biased;
            ended = handler.ended() => return ran(ended),
            () = self.abort.cancelled() => {}
            () = tokio::time::sleep(self.grace) => {
                metrics.ignored();
                tracing::warn!(
                    job.id = %run.lease.job(), job.kind = metrics.name(), told_ms = told.elapsed().as_millis() as u64,
                    "the handler ignores that it was told to end; it is dropped"
                );
            }
        }
        handler.abort();
        timeout(ABORT, handler.ended()).await.map_or_else(
            |_| {
                tracing::error!(
                    job.id = %run.lease.job(), job.kind = metrics.name(), told_ms = told.elapsed().as_millis() as u64,
                    "the handler does not yield and cannot be ended: it keeps its thread, and what it does goes on"
                );
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

fn ran(ended: Option<Result<Ran, Box<dyn Any + Send>>>) -> Ran {
    match ended {
        Some(Ok(ran)) => ran,
        Some(Err(panic)) => Ran::Panicked(panic_message(&*panic)),
        None => Ran::Dropped,
    }
}

/// What a handler said when it panicked.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
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
        End::Quarantined(fault) => tracing::error!(
            duration_ms,
            error.code = fault.code,
            error = fault.message,
            "quarantined: the job took down a second process; retry it by hand once the cause is known"
        ),
        End::Cancelled(reason) => tracing::info!(duration_ms, reason, "cancelled"),
        End::Snoozed(wait) => tracing::info!(duration_ms, wait_ms = wait.as_millis() as u64, "snoozed"),
        End::HandedOver => tracing::info!(duration_ms, "handed over"),
        End::Paused(reason) => tracing::info!(duration_ms, reason, "paused"),
    }
}
