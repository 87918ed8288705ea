//! A process of this program that listens somewhere, started for a measurement.

use super::failed;
use crate::exit::Failure;
use std::{io, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{ChildStderr, Command},
    task::JoinHandle,
    time::timeout,
};

/// How long it may take to start.
const START: Duration = Duration::from_secs(30);
/// What stands before all variables of ours.
const OURS: &str = "FLOTILLA_";

/// It runs until this is dropped.
pub struct Child {
    process: tokio::process::Child,
    /// Reads what it says, so that it never waits for a reader.
    reader: JoinHandle<()>,
    /// Where it listens: scheme, host and port.
    pub url: String,
}

impl Child {
    /// Starts one with `input` as its standard input, and waits until it says where it listens: behind `says`.
    ///
    /// Of this program's settings it sees only the given variables.
    pub async fn start(args: &[&str], variables: &[(&str, &str)], input: &str, says: &str) -> Result<Self, Failure> {
        let name = args.first().copied().unwrap_or_default();
        let program = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with(OURS) {
                command.env_remove(variable);
            }
        }
        let mut child = command.envs(variables.iter().copied()).spawn().map_err(failed)?;
        let silent = || failed(format!("`{name}` has no pipe"));
        let (mut stdin, stderr) = child.stdin.take().zip(child.stderr.take()).ok_or_else(silent)?;
        stdin.write_all(input.as_bytes()).await.map_err(failed)?;
        drop(stdin);
        let mut lines = BufReader::new(stderr).lines();
        let url = timeout(START, address(&mut lines, says)).await;
        let url = url.map_err(|_| failed(format!("`{name}` did not start within {} s", START.as_secs())))?;
        let url = url.map_err(|error| failed(format!("`{name}` ended: {error}")))?;
        let reader = tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { process: child, reader, url })
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.process.id().unwrap_or_default()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// The address, or else the last thing that was said.
async fn address(lines: &mut Lines<BufReader<ChildStderr>>, says: &str) -> io::Result<String> {
    let mut last = String::new();
    while let Some(line) = lines.next_line().await? {
        let address = line.split_once(says).and_then(|(_, rest)| rest.split([';', ' ']).next());
        if let Some(address) = address {
            return Ok(address.to_owned());
        }
        last = line;
    }
    Err(io::Error::other(last))
}
