//! `flotilla show`: one job with everything about it, what agents did for it, and what was said.

mod steps;
mod transcript;

use super::{
    backend::Backend,
    output::{self, DIM, RESET},
    session::Session,
};
use crate::{
    exit::{Exit, Failure},
    shown,
};
use flotilla_jobs::{Cause, JobId, JobRecord, Progress};
use serde_json::value::RawValue;

/// Which job.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    id: JobId,
    /// What was said in the runs of agents, instead: prompts, answers, calls of tools and their results; with --json one
    /// message a line
    #[arg(long)]
    transcript: bool,
}

const EXAMPLES: &str = "\
Examples:
  flotilla show ID                       the job, and what agents did for it: a line for each call
  flotilla show ID --json | jq .output   for programs
  flotilla show ID --transcript          what was said";

pub async fn run(args: Args, session: &Session) -> Result<Exit, Failure> {
    let backend = session.backend().await?;
    let shown = show(&args, &*backend, session.json).await;
    backend.close().await;
    shown.map(|()| Exit::Ok)
}

async fn show(args: &Args, backend: &dyn Backend, json: bool) -> Result<(), Failure> {
    let job = backend.get(args.id).await?.ok_or_else(|| Failure::no_job(args.id))?;
    match (args.transcript, json) {
        (true, json) => transcript::show(backend, args.id, json).await,
        (false, true) => steps::json(backend, &job).await,
        (false, false) => {
            people(&job)?;
            steps::people(backend, args.id).await
        }
    }
}

fn people(job: &JobRecord) -> Result<(), Failure> {
    let styled = |name: &str, value: &str| output::line(&format!("{DIM}{name:<10}{RESET} {value}"));
    // A message of several lines stays beside its name, so that none of them looks like a field.
    let field = |name: &str, value: &str| styled(name, &shown::lines(value).replace('\n', "\n           "));
    let style = output::state_style(job.state);
    let asked = if job.cancel_requested && !job.state.is_terminal() { " (cancel asked)" } else { "" };
    field("id", &job.id.to_string())?;
    field("kind", &job.kind)?;
    styled("state", &format!("{style}{}{RESET}{asked}", job.state))?;
    field("queue", &format!("{}, priority {}", job.queue, job.priority))?;
    field("tenant", &job.tenant)?;
    if let Some(group) = &job.group {
        field("group", group)?;
    }
    for (name, value) in &job.labels {
        field("label", &format!("{name}={value}"))?;
    }
    field("created", &format!("{} ({})", job.created_at, output::ago(job.created_at)))?;
    field("run at", &job.run_at.to_string())?;
    for (name, at) in [("started", job.started_at), ("finished", job.finished_at)] {
        at.map_or(Ok(()), |at| field(name, &format!("{at} ({})", output::ago(at))))?;
    }
    let failures = job.history.iter().filter(|attempt| attempt.cause == Cause::Failure).count();
    field("attempts", &format!("{failures} failed of {}", job.max_attempts))?;
    if let Some(progress) = &job.progress {
        field("progress", &so_far(progress))?;
    }
    if let Some(reason) = &job.reason {
        field("reason", reason)?;
    }
    if let Some(fault) = &job.error {
        field("error", &format!("{}: {}", fault.code, fault.message))?;
    }
    for attempt in &job.history {
        let error = attempt.error.as_ref().map(|fault| format!(": {fault}")).unwrap_or_default();
        let at = attempt.progress.as_ref().map(|progress| format!(" at {}", so_far(progress))).unwrap_or_default();
        field("history", &format!("{} {} on {}{at}{error}", attempt.ended_at, attempt.cause.as_str(), attempt.worker))?;
    }
    json_field("input", job.payload.as_deref())?;
    json_field("output", job.output.as_deref())
}

fn so_far(progress: &Progress) -> String {
    let total = progress.total.map(|total| format!("/{total}")).unwrap_or_default();
    format!("{}{total} {}", progress.done, progress.message)
}

fn json_field(name: &str, value: Option<&RawValue>) -> Result<(), Failure> {
    let Some(value) = value else { return Ok(()) };
    let indented = serde_json::from_str::<serde_json::Value>(value.get()).ok();
    let text = indented.and_then(|value| serde_json::to_string_pretty(&value).ok());
    output::line(&format!("{DIM}{name}{RESET}\n{}", shown::lines(text.as_deref().unwrap_or(value.get()))))
}
