//! `flotilla ls`: jobs, newest first.

use super::{filter::FilterArgs, output, session::Session};
use crate::exit::{Exit, Failure};
use flotilla_jobs::{JobId, JobRecord};

/// Which jobs, and how many.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  flotilla ls --state failed --kind code-review\n  flotilla ls --label team=core --json"
)]
pub struct Args {
    #[command(flatten)]
    filter: FilterArgs,
    /// Most jobs to list
    #[arg(long, short = 'n', default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
    /// Go on after this job: the id that the page before ended with
    #[arg(long, value_name = "ID")]
    after: Option<JobId>,
}

pub async fn run(args: Args, session: &Session) -> Result<Exit, Failure> {
    let filter = args.filter.filter()?;
    let backend = session.backend().await?;
    let page = backend.list(&filter, args.after, args.limit).await;
    backend.close().await;
    let page = page?;
    if session.json {
        output::json(&page)?;
        return Ok(Exit::Ok);
    }
    if page.jobs.is_empty() {
        output::note("no jobs");
        return Ok(Exit::Ok);
    }
    let rows: Vec<_> = page.jobs.iter().map(row).collect();
    output::table(&["ID", "KIND", "STATE", "QUEUE", "PRIO", "CREATED", "NOTE"], &rows)?;
    if let Some(next) = page.next {
        output::note(&format!("more: --after {next}"));
    }
    Ok(Exit::Ok)
}

fn row(job: &JobRecord) -> Vec<String> {
    let note = match (&job.error, &job.reason, &job.progress) {
        _ if job.cancel_requested && !job.state.is_terminal() => "cancel asked".to_owned(),
        (Some(fault), ..) => format!("{}: {}", fault.code, fault.message.lines().next().unwrap_or_default()),
        (_, Some(reason), _) => reason.clone(),
        (.., Some(progress)) if !job.state.is_terminal() => progress.message.clone(),
        _ => String::new(),
    };
    vec![
        job.id.to_string(),
        job.kind.clone(),
        job.state.to_string(),
        job.queue.clone(),
        job.priority.to_string(),
        output::ago(job.created_at),
        note.chars().take(80).collect(),
    ]
}
