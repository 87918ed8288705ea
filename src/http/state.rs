//! What every handler may use.

use super::{Guard, Leaving};
use crate::{config::Health, follow::Followers};
use flotilla_workers::{
    agents::{budget::Budgets, kit::Readiness},
    archive::Archive,
    metrics::Metrics,
    producer::Producer,
    store::Store,
};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// The process as the API sees it.
pub struct App {
    pub store: Arc<dyn Store>,
    pub producer: Producer,
    pub metrics: Arc<Metrics>,
    pub guard: Guard,
    pub limits: Limits,
    /// All who follow jobs.
    pub followers: Arc<Followers>,
    /// Turns whose clients went away.
    pub leaving: Arc<Leaving>,
    /// Streams of events that there may still be.
    pub streams: Arc<Semaphore>,
    /// Bytes that bodies of requests may still take, all together.
    pub bodies: Arc<Semaphore>,
    /// Work trees that may be named over HTTP are below one of these.
    pub review_roots: Vec<PathBuf>,
    pub health: Health,
    /// Tools that act, as they were when the process started.
    pub tools: Vec<Readiness>,
    /// What agents may spend.
    pub budgets: Budgets,
    /// The disk that must not be full.
    pub disk: PathBuf,
    /// Where sessions go that nobody spoke in for long.
    pub archive: Option<Arc<Archive>>,
    /// The process was told to stop: it is not ready for new work.
    pub stopping: CancellationToken,
    /// Connections close: what goes on for ever ends now.
    pub closing: CancellationToken,
}

/// What a request may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub body_bytes: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    pub timeout: Duration,
}
