//! `flotilla review`: submits a code-review of a git work tree, follows it and prints what it found.

mod earlier;

use super::{
    backend::Backend,
    embedded::{Embedded, QUEUE},
    live::{self, Show},
    output,
    remote::Remote,
    session::Session,
};
use crate::{
    actions::Action,
    exit::{Exit, Failure},
    review::{self, Format},
    shutdown::Shutdown,
};
use flotilla_jobs::{
    Accepted, JobId, JobState, NewJob, Options, Priority,
    kinds::{CodeReview, Review, Severity, Source},
};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// What other commands read in the directory that they are started in.
const PASSED_OVER: &str = "flotilla.toml";
/// How long a cancelled review may take to end.
const CANCEL: Duration = Duration::from_secs(10);

/// Which change, and how it is shown.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  flotilla review .                            the commits of this branch
  flotilla review . --base main --unstaged     and what is not committed yet
  flotilla review . --staged --fail-on medium  in a pre-commit hook
  flotilla review . --format sarif > findings.sarif

Runs in this process, on a SQLite file in the user's data directory, unless server.url (--server) names a server. A flotilla.toml in the current directory is not read: it may be a stranger's.
Exit code 1 from the severity --fail-on on.")]
pub struct Args {
    /// Git work tree
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Revision to compare with [default: the remote's default branch, else main, else master]
    #[arg(long, value_name = "REVISION")]
    base: Option<String>,
    /// Revision to review [default: HEAD]
    #[arg(long, value_name = "REVISION")]
    head: Option<String>,
    /// Also what is staged
    #[arg(long)]
    staged: bool,
    /// Also what is changed but not staged, and untracked files
    #[arg(long)]
    unstaged: bool,
    /// How findings are shown
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Mildest severity that makes the exit code 1: info, low, medium, high or critical
    #[arg(long, value_name = "SEVERITY", default_value = "high", value_parser = severity)]
    fail_on: Severity,
    /// In this process, also where a server is configured
    #[arg(long)]
    local: bool,
}

pub async fn run(args: Args, session: &Session) -> Result<Exit, Failure> {
    let path = args.path.canonicalize().map_err(|e| Failure::usage(format!("{}: {e}", args.path.display())))?;
    let Args { base, head, staged, unstaged, .. } = args;
    let source = Source::WorkTree { path, base, head, staged, unstaged };
    let job = NewJob::of(&CodeReview { source: source.clone() })?;
    let format = args.format.unwrap_or(if session.json { Format::Json } else { Format::People });
    let shutdown = Shutdown::listen()?;
    if session.loaded.file.is_none() && Path::new(PASSED_OVER).is_file() {
        output::note(
            "flotilla.toml here is not read, since it may be a stranger's; if it is yours: --config flotilla.toml",
        );
    }

    let client = if args.local { None } else { session.client()? };
    let ended = if let Some(client) = client {
        let backend = Remote::new(client);
        match backend.submit(vec![job]).await {
            Ok(accepted) => review(&backend, first(&accepted)?.id, false, &shutdown).await,
            Err(failure) => Err(failure),
        }
    } else {
        let asked = earlier::asked(&source).await;
        let options =
            Options { queue: Some(QUEUE.to_owned()), priority: Priority::try_from(0).ok(), ..Options::default() };
        let embedded = Embedded::start(session).await?;
        let ended = match earlier::submit(&embedded.backend, job.with(options), asked.as_ref()).await {
            Ok((id, is_earlier)) => review(&embedded.backend, id, is_earlier, &shutdown).await,
            Err(failure) => Err(failure),
        };
        embedded.end(shutdown.hard.is_cancelled()).await;
        ended
    };
    let Some(review) = ended? else { return Ok(Exit::Interrupted) };
    review::render(&review, format, &mut anstream::stdout().lock())?;
    Ok(if review::exit_code(&review, args.fail_on) == 0 { Exit::Ok } else { Exit::Findings })
}

fn first(accepted: &[Accepted]) -> Result<Accepted, Failure> {
    accepted.first().copied().ok_or_else(|| Failure::unavailable("the job was not answered"))
}

/// Follows a review, perhaps one that an earlier command left; `None` where it was interrupted.
async fn review(
    backend: &dyn Backend,
    id: JobId,
    is_earlier: bool,
    shutdown: &Shutdown,
) -> Result<Option<Review>, Failure> {
    let mut end = live::follow(backend, id, 0, Show::Aside, &shutdown.stop).await?;
    if is_earlier && end.as_ref().is_some_and(|end| end.state == JobState::Quarantined) {
        // Killed twice, it was taken for what killed its worker. Whoever asks for it once more wants it.
        backend.act(Action::Retry, id).await?;
        end = live::follow(backend, id, 0, Show::Aside, &shutdown.stop).await?;
    }
    let Some(end) = end else {
        cancel(backend, id, &shutdown.hard).await?;
        return Ok(None);
    };
    if end.state != JobState::Completed {
        let why = end.error.map_or_else(|| end.state.to_string(), |fault| fault.message);
        return Err(Failure::new(Exit::Findings, format!("the review did not complete: {why}")));
    }
    let job = backend.get(id).await?.ok_or_else(|| Failure::no_job(id))?;
    let output = job.output.ok_or_else(|| Failure::unavailable(format!("job {id} completed without an output")))?;
    let review = serde_json::from_str(output.get())
        .map_err(|e| Failure::unavailable(format!("the output of job {id} cannot be read: {e}")))?;
    Ok(Some(review))
}

async fn cancel(backend: &dyn Backend, id: JobId, hard: &CancellationToken) -> Result<(), Failure> {
    output::note("cancelling the review; once more to stop at once");
    backend.act(Action::Cancel, id).await?;
    tokio::select! {
        ended = live::follow(backend, id, 0, Show::Aside, hard) => ended.map(drop),
        () = tokio::time::sleep(CANCEL) => Ok(()),
    }
}

fn severity(text: &str) -> Result<Severity, String> {
    let found = Severity::ALL.into_iter().find(|severity| severity.as_str() == text);
    found.ok_or_else(|| format!("use one of: {}", Severity::ALL.map(Severity::as_str).join(", ")))
}
