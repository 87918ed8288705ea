//! `flotilla sessions`: conversations, for those who look after them.

mod archive;
mod delete;
mod export;
mod list;
mod show;

use super::{output, session::Session as Cli};
use crate::exit::{Exit, Failure};
use clap::Subcommand;
use flotilla_jobs::{SessionId, api::ForkSession};
use serde_json::json;

/// What to do.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List sessions, the newest first
    #[command(visible_alias = "list")]
    Ls(list::Args),
    /// Show one session and what was said in it
    Show(show::Args),
    /// Open a session that has what another one has up to an entry, and goes on by itself
    Fork(ForkArgs),
    /// Write a session as JSON lines: the session first, then each entry
    Export(export::Args),
    /// Take sessions to the archive; they come back by themselves when somebody asks for what was said in them
    Archive(archive::Args),
    /// Bring sessions back from the archive
    Restore(archive::RestoreArgs),
    /// Delete sessions with all that was said in them, and cancel their turns
    Delete(delete::Args),
}

#[derive(clap::Args)]
struct ForkArgs {
    id: SessionId,
    /// The last entry that both have
    entry: u64,
    /// Of the fork; the same as the origin's unless given
    #[arg(long)]
    title: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  flotilla sessions ls --tenant acme
  flotilla sessions show ID              what was said, as its newest answer has it
  flotilla sessions show ID --branch 7   as entry 7 has it
  flotilla sessions fork ID 7
  flotilla sessions export ID -o talk.jsonl
  flotilla sessions archive --idle 90
  flotilla sessions delete ID --yes";

pub async fn run(args: Args, cli: &Cli) -> Result<Exit, Failure> {
    // Before anything is opened: there may be nobody to ask.
    if let Command::Delete(args) = &args.command
        && !args.sure()?
    {
        return Ok(Exit::Ok);
    }
    let backend = cli.backend().await?;
    let done = match args.command {
        Command::Ls(args) => list::run(args, &*backend, cli.json).await,
        Command::Show(args) => show::run(&args, &*backend, cli.json).await,
        Command::Export(args) => export::run(&args, &*backend).await,
        Command::Delete(args) => delete::run(&args, &*backend, cli.json).await,
        Command::Archive(args) => archive::run(&args, &*backend, cli.json).await,
        Command::Restore(args) => archive::restore(&args, &*backend, cli.json).await,
        Command::Fork(ForkArgs { id, entry, title }) => {
            let forked = backend.fork_session(id, ForkSession { entry, id: None, title }).await;
            forked.and_then(|forked| {
                if cli.json {
                    output::json(&forked)?;
                } else {
                    output::line(&forked.id.to_string())?;
                }
                Ok(Exit::Ok)
            })
        }
    };
    backend.close().await;
    done
}

/// Does something to each of some sessions, and says of which there is none.
async fn each(
    ids: &[SessionId],
    done: &str,
    as_json: bool,
    act: impl AsyncFn(SessionId) -> Result<bool, Failure>,
) -> Result<Exit, Failure> {
    let (mut exit, mut answers) = (Exit::Ok, Vec::new());
    for id in ids {
        let there = act(*id).await?;
        if !there {
            exit = Exit::NotFound;
        }
        let (answer, words) = if there { ("done", done) } else { ("not_found", "there is no such session") };
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
