//! `--isolated`: one job in a process of its own, started by a worker whose job lost a worker before.

use super::session::Session;
use crate::{
    exit::{Exit, Failure},
    kinds,
};
use flotilla_workers::isolate::{self, Isolation};
use std::ffi::OsString;
use tokio::signal::unix::{SignalKind, signal};

const FLAG: &str = "--isolated";

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
    let served = isolate::serve(&registry).await;
    drop(ignored);
    served?;
    Ok(Exit::Ok)
}
