//! `flotilla watch`: follows a job until it has ended.

use super::{
    backend::Backend,
    live::{self, Show},
    session::Session,
};
use crate::{
    exit::{Exit, Failure},
    shutdown::Shutdown,
};
use flotilla_jobs::{JobId, JobState};

/// Which job.
#[derive(clap::Args)]
#[command(after_help = "Output goes to stdout, state and progress to stderr. Ctrl-C stops watching, not the job.\n\n\
                        Exit code 0 where the job completed, 1 where it ended otherwise.")]
pub struct Args {
    id: JobId,
    /// Go on after the event of this number
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    after: u64,
}

pub async fn run(args: Args, session: &Session) -> Result<Exit, Failure> {
    let backend = session.backend().await?;
    let exit = watch(&*backend, args.id, args.after, session.json).await;
    backend.close().await;
    exit
}

/// Follows a job and says by its exit code how it ended.
pub async fn watch(backend: &dyn Backend, id: JobId, after: u64, json: bool) -> Result<Exit, Failure> {
    let shutdown = Shutdown::listen()?;
    let show = if json { Show::Json } else { Show::Output };
    let end = live::follow(backend, id, after, show, &shutdown.stop).await?;
    Ok(match end.map(|change| change.state) {
        None => Exit::Interrupted,
        Some(JobState::Completed) => Exit::Ok,
        Some(_) => Exit::Findings,
    })
}
