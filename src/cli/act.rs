//! `flotilla cancel`, `retry` and `resume`: jobs by id, or every one that matches.

use super::{backend::Backend, filter::FilterArgs, output, session::Session};
use crate::{
    actions::{Action, Done},
    exit::{Exit, Failure},
};
use flotilla_jobs::{Filter, JobId};
use serde_json::json;

/// Which jobs.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  flotilla cancel ID\n  flotilla retry --kind code-review --state failed --all")]
pub struct Args {
    /// Ids of jobs
    ids: Vec<JobId>,
    #[command(flatten)]
    filter: FilterArgs,
    /// Do it to every job that matches the filter; without a filter, to every job
    #[arg(long, conflicts_with = "ids")]
    all: bool,
}

pub async fn run(action: Action, args: Args, session: &Session) -> Result<Exit, Failure> {
    let filter = args.filter.filter()?;
    let filtered = filter != Filter::default();
    if args.ids.is_empty() && !args.all {
        let hint = if filtered { "add --all" } else { "give ids, or a filter and --all" };
        return Err(Failure::usage(format!("say which jobs to {}: {hint}", action.as_str())));
    }
    if !args.ids.is_empty() && filtered {
        return Err(Failure::usage("give either ids or a filter, not both"));
    }
    let backend = session.backend().await?;
    let exit = if args.all {
        matching(action, &*backend, &filter, session.json).await
    } else {
        each(action, &*backend, &args.ids, session.json).await
    };
    backend.close().await;
    exit
}

async fn matching(action: Action, backend: &dyn Backend, filter: &Filter, as_json: bool) -> Result<Exit, Failure> {
    let mut count = 0;
    loop {
        let swept = backend.sweep(action, filter).await?;
        count += swept.count;
        // What is left does not move: jobs that were asked to end and still run.
        if !swept.more || swept.count == 0 {
            break;
        }
    }
    if as_json {
        output::json(&json!({ "action": action.as_str(), "count": count }))?;
    } else {
        output::line(&format!("{count} {}", action.done()))?;
    }
    Ok(Exit::Ok)
}

async fn each(action: Action, backend: &dyn Backend, ids: &[JobId], as_json: bool) -> Result<Exit, Failure> {
    let mut exit = Exit::Ok;
    let mut answers = Vec::new();
    for id in ids {
        let done = backend.act(action, *id).await?;
        let (answer, words) = match done {
            Some(Done::Yes) => ("done", action.done().to_owned()),
            Some(Done::Asked) => ("asked", "is running and was asked to end".to_owned()),
            Some(Done::No(state)) => ("refused", format!("is {state}: nothing to {}", action.as_str())),
            None => ("not_found", "there is no such job".to_owned()),
        };
        exit = match (done, exit) {
            (None, _) => Exit::NotFound,
            (Some(Done::No(_)), Exit::Ok) => Exit::Findings,
            _ => exit,
        };
        if as_json {
            answers.push(json!({ "id": id, "answer": answer }));
        } else {
            output::line(&format!("{id} {words}"))?;
        }
    }
    if as_json {
        output::json(&answers)?;
    }
    Ok(exit)
}
