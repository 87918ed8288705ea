//! Workers whose clocks are five minutes off: the clock of the store decides.
//!
//! On one SQLite file there is no such case: all its processes are on one machine, whose clock is the store's.

use crate::{
    drills::{drill, start},
    fleet::{Fleet, crashes},
    support::Service,
};
use flotilla_workers::clock::system_now;
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

const DELAY: i64 = 1_500;

#[tokio::test]
async fn a_worker_five_minutes_ahead_changes_nothing() {
    a_worker_whose_clock_is_off_changes_nothing("+300s").await;
}

#[tokio::test]
async fn a_worker_five_minutes_behind_changes_nothing() {
    a_worker_whose_clock_is_off_changes_nothing("-300s").await;
}

async fn a_worker_whose_clock_is_off_changes_nothing(shift: &str) {
    let fleet = Fleet::remote();
    let (_serve, server) = start(&fleet, &["serve"]);
    let (off, begun) = (shifted(&fleet, shift), system_now());
    let due = begun + 2 * DELAY;
    let mut later = drill(&json!([]));
    later["options"] = json!({ "run_at": written(due) });
    let ids = fleet
        .submit(
            &server,
            &[
                // Longer than two leases, with another worker's rescues and promotions in between.
                drill(&json!([{ "do": "sleep", "ms": 5_000 }])),
                drill(&json!([{ "do": "retry", "message": "once", "after_ms": DELAY, "only_attempt": 1 }])),
                later,
            ],
        )
        .await;
    fleet.until_job(&server, &ids[0], "running").await;
    let (right, _) = start(&fleet, &["work"]);
    let mut jobs = Vec::new();
    for id in &ids {
        let job = fleet.until_job(&server, id, "completed").await;
        assert_eq!(crashes(&job), 0, "{job}");
        for time in ["created_at", "started_at", "finished_at"] {
            let at = at(&job[time]);
            assert!(begun - 1_000 <= at && at <= system_now() + 1_000, "{time} of {job}");
        }
        jobs.push(job);
    }
    assert_eq!(jobs[0]["output"]["run"], 1, "nobody took it away: {}", jobs[0]);
    let retried = &jobs[1]["history"][0];
    assert!(at(&jobs[1]["started_at"]) - at(&retried["ended_at"]) >= DELAY, "{}", jobs[1]);
    assert!(at(&jobs[2]["started_at"]) >= due, "not before its time: {}", jobs[2]);
    assert_eq!(right.stop(), 0);

    // What it holds when it dies is taken back when its lease is over by the store's clock; and it takes back.
    let long = drill(&json!([{ "do": "sleep", "ms": 600_000, "only_attempt": 1 }]));
    let lost = fleet.submit(&server, std::slice::from_ref(&long)).await.remove(0);
    fleet.until_job(&server, &lost, "running").await;
    off.signal("KILL");
    drop(off);
    let (mut right, _) = start(&fleet, &["work"]);
    fleet.until_job(&server, &lost, "completed").await;
    let theirs = fleet.submit(&server, &[long]).await.remove(0);
    fleet.until_job(&server, &theirs, "running").await;
    right.signal("KILL");
    right.wait();
    let off = shifted(&fleet, shift);
    for id in [lost, theirs] {
        let job = fleet.until_job(&server, &id, "completed").await;
        assert_eq!((crashes(&job), &job["output"]["run"]), (1, &json!(2)), "{job}");
    }
    assert_eq!(off.stop(), 0);
}

/// A worker that sees another time. The preloaded library does not touch the clock that timers go by.
fn shifted(fleet: &Fleet, shift: &str) -> Service {
    let mut command = fleet.home.command(&["work", "--set", "worker.drills=true"]);
    command.env("LD_PRELOAD", library()).env("FAKETIME", shift).env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    command.env("DONT_FAKE_MONOTONIC", "1").env("FAKETIME_NO_CACHE", "1").env("FLOTILLA_LOG__FORMAT", "json");
    let mut service = Service::start(command);
    let line: Value = serde_json::from_str(&service.line("the fleet starts")).unwrap();
    let seen = at(&line["timestamp"]) - system_now();
    let meant: i64 = shift.trim_end_matches('s').parse().unwrap();
    assert!((seen - meant * 1_000).abs() < 60_000, "its clock is {seen} ms off");
    service
}

fn library() -> PathBuf {
    let mut dirs =
        fs::read_dir("/usr/lib").unwrap().flatten().map(|dir| dir.path().join("faketime/libfaketimeMT.so.1"));
    dirs.find(|path| path.exists()).expect("libfaketime is installed: `apt-get install faketime`, as scripts/test does")
}

fn at(time: &Value) -> i64 {
    time.as_str()
        .and_then(|text| text.parse::<jiff::Timestamp>().ok())
        .unwrap_or_else(|| panic!("{time}"))
        .as_millisecond()
}

fn written(at: i64) -> String {
    jiff::Timestamp::from_millisecond(at).unwrap().to_string()
}
