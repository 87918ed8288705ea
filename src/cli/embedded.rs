//! A small fleet inside a command, for a machine on which nothing is set up.

use super::{
    backend::{Backend, Direct},
    output,
    session::Session,
};
use crate::{agents, exit::Failure, follow::Followers, kinds, open, open::Place};
use flotilla_workers::{
    engine_side::EngineSide,
    fleet::{Fleet, FleetOptions, QueueWeight, Report},
    metrics::Metrics,
    producer::Producer,
    store::Store,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Its jobs wait in a queue of their own: whoever works on `default` need not see our disk, and we need not be able to
/// run what waits there.
pub const QUEUE: &str = "local";

/// How long a job of a command that was killed waits for the next one.
const LEASE: Duration = Duration::from_secs(6);

/// The fleet and the store it works on.
pub struct Embedded {
    pub backend: Direct,
    fleet: JoinHandle<Report>,
    stop: CancellationToken,
    hard: CancellationToken,
    /// Removed at the end.
    scratch: Option<PathBuf>,
}

impl Embedded {
    /// Opens the user's SQLite file, or one for this run only where there is no place for it, and starts to work.
    pub async fn start(session: &Session) -> Result<Self, Failure> {
        let (store, scratch) = open_file(session).await?;
        let metrics = Metrics::new();
        let side = EngineSide::new(Arc::clone(&store));
        let agents = agents::open(&session.loaded, side.clone(), &metrics)?;
        agents::prepare(&agents);
        let guards = agents.guards().clone();
        let registry = kinds::registry(None, false, Some(agents), Some(side));
        let budgets = session.loaded.config.budgets.budgets();
        let (stop, hard) = (CancellationToken::new(), CancellationToken::new());
        let options = FleetOptions {
            worker: "embedded".to_owned(),
            concurrency: 4,
            queues: vec![QueueWeight::new(QUEUE, 1)],
            // What still runs then is somebody else's job, left over from a command that was killed.
            drain_timeout: Duration::from_millis(200),
            // Whoever starts a command again that was killed is waiting for its lease to end.
            lease: LEASE,
            renew_every: LEASE / 3,
            stop_grace: Duration::from_millis(200),
            budgets: Arc::new(budgets.clone()),
            hard_stop: hard.clone(),
            ..FleetOptions::default()
        };
        let fleet = Fleet::new(Arc::clone(&store), registry.clone(), metrics, options);
        let fleet = tokio::spawn(fleet.run(stop.clone()));
        let producer = Producer::new(Arc::clone(&store), registry).guarded(guards);
        let followers = Followers::start(Arc::clone(&store));
        Ok(Self { backend: Direct { store, producer, followers, budgets, archive: None }, fleet, stop, hard, scratch })
    }

    /// Stops working, at once where `now`, and closes the store.
    pub async fn end(self, now: bool) {
        self.stop.cancel();
        if now {
            self.hard.cancel();
        }
        if let Err(error) = self.fleet.await {
            tracing::error!(%error, "the embedded fleet broke down");
        }
        self.backend.close().await;
        if let Some(dir) = self.scratch {
            let _ = std::fs::remove_dir_all(dir);
        }
    }
}

async fn open_file(session: &Session) -> Result<(Arc<dyn Store>, Option<PathBuf>), Failure> {
    let wanted = Place::file(&session.loaded);
    let opened = match &wanted {
        Ok(path) => open::file(path).await,
        Err(failure) => Err(Failure::new(failure.exit, failure.message.clone())),
    };
    match opened {
        Ok(store) => Ok((store, None)),
        Err(failure) if session.loaded.is_default("store.url") && !writable(wanted.as_deref().ok()) => {
            let dir = std::env::temp_dir().join(format!("flotilla-{}", uuid::Uuid::now_v7()));
            output::note(&format!("{failure}; what is done now is kept for its own duration only"));
            Ok((open::file(&dir.join("flotilla.db")).await?, Some(dir)))
        }
        Err(failure) => Err(failure),
    }
}

/// Whether a file could be made there: then something else is wrong with it, which must not be passed over.
fn writable(path: Option<&Path>) -> bool {
    let Some(dir) = path.and_then(Path::parent) else { return false };
    rustix::fs::access(dir, rustix::fs::Access::WRITE_OK).is_ok()
}
