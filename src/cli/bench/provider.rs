//! The scripted provider of a measurement, in a process of its own, so that what it costs can be told apart.

use super::failed;
use crate::exit::Failure;
use flotilla_dev_model::{Script, Then, When};
use flotilla_workers::bench::{Plan, Provider};
use std::{io, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStderr, Command},
    task::JoinHandle,
    time::timeout,
};

/// How long it may take to start.
const START: Duration = Duration::from_secs(30);
/// What stands before its address in what it says.
const ADDRESS: &str = "scripted model provider on ";
/// A word that is one token of its own.
const WORD: &str = " word";

/// It runs until this is dropped.
pub struct Scripted {
    child: Child,
    /// Reads what it says, so that it never waits for a reader.
    reader: JoinHandle<()>,
    url: String,
}

impl Scripted {
    /// Starts one that answers everything with as many words, as fast, as the plan has it.
    pub async fn start(plan: Plan) -> Result<Self, Failure> {
        let script = script(plan)?;
        let program = std::env::current_exe().map_err(failed)?;
        let mut child = Command::new(program)
            .args(["dev-model", "--listen", "127.0.0.1:0", "--script", "/dev/stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let silent = || failed("the scripted provider has no pipe");
        let (mut stdin, stderr) = child.stdin.take().zip(child.stderr.take()).ok_or_else(silent)?;
        stdin.write_all(script.as_bytes()).await.map_err(failed)?;
        drop(stdin);
        let mut lines = BufReader::new(stderr).lines();
        let url =
            timeout(START, address(&mut lines)).await.map_err(|_| failed("the scripted provider did not start"))??;
        let reader = tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { child, reader, url })
    }

    pub fn provider(&self) -> Provider {
        Provider { base_url: format!("{}/v1", self.url), pid: self.child.id().unwrap_or_default() }
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

fn script(plan: Plan) -> Result<String, Failure> {
    let text = WORD.repeat(usize::try_from(plan.tokens).unwrap_or(usize::MAX));
    let script = Script { tokens_per_second: plan.tokens_per_second, ..Script::default() };
    toml::to_string(&script.rule(When::default(), Then::text(text))).map_err(failed)
}

async fn address(lines: &mut Lines<BufReader<ChildStderr>>) -> Result<String, Failure> {
    let mut last = String::new();
    while let Some(line) = lines.next_line().await.map_err(failed)? {
        let address = line.split_once(ADDRESS).and_then(|(_, rest)| rest.split(';').next());
        if let Some(address) = address {
            return Ok(address.to_owned());
        }
        last = line;
    }
    Err(failed(io::Error::other(format!("the scripted provider ended: {last}"))))
}
