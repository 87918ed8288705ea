//! `flotilla approvals`, `approve` and `deny`: calls of tools that wait for a person.

use super::{output, session::Session};
use crate::{
    exit::{Exit, Failure},
    shown,
};
use flotilla_jobs::{
    JobId,
    api::{Approval, ApprovalId, Decision, Say},
};
use serde_json::json;

/// Which.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  flotilla approvals\n  flotilla approvals --all --json\n  flotilla approve ID\n  flotilla deny ID --reason 'not in production'"
)]
pub struct Args {
    /// Those that are decided, too
    #[arg(long)]
    all: bool,
    /// Of this job only
    #[arg(long, value_name = "ID")]
    job: Option<JobId>,
    /// Most lines
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

/// Which, and why.
#[derive(clap::Args)]
pub struct DecideArgs {
    /// Ids of approvals, as `flotilla approvals` lists them
    #[arg(required = true)]
    ids: Vec<ApprovalId>,
    /// Why; the model is told of a denial's reason
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Who decides [default: $USER]
    #[arg(long, value_name = "NAME", env = "USER")]
    by: Option<String>,
}

pub async fn list(args: Args, session: &Session) -> Result<Exit, Failure> {
    let state = (!args.all).then_some(Decision::Pending);
    let backend = session.backend().await?;
    let found = backend.approvals(state, args.job, args.limit).await;
    backend.close().await;
    print(&found?, session.json)?;
    Ok(Exit::Ok)
}

pub async fn decide(approve: bool, args: DecideArgs, session: &Session) -> Result<Exit, Failure> {
    let say = Say { by: args.by.filter(|by| !by.is_empty()), reason: args.reason };
    say.check().map_err(|error| Failure::usage(error.to_string()))?;
    let backend = session.backend().await?;
    let exit = each(approve, &args.ids, &say, &*backend, session.json).await;
    backend.close().await;
    exit
}

async fn each(
    approve: bool,
    ids: &[ApprovalId],
    say: &Say,
    backend: &dyn super::backend::Backend,
    as_json: bool,
) -> Result<Exit, Failure> {
    let (mut exit, mut answers) = (Exit::Ok, Vec::new());
    for id in ids {
        let (this, words) = match backend.decide(*id, approve, say.clone()).await? {
            None => {
                answers.push(json!({"id": id, "answer": "not_found"}));
                (Exit::NotFound, "there is no such approval".to_owned())
            }
            Some(Ok(approval)) => {
                let words = format!("{}: {} of job {}", approval.decision.as_str(), approval.tool, approval.job);
                answers.push(json!({"id": id, "answer": approval.decision}));
                (Exit::Ok, words)
            }
            Some(Err(why)) => {
                answers.push(json!({"id": id, "answer": "refused", "message": why}));
                (Exit::Findings, why)
            }
        };
        exit = match (exit, this) {
            (_, Exit::NotFound) | (Exit::NotFound, _) => Exit::NotFound,
            (Exit::Ok, this) => this,
            (exit, _) => exit,
        };
        if !as_json {
            output::line(&format!("{id} {}", shown::line(&words)))?;
        }
    }
    if as_json {
        output::json(&answers)?;
    }
    Ok(exit)
}

fn print(approvals: &[Approval], as_json: bool) -> Result<(), Failure> {
    if as_json {
        return output::json(&approvals);
    }
    if approvals.is_empty() {
        output::note("nothing waits for a person");
        return Ok(());
    }
    for approval in approvals {
        let Approval { id, job, agent, tool, arguments, decision, expires_at, .. } = approval;
        let until = match decision {
            Decision::Pending => format!("until {expires_at:.0}"),
            _ => approval.by.as_ref().map_or_else(String::new, |by| format!("by {by}")),
        };
        let head = format!("{id}  {}  {agent} wants to call {tool}, job {job}  {until}", decision.as_str());
        output::line(shown::line(&head).trim_end())?;
        for line in arguments.lines() {
            output::line(&format!("    {}", shown::line(line)))?;
        }
    }
    Ok(())
}
