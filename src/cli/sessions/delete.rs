//! `flotilla sessions delete`: gone is gone, so a person is asked first, and a program says `--yes`.

use crate::{
    cli::backend::Backend,
    exit::{Exit, Failure},
};
use flotilla_jobs::SessionId;
use std::io::{BufRead, IsTerminal, Write};

/// Which sessions.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Ids of sessions
    #[arg(required = true)]
    ids: Vec<SessionId>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

impl Args {
    /// Whether it is meant. Where nobody can be asked, it has to be said.
    pub(super) fn sure(&self) -> Result<bool, Failure> {
        if self.yes {
            return Ok(true);
        }
        if !std::io::stdin().is_terminal() {
            return Err(Failure::usage("what is deleted does not come back: add --yes"));
        }
        let what = if self.ids.len() == 1 { "this session" } else { "these sessions" };
        anstream::eprint!("delete {what} with all that was said? [y/N] ");
        std::io::stderr().flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }
}

pub(super) async fn run(args: &Args, backend: &dyn Backend, json: bool) -> Result<Exit, Failure> {
    super::each(&args.ids, "deleted", json, async |id| backend.delete_session(id).await).await
}
