//! What `run`, `serve` and `work` have in common: a store, metrics, signals; and how they end.

use super::{isolated, session::Session};
use crate::{
    agents, archive,
    config::{Config, Listen, Worker},
    exit::{Exit, Failure},
    follow::Followers,
    http::{self, App, Connections, Guard, Leaving, Limits},
    kinds,
    open::Place,
    shutdown::Shutdown,
    telemetry::Traces,
};
use flotilla_jobs::{JobState, api::QueueChange};
use flotilla_workers::{
    agents::{Agents, kit::Readiness},
    archive::Archive,
    engine_side::EngineSide,
    fleet::{Archiving, Fleet, FleetOptions, QueueWeight, Report},
    metrics::Metrics,
    producer::Producer,
    store::{Store, metered::metered},
};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::CancellationToken;

const DAY: Duration = Duration::from_hours(24);
/// Kept of `worker.hard_stop_ms` for what comes after the handlers.
const RECORDING: Duration = Duration::from_millis(2_500);

/// A process of the fleet.
pub struct Process {
    pub shutdown: Shutdown,
    pub config: Config,
    store: Arc<dyn Store>,
    followers: Arc<Followers>,
    leaving: Arc<Leaving>,
    metrics: Arc<Metrics>,
    disk: PathBuf,
    archive: Option<Arc<Archive>>,
    agents: Agents,
    tools: Vec<Readiness>,
    traces: Option<Traces>,
    closing: CancellationToken,
}

impl Process {
    /// Opens what a process needs. Told to end, it is gone after `limit`.
    pub async fn start(session: &Session, limit: Duration) -> Result<Self, Failure> {
        let shutdown = Shutdown::listen_with_limit(limit)?;
        let place = Place::of(&session.loaded)?;
        let (name, disk) = (place.name(), place.disk());
        let metrics = Metrics::new();
        let (store, archive) = archive::behind(place.open(true).await?, &session.loaded.config, &metrics)?;
        let store = metered(store, name, Arc::clone(&metrics));
        let agents = agents::open(&session.loaded, EngineSide::new(Arc::clone(&store)), &metrics)?;
        let tools = agents.kit().readiness().await;
        agents::tell(&tools, &metrics);
        let closing = CancellationToken::new();
        let (config, traces) = (session.loaded.config.clone(), session.traces.clone());
        let (followers, leaving) = (Followers::start(Arc::clone(&store)), Leaving::start(Arc::clone(&store)));
        Ok(Self { shutdown, config, store, followers, leaving, metrics, disk, archive, agents, tools, traces, closing })
    }

    /// What the HTTP side is given.
    pub fn app(&self) -> Arc<App> {
        let http = &self.config.http;
        let registry = kinds::registry(
            Some(http.review_roots.clone()),
            self.config.worker.drills,
            // Nothing runs here; they know which models there are.
            Some(self.agents.clone()),
            None,
        );
        Arc::new(App {
            store: Arc::clone(&self.store),
            producer: Producer::new(Arc::clone(&self.store), registry)
                .accept_unknown_kinds(http.accept_unknown_kinds)
                .max_waiting(self.config.max_waiting())
                .guarded(self.agents.guards().clone()),
            metrics: Arc::clone(&self.metrics),
            guard: Guard::new(http.token.clone()),
            limits: Limits {
                body_bytes: http.max_body_bytes,
                body_timeout: Duration::from_millis(http.body_timeout_ms),
                timeout: Duration::from_millis(http.timeout_ms),
            },
            followers: Arc::clone(&self.followers),
            leaving: Arc::clone(&self.leaving),
            streams: Arc::new(Semaphore::new(http.max_streams)),
            bodies: Arc::new(Semaphore::new(http.max_bodies_bytes)),
            review_roots: http.review_roots.clone(),
            health: self.config.health,
            tools: self.tools.clone(),
            budgets: self.config.budgets.budgets(),
            disk: self.disk.clone(),
            archive: self.archive.clone(),
            stopping: self.shutdown.stop.clone(),
            closing: self.closing.clone(),
        })
    }

    /// Listens on the address of this setting.
    pub async fn bind(
        &self,
        key: &'static str,
        listen: Listen,
        elsewhere: bool,
    ) -> Result<Option<TcpListener>, Failure> {
        http::bind(key, listen, self.config.http.token.is_some(), elsewhere).await
    }

    /// Serves until [`Process::end`] closes it, or until the work of the process has ended.
    pub async fn serve(&self, listener: Option<TcpListener>, router: axum::Router, what: &str) {
        let Some(listener) = listener else { return };
        if let Ok(address) = listener.local_addr() {
            tracing::info!(%address, "{what} on http://{address}");
        }
        let http = &self.config.http;
        let limits =
            Connections { max: http.max_connections, header_timeout: Duration::from_millis(http.header_timeout_ms) };
        let drain = Duration::from_millis(http.drain_ms);
        http::run(listener, router, limits, &self.closing, &self.shutdown.hard, drain).await;
    }

    /// Runs jobs until told to stop.
    pub async fn run_fleet(&self) -> Result<Report, Failure> {
        for (queue, settings) in self.config.queues.iter().filter(|(_, settings)| settings.cap.is_some()) {
            let change = QueueChange { paused: None, cap: settings.cap };
            self.store.configure_queue(queue, change).await?;
        }
        agents::prepare(&self.agents);
        let roots = self.config.http.review_roots.clone();
        let registry = kinds::registry(
            Some(roots),
            self.config.worker.drills,
            Some(self.agents.clone()),
            Some(EngineSide::new(Arc::clone(&self.store))),
        );
        let traces = self.traces.clone().map(|traces| Arc::new(traces) as _);
        let archiving = self.archive.clone().map(|archive| {
            let days = self.config.sessions.archive_after_days;
            Archiving { archive, after: (days > 0).then(|| DAY * days) }
        });
        let options = FleetOptions { traces, archiving, ..fleet_options(&self.config, self.shutdown.hard.clone()) };
        let fleet = Fleet::new(Arc::clone(&self.store), registry, Arc::clone(&self.metrics), options);
        let report = fleet.run(self.shutdown.stop.clone()).await;
        if self.shutdown.stop.is_cancelled() || self.shutdown.hard.is_cancelled() {
            return Ok(report);
        }
        Err(Failure::unavailable("the fleet ended by itself; the log says why"))
    }

    /// Waits for the signal, and then for as long as load balancers need to notice.
    pub async fn linger(&self) {
        self.shutdown.stop.cancelled().await;
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(self.config.http.linger_ms)) => {}
            () = self.shutdown.hard.cancelled() => {}
        }
    }

    /// Closes connections. What serves then ends.
    pub fn close_connections(&self) {
        self.closing.cancel();
    }

    /// Closes the store and says how the process ended.
    pub async fn end(self) -> Exit {
        self.leaving.close().await;
        self.followers.close().await;
        self.store.close().await;
        if self.shutdown.hard.is_cancelled() { Exit::Interrupted } else { Exit::Ok }
    }
}

/// How long a process with a fleet may take to end.
pub fn fleet_limit(config: &Config) -> Duration {
    Duration::from_millis(config.worker.drain_ms + config.worker.hard_stop_ms)
}

fn fleet_options(config: &Config, hard_stop: CancellationToken) -> FleetOptions {
    let worker = &config.worker;
    let after_drain = Duration::from_millis(worker.hard_stop_ms);
    FleetOptions {
        worker: worker.name.clone().unwrap_or_else(host_name),
        concurrency: worker.concurrency,
        queues: worker.queues.iter().map(|(name, weight)| QueueWeight::new(name, *weight)).collect(),
        lease: Duration::from_millis(worker.lease_ms),
        renew_every: Duration::from_millis(worker.renew_ms),
        drain_timeout: Duration::from_millis(worker.drain_ms),
        // Most of it for handlers on their way to a safe point; the rest to end those that are deaf and to record.
        stop_grace: (after_drain / 2).max(after_drain.saturating_sub(RECORDING)),
        // Results wait for a record that is away for as long as there is time: the hard stop ends that.
        flush_timeout: fleet_limit(config),
        max_unrecorded: worker.max_unrecorded,
        max_unrecorded_bytes: worker.max_unrecorded_mib.saturating_mul(1024 * 1024),
        poll: Duration::from_millis(worker.poll_ms),
        prune_after: prune_after(worker),
        prune_spend_after: Some(worker.prune_spend_after_days).filter(|days| *days > 0).map(|days| DAY * days as u32),
        budgets: Arc::new(config.budgets.budgets()),
        adopt: worker.adopt.clone(),
        isolation: isolated::again(),
        hard_stop,
        ..FleetOptions::default()
    }
}

fn prune_after(worker: &Worker) -> BTreeMap<JobState, Duration> {
    let days = |state: JobState| *worker.prune_after_days_of.get(state.as_str()).unwrap_or(&worker.prune_after_days);
    let ages = JobState::TERMINAL.into_iter().map(|state| (state, days(state))).filter(|(_, days)| *days > 0);
    ages.map(|(state, days)| (state, DAY * days as u32)).collect()
}

fn host_name() -> String {
    let uname = rustix::system::uname();
    uname.nodename().to_str().ok().filter(|name| !name.is_empty()).unwrap_or("worker").to_owned()
}
