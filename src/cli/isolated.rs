//! `--isolated`: one job in a process of its own, started by a worker whose job lost a worker before.

use super::session::Session;
use crate::{
    agents, archive,
    exit::{Exit, Failure},
    kinds,
    open::Place,
};
use flotilla_workers::{
    engine_side::EngineSide,
    isolate::{self, Isolation, Orphan},
    metrics::Metrics,
    store::Store,
};
use std::{convert::Infallible, ffi::OsString, future::pending, sync::Arc, time::Duration};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{mpsc, oneshot},
    time::timeout,
};

const FLAG: &str = "--isolated";
/// How long giving a job back may take whose worker is gone.
const GIVE_BACK: Duration = Duration::from_secs(10);

/// How this process starts one for a job: itself once more, with the same configuration.
pub fn again() -> Option<Isolation> {
    // The same program, also where a newer one was installed in its place since.
    let program = if cfg!(target_os = "linux") {
        OsString::from("/proc/self/exe")
    } else {
        std::env::current_exe().ok()?.into_os_string()
    };
    let args = std::env::args_os().skip(1).chain([OsString::from(FLAG)]).collect();
    Some(Isolation { program, args })
}

/// Runs the one job.
pub async fn run(session: &Session) -> Result<Exit, Failure> {
    // Who stops a whole group of processes means the worker, which asks the job to end in time.
    let ignored = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
    let config = &session.loaded.config;
    // An agent writes down what it does wherever it runs; a job of another sort needs no store.
    let (ask, asked) = mpsc::channel(1);
    let side = EngineSide::opening(Box::new(move || Box::pin(opened(ask.clone()))));
    let agents = agents::open(&session.loaded, side.clone(), &Metrics::new())?;
    let roots = Some(config.http.review_roots.clone());
    let registry = kinds::registry(roots, config.worker.drills, Some(agents), Some(side.clone()));
    let orphan = tokio::select! {
        orphan = isolate::serve(&registry) => orphan?,
        never = open_when(asked, session) => match never {},
    };
    if let Some(orphan) = orphan {
        timeout(GIVE_BACK, give_back(orphan, session)).await.map_err(|_| {
            Failure::unavailable(
                "the worker is gone, and the store does not answer: the job waits for its lease to end",
            )
        })??;
    }
    if let Some(store) = side.opened() {
        store.close().await;
    }
    drop(ignored);
    Ok(Exit::Ok)
}

/// Where an opened store goes.
type Wanted = oneshot::Sender<Result<Arc<dyn Store>, String>>;

/// The store, once [`open_when`] has opened it.
async fn opened(ask: mpsc::Sender<Wanted>) -> Result<Arc<dyn Store>, String> {
    let (wanted, opened) = oneshot::channel();
    let gone = || "the process ends".to_owned();
    ask.send(wanted).await.map_err(|_| gone())?;
    opened.await.map_err(|_| gone())?
}

/// Opens the store whenever it is asked for.
async fn open_when(mut asked: mpsc::Receiver<Wanted>, session: &Session) -> Infallible {
    while let Some(wanted) = asked.recv().await {
        let _ = wanted.send(open(session).await.map_err(|failure| failure.to_string()));
    }
    pending().await
}

/// The store, with one connection for one job.
async fn open(session: &Session) -> Result<Arc<dyn Store>, Failure> {
    let mut place = Place::of(&session.loaded)?;
    if let Place::Remote(options) = &mut place {
        options.pool = 1;
    }
    let store = place.open(false).await?;
    Ok(archive::behind(store, &session.loaded.config, &Metrics::new())?.0)
}

async fn give_back(orphan: Orphan, session: &Session) -> Result<(), Failure> {
    let store = open(session).await?;
    let settled = orphan.give_back(&*store).await;
    store.close().await;
    let settled = settled?;
    tracing::warn!(?settled, "the worker is gone: its job was given back by the process that ran it alone");
    Ok(())
}
