//! One call of git: started, fed, read within bounds, and ended whatever happens.

use super::{Error, Git, said};
use std::{ffi::OsString, io, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, Command},
    time::timeout,
};

/// Bytes of an answer, unless a call says otherwise.
const MAX_OUTPUT: usize = 4 << 20;
/// Bytes that are read of what git complains.
const MAX_STDERR: usize = 64 << 10;
/// How long a call may take.
const LIMIT: Duration = Duration::from_mins(2);

/// A call in the making.
pub(crate) struct Call<'a> {
    git: &'a Git,
    args: Vec<OsString>,
    input: Vec<u8>,
    max: usize,
    limit: Duration,
}

/// How a call ended.
pub(crate) struct Answer {
    pub output: Vec<u8>,
    /// `None` if it was ended by a signal.
    pub code: Option<i32>,
    pub stderr: Vec<u8>,
}

impl<'a> Call<'a> {
    pub(super) fn new(git: &'a Git, args: Vec<OsString>) -> Self {
        Self { git, args, input: Vec::new(), max: MAX_OUTPUT, limit: LIMIT }
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    pub fn args<'s>(mut self, args: impl IntoIterator<Item = &'s str>) -> Self {
        self.args.extend(args.into_iter().map(OsString::from));
        self
    }

    /// What it reads from its standard input.
    pub fn input(mut self, input: Vec<u8>) -> Self {
        self.input = input;
        self
    }

    /// Most bytes of an answer.
    pub fn at_most(mut self, bytes: usize) -> Self {
        self.max = bytes;
        self
    }

    /// The answer of a call that must succeed.
    pub async fn run(self) -> Result<Vec<u8>, Error> {
        let call = self.name();
        let answer = self.answer().await?;
        if answer.code == Some(0) {
            return Ok(answer.output);
        }
        let status = answer.code.map_or_else(|| "killed".to_owned(), |code| format!("exit status {code}"));
        Err(Error::Failed { call, status, message: said(&answer.stderr) })
    }

    /// The answer of a call that may fail.
    pub async fn answer(self) -> Result<Answer, Error> {
        let (call, limit) = (self.name(), self.limit);
        let mut group = Group::start(&self)?;
        tokio::select! {
            answer = timeout(limit, group.talk(&self)) => {
                answer.map_err(|_| Error::Timeout { call, limit })?
            }
            () = self.git.watch.ended() => Err(Error::Interrupted),
        }
    }

    /// The subcommand, for messages.
    fn name(&self) -> String {
        self.args.first().map(|arg| arg.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

/// A git process and those it started; they end with it.
struct Group {
    child: Child,
    running: bool,
}

impl Group {
    fn start(call: &Call<'_>) -> Result<Self, Error> {
        let stdin = if call.input.is_empty() { Stdio::null() } else { Stdio::piped() };
        let child = Command::new("git")
            .arg("--no-pager")
            .args(&call.args)
            .current_dir(&call.git.dir)
            .env_clear()
            .envs(call.git.environment())
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(Error::Start)?;
        Ok(Self { child, running: true })
    }

    async fn talk(&mut self, call: &Call<'_>) -> Result<Answer, Error> {
        let pipe = |error| Error::Pipe { call: call.name(), error };
        let (mut stdin, stdout, stderr) = (self.child.stdin.take(), self.child.stdout.take(), self.child.stderr.take());
        let feed = async move {
            if let Some(stdin) = stdin.as_mut() {
                // It may end without reading all; what it then says tells why.
                let _ = stdin.write_all(&call.input).await;
            }
            drop(stdin);
            Ok(())
        };
        let read = async {
            let output = read(stdout, call.max).await.map_err(pipe)?;
            output.ok_or_else(|| Error::TooMuch { call: call.name(), max: call.max })
        };
        let complaints = async { read_start(stderr).await.map_err(pipe) };
        let ((), output, stderr) = tokio::try_join!(feed, read, complaints)?;
        let status = self.child.wait().await.map_err(pipe)?;
        self.running = false;
        Ok(Answer { output, code: status.code(), stderr })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Not once it was waited for: its number may by then be another's.
        let id = self.child.id().filter(|_| self.running);
        if let Some(pid) = id.and_then(|id| rustix::process::Pid::from_raw(id as i32)) {
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
    }
}

/// Everything, or `None` if it is more than `max`.
async fn read(from: Option<impl AsyncRead + Unpin>, max: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(max as u64 + 1).read_to_end(&mut bytes).await?;
    }
    Ok((bytes.len() <= max).then_some(bytes))
}

/// The start; the rest is read too, or the other side would wait forever.
async fn read_start(from: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let Some(mut from) = from else { return Ok(Vec::new()) };
    let mut bytes = Vec::new();
    let mut piece = vec![0; 8 << 10];
    loop {
        let read = from.read(&mut piece).await?;
        if read == 0 {
            return Ok(bytes);
        }
        let room = MAX_STDERR.saturating_sub(bytes.len()).min(read);
        bytes.extend_from_slice(&piece[..room]);
    }
}
