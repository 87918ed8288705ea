//! `--isolated`: one job in a process of its own, started by a worker whose job lost a worker before.

use super::session::Session;
use crate::{
    exit::{Exit, Failure},
    kinds,
    open::Place,
};
use flotilla_workers::isolate::{self, Isolation, Orphan};
use std::{ffi::OsString, time::Duration};
use tokio::{
    signal::unix::{SignalKind, signal},
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
    let registry = kinds::registry(Some(config.http.review_roots.clone()), config.worker.drills);
    let orphan = isolate::serve(&registry).await?;
    if let Some(orphan) = orphan {
        timeout(GIVE_BACK, give_back(orphan, session)).await.map_err(|_| {
            Failure::unavailable(
                "the worker is gone, and the store does not answer: the job waits for its lease to end",
            )
        })??;
    }
    drop(ignored);
    Ok(Exit::Ok)
}

async fn give_back(orphan: Orphan, session: &Session) -> Result<(), Failure> {
    let mut place = Place::of(&session.loaded)?;
    if let Place::Remote(options) = &mut place {
        options.pool = 1;
    }
    let store = place.open(false).await?;
    let settled = orphan.give_back(&*store).await;
    store.close().await;
    let settled = settled?;
    tracing::warn!(?settled, "the worker is gone: its job was given back by the process that ran it alone");
    Ok(())
}
