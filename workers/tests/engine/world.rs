//! One test's world: a store of its own, a fleet, and a job kind that does what the test says.

use crate::place::Place;
use async_trait::async_trait;
use flotilla_jobs::{Job, JobId, JobRecord, JobState, NewJob, Options, Outcome};
use flotilla_workers::{
    clock::Clock,
    context::Context,
    fleet::{Fleet, FleetOptions, Report},
    metrics::Metrics,
    registry::{Handler, Registry},
    store::{
        Store, Submission,
        fault::{Faults, faulty},
    },
};
use serde::{Deserialize, Serialize};
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Mutex, Semaphore, mpsc},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A job that does what it says.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    Done,
    Error,
    Panic,
    /// Fails until it has failed so often.
    FailTimes(u32),
    /// Asks to run again at once, the first time.
    SnoozeOnce,
    /// Says so many lines.
    Say(u32),
    /// Waits until the test opens the gate.
    Gate,
    /// Returns an error once it is told that it is cancelled.
    UntilCancelled,
    /// Returns an error once the worker wants to stop.
    UntilStopping,
    /// Says very often how far it is until the worker wants to stop; the next run says where the first one ended.
    CountUntilStopping,
    /// Never returns and never looks.
    Deaf,
}

impl Job for Probe {
    const KIND: &'static str = "probe";
    type Output = u32;
}

/// What the handlers share with the test.
#[derive(Debug)]
pub struct Stage {
    started: mpsc::UnboundedSender<JobId>,
    gate: Semaphore,
    running: AtomicUsize,
    peak: AtomicUsize,
    told: Semaphore,
}

struct Prober(Arc<Stage>);

#[async_trait]
impl Handler<Probe> for Prober {
    async fn run(&self, probe: Probe, cx: &Context) -> anyhow::Result<Outcome<u32>> {
        let stage = &self.0;
        stage.peak.fetch_max(stage.running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let _ = stage.started.send(cx.id());
        let outcome = act(probe, cx, stage).await;
        stage.running.fetch_sub(1, Ordering::SeqCst);
        outcome
    }
}

async fn act(probe: Probe, cx: &Context, stage: &Stage) -> anyhow::Result<Outcome<u32>> {
    match probe {
        Probe::Error => anyhow::bail!("as told"),
        Probe::Panic => panic!("at the disco"),
        Probe::FailTimes(n) if cx.attempts().failure < n => anyhow::bail!("not yet"),
        Probe::SnoozeOnce if cx.attempts().throttle == 0 => return Ok(Outcome::Snooze(Duration::from_millis(1))),
        Probe::Done | Probe::FailTimes(_) | Probe::SnoozeOnce => {}
        Probe::Say(n) => {
            for i in 0..n {
                cx.output(&format!("line {i}")).await;
            }
        }
        Probe::Gate => stage.gate.acquire().await?.forget(),
        Probe::UntilCancelled => {
            cx.cancelled().cancelled().await;
            stage.told.add_permits(1);
            anyhow::bail!("told to end");
        }
        Probe::UntilStopping => {
            cx.stopping().cancelled().await;
            anyhow::bail!("told to stop");
        }
        Probe::CountUntilStopping => {
            if let Some(progress) = cx.resumed() {
                return Ok(Outcome::Done(progress.done as u32));
            }
            // Far more than the way to the record holds, and no pause in which it could catch up.
            (1..100_000).for_each(|done| cx.progress(done, None, ""));
            cx.stopping().cancelled().await;
            (100_000..=200_000).for_each(|done| cx.progress(done, None, "last words"));
            anyhow::bail!("told to stop");
        }
        Probe::Deaf => std::future::pending().await,
    }
    Ok(Outcome::Done(7))
}

/// A store, and what a test needs to move it.
pub struct World {
    /// The store as the fleet sees it, behind switches.
    pub store: Arc<dyn Store>,
    /// The same store through another handle, never faulty.
    pub other: Arc<dyn Store>,
    pub faults: Faults,
    pub metrics: Arc<Metrics>,
    pub options: FleetOptions,
    stage: Arc<Stage>,
    started: Mutex<mpsc::UnboundedReceiver<JobId>>,
    now: Option<Arc<AtomicI64>>,
}

/// A fleet that runs.
pub struct Running {
    pub stop: CancellationToken,
    pub hard_stop: CancellationToken,
    fleet: JoinHandle<Report>,
}

impl World {
    /// On the machine's time.
    pub async fn new(place: &Place) -> Self {
        Self::with(place, Clock::Store, None).await
    }

    /// On time that only [`World::advance`] moves.
    pub async fn with_manual_time(place: &Place) -> Self {
        let now = Arc::new(AtomicI64::new(1_800_000_000_000));
        Self::with(place, Clock::Manual(now.clone()), Some(now)).await
    }

    async fn with(place: &Place, clock: Clock, now: Option<Arc<AtomicI64>>) -> Self {
        let (store, faults) = faulty(place.open(clock.clone()).await);
        let other = place.open(clock).await;
        let (started_in, started) = mpsc::unbounded_channel();
        let stage = Stage {
            started: started_in,
            gate: Semaphore::new(0),
            running: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            told: Semaphore::new(0),
        };
        Self {
            store,
            other,
            faults,
            metrics: Metrics::new(),
            options: FleetOptions { grace: Duration::from_millis(50), ..FleetOptions::default() },
            stage: Arc::new(stage),
            started: Mutex::new(started),
            now,
        }
    }

    pub fn start(&self) -> Running {
        let stop = CancellationToken::new();
        let options = self.options.clone();
        let hard_stop = options.hard_stop.clone();
        let registry = Registry::new().with::<Probe>(Prober(self.stage.clone()));
        let fleet = Fleet::new(self.store.clone(), registry, self.metrics.clone(), options);
        Running { fleet: tokio::spawn(fleet.run(stop.clone())), stop, hard_stop }
    }

    pub async fn enqueue(&self, probe: Probe) -> JobId {
        self.enqueue_with(probe, Options::default()).await
    }

    pub async fn enqueue_with(&self, probe: Probe, options: Options) -> JobId {
        self.enqueue_new(NewJob::of(&probe).unwrap().with(options)).await
    }

    pub async fn enqueue_new(&self, job: NewJob) -> JobId {
        let job = Submission::new(job, Options::default()).unwrap();
        self.other.enqueue(vec![job]).await.unwrap()[0].id
    }

    pub async fn enqueue_many(&self, count: usize, probe: Probe, options: &Options) -> Vec<JobId> {
        let job = || Submission::new(NewJob::of(&probe).unwrap().with(options.clone()), Options::default()).unwrap();
        let accepted = self.other.enqueue((0..count).map(|_| job()).collect()).await.unwrap();
        accepted.into_iter().map(|a| a.id).collect()
    }

    /// The next job whose handler starts.
    pub async fn started(&self) -> JobId {
        soon(async { self.started.lock().await.recv().await.unwrap() }).await
    }

    /// Lets so many jobs through the gate.
    pub fn open_gate(&self, jobs: usize) {
        self.stage.gate.add_permits(jobs);
    }

    /// Returns when a handler has seen that it is cancelled.
    pub async fn told(&self) {
        soon(async { self.stage.told.acquire().await.unwrap().forget() }).await;
    }

    /// Most handlers that ran at once.
    pub fn peak(&self) -> usize {
        self.stage.peak.load(Ordering::SeqCst)
    }

    pub fn advance(&self, by: Duration) {
        let now = self.now.as_ref().expect("a world with manual time");
        now.fetch_add(by.as_millis() as i64, Ordering::SeqCst);
    }

    pub async fn job(&self, id: JobId) -> JobRecord {
        self.other.get(id).await.unwrap().expect("the job is on record")
    }

    /// The job once it is in this state.
    pub async fn wait_for(&self, id: JobId, state: JobState) -> JobRecord {
        let mut last = None;
        let wait = async {
            loop {
                let job = self.job(id).await;
                if job.state == state {
                    return job;
                }
                assert!(!job.state.is_terminal(), "waited for {state}, but: {job:?}");
                last = Some(job.state);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let job = timeout(PATIENCE, wait).await;
        job.unwrap_or_else(|_| panic!("the job is {last:?} and not {state} after {PATIENCE:?}"))
    }

    /// The job once it has its final result.
    pub async fn settled(&self, id: JobId) -> JobRecord {
        soon(async {
            loop {
                let job = self.job(id).await;
                if job.state.is_terminal() {
                    return job;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
    }

    /// Returns when the metrics show at least this value.
    pub async fn metric(&self, series: &str, least: u64) {
        soon(async {
            loop {
                let text = self.metrics.render();
                let value = text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse::<f64>().ok());
                if value.is_some_and(|v| v >= least as f64) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

impl Running {
    /// Stops the fleet and returns its report.
    pub async fn stop(self) -> Report {
        self.stop.cancel();
        self.ended().await
    }

    /// The report of a fleet that was told to stop.
    pub async fn ended(self) -> Report {
        soon(self.fleet).await.unwrap()
    }
}

pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("it happens in time")
}
