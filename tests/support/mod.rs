//! The built binary in a home of its own, with nothing of the machine's configuration in sight.
#![allow(dead_code, reason = "each test file uses its part")]

use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Long enough for a loaded machine, short enough to be noticed.
pub const SOON: Duration = Duration::from_secs(30);

/// A fresh machine, as far as the binary can see.
pub struct Home {
    dir: TempDir,
}

/// How a command ended.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// stdout as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}\n{}\n{}", self.stdout, self.stderr))
    }

    /// Asserts on the exit code; the message has everything that was printed.
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

impl Home {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file below the home.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Names of the files in the data directory.
    pub fn data_files(&self) -> Vec<String> {
        let dir = fs::read_dir(self.path().join(".local/share/flotilla")).unwrap();
        dir.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// A command that has not started.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flotilla"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.args(args).env_clear().env("PATH", path).env("HOME", self.path()).current_dir(self.path());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Ran {
        finish(self.command(args))
    }

    /// Starts a service.
    pub fn start(&self, args: &[&str]) -> Service {
        let mut command = self.command(args);
        command.env("FLOTILLA_LOG__FORMAT", "json");
        Service::start(command)
    }

    /// A git work tree with one commit on `main` and, on top of it, a branch with this file.
    pub fn repository(&self, name: &str, text: &str) -> PathBuf {
        let tree = self.path().join("repository");
        fs::create_dir_all(&tree).unwrap();
        let git = |args: &[&str]| {
            let mut git = Command::new("git");
            git.args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]).args(args);
            let output = git.current_dir(&tree).env("HOME", self.path()).output().unwrap();
            assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        };
        git(&["init", "-q", "-b", "main"]);
        fs::write(tree.join("README"), "nothing\n").unwrap();
        git(&["add", "."]);
        git(&["commit", "-q", "-m", "first"]);
        git(&["checkout", "-q", "-b", "change"]);
        fs::write(tree.join(name), text).unwrap();
        git(&["add", "."]);
        git(&["commit", "-q", "-m", "second"]);
        tree
    }

    /// A directory to put in front of PATH in which git hangs.
    pub fn hanging_git(&self) -> String {
        let git = self.write("bin/git", "#!/bin/sh\nexec sleep 600\n");
        fs::set_permissions(&git, fs::Permissions::from_mode(0o755)).unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        format!("{}:{path}", git.parent().unwrap().display())
    }
}

/// Runs a command to its end.
pub fn finish(mut command: Command) -> Ran {
    let output = command.stdin(Stdio::null()).output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A process that goes on until it is told to stop. Dropping it kills it.
pub struct Service {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Service {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (send, lines) = channel();
        // Ends with the process, whose stderr it reads to the end.
        thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        Self { child, lines, seen: Vec::new() }
    }

    /// Waits for a line on stderr that holds `text`.
    pub fn line(&mut self, text: &str) -> String {
        let deadline = Instant::now() + SOON;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!("no `{text}` in\n{}", self.seen.join("\n")),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended without `{text}`:\n{}", self.seen.join("\n")),
            }
        }
    }

    /// The address it listens on.
    pub fn url(&mut self) -> String {
        let line: Value = serde_json::from_str(&self.line("\"address\"")).unwrap();
        format!("http://{}", line["address"].as_str().unwrap())
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Memory it has in use, in MiB; 0 where the system does not say.
    pub fn memory_mib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let kib =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB")?.trim().parse().ok());
        kib.unwrap_or(0_u64) / 1_024
    }

    /// What it logged and nobody waited for.
    pub fn logged(&mut self) -> String {
        self.seen.extend(self.lines.try_iter());
        self.seen.join("\n")
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(status.unwrap().success());
    }

    /// Waits for its end; answers its exit code.
    pub fn wait(&mut self) -> i32 {
        let deadline = Instant::now() + SOON;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return code(status);
            }
            assert!(Instant::now() < deadline, "it does not end:\n{}", self.seen.join("\n"));
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// SIGTERM, and the exit code.
    pub fn stop(mut self) -> i32 {
        self.signal("TERM");
        self.wait()
    }
}

fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(-1)
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
