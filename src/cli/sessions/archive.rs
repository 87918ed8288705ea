//! `flotilla sessions archive` and `restore`.

use crate::{
    cli::{backend::Backend, output},
    exit::{Exit, Failure},
};
use flotilla_jobs::{
    SessionId,
    api::{ArchiveIdle, ArchiveReply},
};
use serde_json::json;

/// Which sessions go.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Ids of sessions
    #[arg(required_unless_present = "idle")]
    ids: Vec<SessionId>,
    /// All in which nothing was said for so many days; 0 for all that are not busy
    #[arg(long, value_name = "DAYS", conflicts_with = "ids")]
    idle: Option<u32>,
}

/// Which sessions come back.
#[derive(clap::Args)]
pub(super) struct RestoreArgs {
    /// Ids of sessions
    #[arg(required = true)]
    ids: Vec<SessionId>,
}

pub(super) async fn run(args: &Args, backend: &dyn Backend, json: bool) -> Result<Exit, Failure> {
    if let Some(idle_days) = args.idle {
        return idle(ArchiveIdle { idle_days }, backend, json).await;
    }
    let (mut exit, mut answers) = (Exit::Ok, Vec::new());
    for id in &args.ids {
        let reply = backend.archive_session(*id).await?;
        let words = match reply {
            Some(ArchiveReply::Archived) => "archived",
            Some(ArchiveReply::Already) => "is archived already",
            Some(ArchiveReply::Busy) => "is busy: a turn is unfinished, or a message waits",
            Some(ArchiveReply::Changed) => "changed meanwhile, and stays",
            Some(ArchiveReply::Empty) => "is empty: there is nothing to archive",
            Some(ArchiveReply::TooLarge) => "has more than 32 MiB of content, and stays on record",
            None => "there is no such session",
        };
        exit = match (reply, exit) {
            (None, _) => Exit::NotFound,
            (Some(ArchiveReply::Archived | ArchiveReply::Already), exit) => exit,
            (Some(_), Exit::Ok) => Exit::Findings,
            (Some(_), exit) => exit,
        };
        if json {
            answers.push(json!({ "id": id, "answer": reply.map_or("not_found", ArchiveReply::as_str) }));
        } else {
            output::line(&format!("{id} {words}"))?;
        }
    }
    if json {
        output::json(&answers)?;
    }
    Ok(exit)
}

async fn idle(idle: ArchiveIdle, backend: &dyn Backend, json: bool) -> Result<Exit, Failure> {
    let mut count = 0;
    loop {
        let swept = backend.archive_idle(idle).await?;
        count += swept.count;
        // What is left is busy, or does not go for another reason that the log names.
        if !swept.more || swept.count == 0 {
            break;
        }
    }
    if json {
        output::json(&json!({ "count": count }))?;
    } else {
        output::line(&format!("{count} archived"))?;
    }
    Ok(Exit::Ok)
}

pub(super) async fn restore(args: &RestoreArgs, backend: &dyn Backend, json: bool) -> Result<Exit, Failure> {
    let restore = async |id| Ok(backend.restore_session(id).await?.is_some());
    super::each(&args.ids, "is on record", json, restore).await
}
