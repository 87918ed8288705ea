//! Runs a program of an operator's choice where it can do nothing but compute: it reads what it is made of and writes to
//! one directory, has no network, no environment and no rights, within limits, and nothing of it is left afterwards.
//!
//! The process is made of three. The worker starts our own program once more as a *keeper*, in a process group of its
//! own, and holds a socket to it. The keeper takes a PID, network and IPC namespace where it can get them, and starts the
//! program's process, which takes its limits, Landlock and seccomp upon itself and then becomes the program. Once that
//! ends the keeper says how, and the worker kills the group, which nobody may leave; where the worker is gone, the
//! keeper does. No code runs between a fork and an exec.
//!
//! Servers ([`Served`]) have a keeper too, which confines nothing, and only sees to it that nothing of them is left.

mod calls;
mod files;
mod keeper;
mod output;
mod program;
mod serve;
mod served;

pub use keeper::keep;
pub use served::{Keeper, Served};

use output::Output;
use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};
use std::{
    io,
    os::{fd::OwnedFd, unix::net::UnixStream as Pair},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::UnixStream,
    process::{Child, Command},
    time::{Instant, timeout_at},
};

/// How long the keeper may take to say that it kept a program that does nothing.
const CHECK: Duration = Duration::from_secs(30);

/// What programs are made of: libraries, interpreters, compilers. Neither keys nor the data of others belong there.
const SYSTEM: &[&str] = &["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/alternatives", "/etc/ld.so.cache"];

/// How programs are confined.
#[derive(Clone, Debug)]
pub struct Sandbox {
    /// Our own program, which calls [`keep`] when it is started with `arguments`.
    pub helper: PathBuf,
    #[allow(missing_docs)]
    pub arguments: Vec<String>,
    /// What programs may read and run, beside their own directory; what is not there is left out.
    pub read: Vec<PathBuf>,
    #[allow(missing_docs)]
    pub limits: Limits,
}

/// What a program may use up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Of processor time, each process.
    pub cpu_seconds: u64,
    /// Of address space, each process.
    pub memory_bytes: u64,
    /// Of one file.
    pub file_bytes: u64,
    /// Open at once, each process.
    pub files: u64,
    /// Processes and threads; held where there are namespaces, since without them it counts what others run.
    pub processes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { cpu_seconds: 600, memory_bytes: 4 << 30, file_bytes: 1 << 30, files: 1_024, processes: 512 }
    }
}

/// A program to run.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Program<'a> {
    /// The first is an absolute path.
    pub arguments: &'a [String],
    /// All there is.
    pub environment: &'a [(String, String)],
    /// Where it runs.
    pub dir: &'a Path,
    /// The only place that it writes to.
    pub writable: &'a Path,
    pub timeout: Duration,
}

/// What came of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Ran {
    pub ended: Ended,
    /// Its start and its end.
    pub stdout: Vec<u8>,
    /// Its start and its end.
    pub stderr: Vec<u8>,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this status.
    Status(i32),
    /// By a signal.
    Signal(i32),
    /// It was not done in time.
    Late,
    /// It said more than anyone would read.
    TooMuch,
}

/// Why nothing was run.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum Unfit {
    #[error("the sandbox could not be started: {0}")]
    Start(#[from] io::Error),
    #[error("programs cannot be confined here: {0}")]
    Refused(String),
    #[error("{0}")]
    Started(String),
    #[error("the sandbox broke off without a word; its process may have been killed")]
    Broken,
}

/// What the worker tells the keeper, and the keeper the program's process.
#[derive(Clone, Serialize, Deserialize)]
enum Order {
    Keep(Task),
    Become(Task),
    Serve(Service),
    Turn(Service),
}

/// A program that is not confined, and speaks with the worker over pipes.
#[derive(Clone, Serialize, Deserialize)]
struct Service {
    /// The first is an absolute path.
    arguments: Vec<String>,
    /// All there is; it may hold keys.
    environment: Vec<(String, String)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Task {
    /// Nothing: only take all restrictions.
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    dir: PathBuf,
    writable: PathBuf,
    read: Vec<PathBuf>,
    limits: Limits,
    /// Whether there are namespaces.
    apart: bool,
}

/// What the keeper tells the worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Report {
    Ended {
        code: Option<i32>,
        signal: Option<i32>,
        apart: bool,
    },
    Refused(String),
    /// A server is there.
    Started,
}

impl Sandbox {
    /// One with the usual limits, where programs read what the system is made of.
    pub fn new(helper: impl Into<PathBuf>, arguments: &[&str]) -> Self {
        Self {
            helper: helper.into(),
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            read: SYSTEM.iter().map(PathBuf::from).collect(),
            limits: Limits::default(),
        }
    }

    /// Whether everything can be enforced here, and if so whether there are namespaces, too.
    pub async fn check(&self) -> Result<bool, Unfit> {
        let dir = PathBuf::from("/");
        let task = self.task(&Program { arguments: &[], environment: &[], dir: &dir, writable: &dir, timeout: CHECK });
        let mut group = Group::start(self, task).await?;
        match timeout_at(Instant::now() + CHECK, group.report()).await {
            Ok(Ok(Report::Ended { code: Some(0), apart, .. })) => Ok(apart),
            Ok(Ok(Report::Refused(why))) => Err(Unfit::Refused(why)),
            Ok(Err(error)) => Err(error.into()),
            _ => Err(Unfit::Broken),
        }
    }

    /// Runs a program to its end, or until it is late. It is killed, and all that it started, when this returns or is
    /// dropped.
    pub async fn run(&self, program: &Program<'_>) -> Result<Ran, Unfit> {
        let deadline = Instant::now() + program.timeout;
        let mut group = Group::start(self, self.task(program)).await?;
        let (mut stdout, mut stderr) = (Output::of(group.child.stdout.take()), Output::of(group.child.stderr.take()));
        let ended = {
            let reading = async { tokio::try_join!(stdout.read(), stderr.read()) };
            tokio::pin!(reading);
            let mut read = false;
            let ended = loop {
                tokio::select! {
                    biased;
                    whole = &mut reading, if !read => {
                        read = true;
                        if whole.is_err() {
                            break Ended::TooMuch;
                        }
                    }
                    report = timeout_at(deadline, group.report()) => break match report {
                        Err(_) => Ended::Late,
                        Ok(Ok(Report::Ended { code: Some(code), .. })) => Ended::Status(code),
                        Ok(Ok(Report::Ended { signal, .. })) => Ended::Signal(signal.unwrap_or_default()),
                        Ok(Ok(Report::Refused(why))) => return Err(Unfit::Refused(why)),
                        Ok(Ok(Report::Started) | Err(_)) => return Err(Unfit::Broken),
                    },
                }
            };
            // Nobody who could hold the pipes open is left, so they end.
            group.kill();
            if !read {
                // What is missing then is only counted.
                let _ = reading.await;
            }
            ended
        };
        group.child.wait().await?;
        Ok(Ran { ended, stdout: stdout.text(), stderr: stderr.text() })
    }

    fn task(&self, program: &Program<'_>) -> Task {
        Task {
            arguments: program.arguments.to_vec(),
            environment: program.environment.to_vec(),
            dir: program.dir.to_owned(),
            writable: program.writable.to_owned(),
            read: self.read.clone(),
            limits: self.limits,
            apart: false,
        }
    }
}

/// The keeper and all it started.
struct Group {
    child: Child,
    id: Option<Pid>,
    socket: BufReader<UnixStream>,
    /// What was read of a report; a wait for one may be given up in between.
    line: Vec<u8>,
}

impl Group {
    async fn start(sandbox: &Sandbox, task: Task) -> io::Result<Self> {
        let (ours, theirs) = Pair::pair()?;
        ours.set_nonblocking(true)?;
        let socket = UnixStream::from_std(ours)?;
        let child = Command::new(&sandbox.helper)
            .args(&sandbox.arguments)
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let id = child.id().and_then(|id| Pid::from_raw(id as i32));
        let mut group = Self { child, id, socket: BufReader::new(socket), line: Vec::new() };
        let mut order = serde_json::to_vec(&Order::Keep(task))?;
        order.push(b'\n');
        group.socket.write_all(&order).await?;
        Ok(group)
    }

    async fn report(&mut self) -> io::Result<Report> {
        self.socket.read_until(b'\n', &mut self.line).await?;
        Ok(serde_json::from_slice(&self.line)?)
    }

    /// The keeper has not been waited for, so the group's number is still its own.
    fn kill(&mut self) {
        if let Some(id) = self.id.take() {
            // It may be gone already.
            let _ = kill_process_group(id, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
