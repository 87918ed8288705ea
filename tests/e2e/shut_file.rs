//! The file of the embedded store locked or read-only: a clear no, nothing lost, and back to work by itself.

use crate::{
    drills::{drill, start, until_ready},
    fleet::{Fleet, crashes, diff},
    full_disk::says,
};
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

#[tokio::test]
async fn a_file_that_another_process_locks_is_said_and_outlived() {
    let fleet = Fleet::file();
    let (run, server) = start(&fleet, &["run"]);
    let running = running(&fleet, &server).await;
    let options = SqliteConnectOptions::new().filename(file(&fleet)).busy_timeout(Duration::from_secs(10));
    let mut other = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("BEGIN EXCLUSIVE").execute(&mut other).await.unwrap();
    refuses(&fleet, &server, "the file of the store is locked by another process").await;
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    works_again(&fleet, &server, &running).await;
    assert_eq!(run.stop(), 0);
}

/// Only root can take a file away from a process that has it open for writing, and not on every file system.
#[tokio::test]
async fn a_file_that_becomes_read_only_is_said_and_outlived() {
    let fleet = Fleet::file();
    let (run, server) = start(&fleet, &["run"]);
    let running = running(&fleet, &server).await;
    let files: Vec<PathBuf> =
        ["", "-wal"].iter().map(|end| format!("{}{end}", file(&fleet).display()).into()).collect();
    if !chattr("+i", &files) {
        eprintln!("LEFT OUT: files cannot be made immutable by this user or here; only the start on one is checked");
        assert_eq!(run.stop(), 0);
        return;
    }
    let thaw = Thaw(files);
    refuses(&fleet, &server, "the file of the store is read-only").await;
    drop(thaw);
    works_again(&fleet, &server, &running).await;
    assert_eq!(run.stop(), 0);
}

#[test]
fn a_start_on_a_read_only_file_says_so_and_loses_nothing() {
    let fleet = Fleet::file();
    // Permissions do not bind root, so the commands are run by somebody else.
    let command = |args: &[&str]| {
        let own = fleet.home.command(args);
        if !is_root() {
            return own;
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(own.get_program()).args(own.get_args());
        command.env_clear().envs(own.get_envs().filter_map(|(key, value)| Some((key, value?)))).current_dir("/");
        command
    };
    if is_root() {
        assert!(Command::new("chown").args(["-R", "65534:65534"]).arg(fleet.home.path()).status().unwrap().success());
    }
    let ran = |args: &[&str]| crate::support::finish(command(args));
    let job = fleet.home.write("job.json", r#"{"source":{"type":"diff","diff":""}}"#);
    let job = format!("@{}", job.display());
    ran(&["submit", "code-review", &job]).exits(0);
    let (file, dir) = (file(&fleet), file(&fleet).parent().unwrap().to_owned());
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(&file, 0o444);
    mode(&dir, 0o555);
    for args in [&["run"][..], &["submit", "code-review", &job]] {
        let refused = ran(args).exits(3);
        assert!(refused.stderr.contains("flotilla.db") && refused.stderr.contains("writable"), "{}", refused.stderr);
    }
    mode(&dir, 0o755);
    mode(&file, 0o644);
    let listed = ran(&["ls", "--json"]).exits(0).json();
    assert_eq!(listed["jobs"].as_array().unwrap().len(), 1);
}

async fn running(fleet: &Fleet, server: &str) -> String {
    let id = fleet.submit(server, &[drill(&json!([{ "do": "sleep", "ms": 2_000 }]))]).await.remove(0);
    fleet.until_job(server, &id, "running").await;
    id
}

async fn refuses(fleet: &Fleet, server: &str, why: &str) {
    says(fleet.post(server, &diff(1)).send().await.unwrap(), why).await;
    until_ready(fleet, server, 503).await;
    let health: Value = fleet.get(&format!("{server}/health")).await.json().await.unwrap();
    assert!(health["dependencies"][0]["detail"].as_str().unwrap().contains(why), "{health}");
}

async fn works_again(fleet: &Fleet, server: &str, running: &str) {
    until_ready(fleet, server, 200).await;
    let next = fleet.submit(server, &[diff(2)]).await.remove(0);
    for id in [running, &next] {
        assert_eq!(crashes(&fleet.until_job(server, id, "completed").await), 0);
    }
    assert_eq!(fleet.list(server).await.len(), 2, "what was refused is not there");
}

fn file(fleet: &Fleet) -> PathBuf {
    fleet.home.path().join(".local/share/flotilla/flotilla.db")
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n")
}

fn chattr(flag: &str, files: &[PathBuf]) -> bool {
    let done = |mut command: Command| command.args(files).output().is_ok_and(|done| done.status.success());
    let mut plain = Command::new("chattr");
    plain.arg(flag);
    // Runners of continuous integration are no root, but may become it.
    let mut raised = Command::new("sudo");
    raised.args(["-n", "chattr", flag]);
    done(plain) || done(raised)
}

/// Files that can be written again when this is dropped, or they could not even be deleted.
struct Thaw(Vec<PathBuf>);

impl Drop for Thaw {
    fn drop(&mut self) {
        chattr("-i", &self.0);
    }
}
