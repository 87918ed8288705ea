//! `flotilla completions`: for a shell.

use super::output;
use crate::exit::{Exit, Failure};
use clap::Command;
use clap_complete::Shell;

/// Which shell.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  flotilla completions bash > ~/.local/share/bash-completion/completions/flotilla")]
pub struct Args {
    shell: Shell,
}

pub fn run(args: &Args, mut command: Command) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "flotilla", &mut script);
    output::raw(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Ok)
}
