//! A process and whoever starts it again when it ends, as an orchestrator does.

use serde_json::Value;
use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// Between the end of a process and its next start.
const BACK_OFF: Duration = Duration::from_millis(200);

/// A process that is kept running. Dropping it kills it.
pub struct Process {
    /// 0 while none runs.
    pid: Arc<AtomicU32>,
    /// What the running one calls itself in the record.
    worker: Arc<Mutex<String>>,
    stop: CancellationToken,
    keeper: JoinHandle<()>,
}

impl Process {
    /// Starts it, and again whenever it ends. Its log goes to a file in `dir`.
    pub fn start(name: &str, command: Command, dir: &Path) -> Self {
        let (pid, worker) = (Arc::new(AtomicU32::new(0)), Arc::new(Mutex::new(String::new())));
        let stop = CancellationToken::new();
        let log = dir.join(format!("{name}.log"));
        let keeper = keep(command, log, Arc::clone(&pid), Arc::clone(&worker), stop.clone());
        Self { pid, worker, stop, keeper: tokio::spawn(keeper) }
    }

    /// The name of the worker in the record, once it has started.
    pub fn worker(&self) -> String {
        self.worker.lock().expect("no user panicked").clone()
    }

    /// Sends a signal, if it runs.
    pub async fn signal(&self, signal: &str) {
        let pid = self.pid.load(Ordering::SeqCst);
        if pid != 0 {
            // It may have ended just now.
            let _ = Command::new("sh").args(["-c", &format!("kill -{signal} {pid} 2>/dev/null")]).status().await;
        }
    }

    /// SIGTERM, and its end.
    pub async fn end(self) {
        self.stop.cancel();
        self.signal("TERM").await;
        let _ = self.keeper.await;
    }
}

async fn keep(
    mut command: Command,
    log: PathBuf,
    pid: Arc<AtomicU32>,
    worker: Arc<Mutex<String>>,
    stop: CancellationToken,
) {
    command.env("FLOTILLA_LOG__FORMAT", "json").kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut log = File::create(log).expect("create a log");
    while !stop.is_cancelled() {
        let mut child = command.spawn().expect("start flotilla");
        pid.store(child.id().unwrap_or(0), Ordering::SeqCst);
        listen(&mut child, &mut log, &worker).await;
        let ended = child.wait().await.expect("wait for flotilla");
        pid.store(0, Ordering::SeqCst);
        let _ = writeln!(log, "{{\"ended\": \"{ended}\"}}");
        tokio::select! {
            () = tokio::time::sleep(BACK_OFF) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Copies what it logs, until it ends.
async fn listen(child: &mut Child, log: &mut File, worker: &Mutex<String>) {
    let Some(stderr) = child.stderr.take() else { return };
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if line.contains("the fleet starts")
            && let Ok(line) = serde_json::from_str::<Value>(&line)
        {
            let name = line["worker"].as_str().unwrap_or_default();
            name.clone_into(&mut worker.lock().expect("no user panicked"));
        }
        let _ = writeln!(log, "{line}");
    }
}
