//! A job that was held by a worker that died runs next in a process of its own: should it be the one that kills
//! workers, it takes nobody else's job with it, and its death says beyond doubt whose fault it was.
//!
//! The process is the worker's own program once more, told to run one job ([`serve`]). The worker keeps the lease, and the
//! two speak in lines of JSON over pipes (`wire.rs`). Should it be the worker that dies, the process is the witness that
//! this job is not to blame: it gives it back ([`Orphan`]).

mod child;
mod wire;

pub use child::{Orphan, serve};

use crate::{clock::Millis, context::Context, policy::Ran, store::LiveEvent};
use flotilla_jobs::Outcome;
use serde_json::value::RawValue;
use std::{ffi::OsString, io, os::unix::process::ExitStatusExt, process::ExitStatus, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdin, Command},
};
use wire::{Said, Start};

/// Most such processes of one worker at once; the others wait for their turn under their leases.
pub(crate) const AT_ONCE: usize = 64;
/// A job whose process cannot be started is tried again after this.
const LATER: Duration = Duration::from_secs(10);
/// SIGHUP, SIGINT and SIGTERM: somebody ends processes, the job is not to blame.
const ASKED_TO_END: [i32; 3] = [1, 2, 15];

/// How to start a process for one job.
#[derive(Clone, Debug)]
pub struct Isolation {
    /// A program that calls [`serve`] with the same registry as the worker's.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
}

impl Isolation {
    /// Runs a job to its end.
    pub(crate) async fn run(self, payload: Box<RawValue>, started_at: Millis, cx: Context) -> Ran {
        match self.start() {
            Ok(child) => attend(child, &Start::new(payload, started_at, &cx).line(), &cx).await,
            Err(error) => {
                tracing::error!(%error, program = ?self.program, "no process could be started for the job; trying again later");
                Ran::Returned(Outcome::Snooze(LATER))
            }
        }
    }

    fn start(&self) -> io::Result<Child> {
        Command::new(&self.program)
            .args(&self.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // A Ctrl-C is for the worker, which tells the job.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }
}

async fn attend(mut child: Child, start: &str, cx: &Context) -> Ran {
    let (Some(mut to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
        return Ran::Dropped;
    };
    tell(&mut to, start).await;
    let mut lines = BufReader::new(from).lines();
    let (mut cancelled, mut stopping) = (false, false);
    loop {
        tokio::select! {
            line = lines.next_line() => match line {
                Ok(Some(line)) => if let Some(ran) = hear(&line, cx).await { return ran },
                // It is gone.
                Ok(None) | Err(_) => break,
            },
            () = cx.cancelled.cancelled(), if !cancelled => {
                cancelled = true;
                tell(&mut to, wire::CANCEL).await;
            }
            () = cx.stopping.cancelled(), if !stopping => {
                stopping = true;
                tell(&mut to, wire::STOP).await;
            }
        }
    }
    match child.wait().await {
        Ok(status) if status.signal().is_some_and(|signal| ASKED_TO_END.contains(&signal)) => Ran::Dropped,
        Ok(status) => Ran::Died(format!("the process that ran it alone {}", how(status))),
        Err(error) => Ran::Died(format!("the process that ran it alone is gone: {error}")),
    }
}

/// What one line says; the end of the run, if it is that.
async fn hear(line: &str, cx: &Context) -> Option<Ran> {
    match serde_json::from_str(line) {
        Ok(Said::Event(LiveEvent::Progress(p))) => cx.progress(p.done, p.total, p.message),
        Ok(Said::Event(LiveEvent::Output { text })) => cx.output(&text).await,
        Ok(Said::Event(LiveEvent::Text { step, attempt, text })) => cx.text(step, attempt, &text).await,
        Ok(Said::Event(LiveEvent::Reset { step, attempt })) => cx.reset(step, attempt).await,
        Ok(Said::Event(LiveEvent::Cut)) => cx.cut().await,
        Ok(Said::Left(left)) => cx.left.set(Some(left)),
        Ok(Said::Ended(ended)) => return Some(ended.into()),
        Err(_) => tracing::debug!(line, "a job printed something"),
    }
    None
}

/// What cannot be told to a process that is gone is seen by its end.
async fn tell(to: &mut ChildStdin, line: &str) {
    let _ = to.write_all(line.as_bytes()).await;
    let _ = to.flush().await;
}

fn how(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(4), _) => "was killed by SIGILL".to_owned(),
        (Some(6), _) => "was killed by SIGABRT: it aborted, or ran out of memory or of stack".to_owned(),
        (Some(7), _) => "was killed by SIGBUS".to_owned(),
        (Some(9), _) => "was killed by SIGKILL: most often for want of memory".to_owned(),
        (Some(11), _) => "was killed by SIGSEGV: most often its stack overflowed".to_owned(),
        (Some(signal), _) => format!("was killed by signal {signal}"),
        (None, code) => format!("exited with code {} in the midst of it", code.unwrap_or(-1)),
    }
}
