//! The disk of the embedded store full: a clear no, nothing lost, and back to work once there is room.

use crate::{
    drills::{drill, start, start_by, until_ready},
    fleet::{Fleet, PATIENCE, crashes, diff, until},
};
use reqwest::Response;
use serde_json::{Value, json};
use std::{fs, io::Write, path::PathBuf, process::Command, time::Duration};

/// The file may not grow beyond this: the system refuses writes with another error than on a full disk, and any user
/// can arrange it.
#[tokio::test]
async fn a_file_that_may_not_grow_is_said_and_outlived() {
    let fleet = Fleet::file();
    let (run, server) = start(&fleet, &["run"]);
    let limit = |limit: &str| {
        let pid = run.pid().to_string();
        let done = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={limit}:")]).status();
        assert!(done.unwrap().success());
    };
    let log = fleet.home.path().join(".local/share/flotilla/flotilla.db-wal");
    no_room_is_said_and_outlived(
        &fleet,
        &server,
        || limit(&(fs::metadata(&log).unwrap().len() + 100).to_string()),
        || limit("unlimited"),
    )
    .await;
    assert_eq!(run.stop(), 0);
}

/// A small disk of its own, in a mount namespace, which root and most users can make.
#[tokio::test]
async fn a_full_disk_is_said_and_outlived() {
    let may = Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "none", "/mnt"]).output().unwrap();
    if !may.status.success() {
        let why = String::from_utf8_lossy(&may.stderr).into_owned();
        eprintln!(
            "LEFT OUT: this user may not mount a small disk ({}); the limit on the file's size stands in",
            why.trim()
        );
        return;
    }
    let fleet = Fleet::file();
    let disk = fleet.home.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let script = format!("mount -t tmpfs -o size=4m none {} && exec \"$@\"", disk.display());
    let store = format!("store.url=sqlite:{}/f.db", disk.display());
    let (run, server) = start_by(&fleet, &["unshare", "-rm", "sh", "-c", &script, "sh"], &["run", "--set", &store]);
    let filler = PathBuf::from(format!("/proc/{}/root{}/filler", run.pid(), disk.display()));
    let fill = || {
        let mut file = fs::File::create(&filler).unwrap();
        while file.write_all(&[1; 4_096]).is_ok() {}
    };
    no_room_is_said_and_outlived(&fleet, &server, fill, || fs::remove_file(&filler).unwrap()).await;
    assert_eq!(run.stop(), 0);
}

async fn no_room_is_said_and_outlived(fleet: &Fleet, server: &str, fill: impl Fn(), empty: impl Fn()) {
    // It ends while there is no room, and its result waits, for longer than its lease lasts.
    let running = drill(&json!([{ "do": "sleep", "ms": 2_000 }]));
    let mut accepted = fleet.submit(server, &[running]).await;
    fleet.until_job(server, &accepted[0], "running").await;
    fill();
    let mut number = 0;
    let refused = until("a refusal", async || {
        number += 1;
        let answer = fleet.post(server, &diff(number)).send().await.unwrap();
        if answer.status() == 503 {
            return Ok(answer);
        }
        assert_eq!(answer.status(), 201);
        accepted.push(answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned());
        Err("accepted".to_owned())
    })
    .await;
    says(refused, "the disk of the store is full").await;
    until_ready(fleet, server, 503).await;
    let health: Value = fleet.get(&format!("{server}/health")).await.json().await.unwrap();
    let detail = health["dependencies"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("full"), "{health}");
    tokio::time::sleep(Duration::from_secs(4)).await;
    empty();
    until_ready(fleet, server, 200).await;
    accepted.extend(fleet.submit(server, &[diff(0)]).await);
    for id in &accepted {
        assert_eq!(crashes(&fleet.until_job(server, id, "completed").await), 0);
    }
    assert_eq!(fleet.list(server).await.len(), accepted.len(), "what was refused is not there");
}

/// A refusal for now that says why.
pub async fn says(answer: Response, why: &str) {
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"), "{answer:?}");
    let body = tokio::time::timeout(PATIENCE, answer.text()).await.unwrap().unwrap();
    assert!(body.contains(why), "{body}");
}
