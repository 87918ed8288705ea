//! Jobs that kill whoever runs them: they end in quarantine, and those that shared their worker do not.

use crate::{
    drills::{drill, start, start_by, until_said},
    fleet::{Fleet, crashes},
};
use serde_json::{Value, json};
use std::collections::HashSet;

/// Less than the memory that a poisoned job asks for, more than a worker needs: what threads reserve counts too.
const MEMORY: &str = "--as=6000000000";
const INNOCENT: usize = 5;

#[tokio::test]
async fn poisoned_jobs_are_quarantined_and_their_neighbors_are_not_on_both() {
    poisoned_jobs_are_quarantined_and_their_neighbors_are_not(Fleet::remote()).await;
}

#[tokio::test]
async fn poisoned_jobs_are_quarantined_and_their_neighbors_are_not_on_one_file() {
    poisoned_jobs_are_quarantined_and_their_neighbors_are_not(Fleet::file()).await;
}

#[tokio::test]
async fn a_suspect_whose_next_worker_is_killed_is_not_blamed_on_both() {
    a_suspect_whose_next_worker_is_killed_is_not_blamed(Fleet::remote()).await;
}

#[tokio::test]
async fn a_suspect_whose_next_worker_is_killed_is_not_blamed_on_one_file() {
    a_suspect_whose_next_worker_is_killed_is_not_blamed(Fleet::file()).await;
}

async fn a_suspect_whose_next_worker_is_killed_is_not_blamed(fleet: Fleet) {
    let (_serve, server) = start(&fleet, &["serve"]);
    let job = drill(&json!([{ "do": "say", "text": "here" }, { "do": "sleep", "ms": 3_000 }]));
    let id = fleet.submit(&server, &[job]).await.remove(0);
    for worker in 1..=4 {
        let (mut killed, _) = start(&fleet, &["work"]);
        until_said(&fleet, &server, &id, "here", worker).await;
        killed.signal("KILL");
        assert_eq!(killed.wait(), -1);
    }
    let (work, _) = start(&fleet, &["work"]);
    let job = fleet.until_job(&server, &id, "completed").await;
    // The first time it might have been its fault. Later it ran in a process of its own, which was there to give it back.
    assert_eq!((crashes(&job), &job["attempts"]["handover"]), (1, &json!(3)), "{job}");
    assert_eq!(work.stop(), 0);
}

async fn poisoned_jobs_are_quarantined_and_their_neighbors_are_not(fleet: Fleet) {
    let (_serve, server) = start(&fleet, &["serve"]);
    let work = || start_by(&fleet, &["prlimit", MEMORY, "--"], &["work"]).0;
    let mut first = work();
    // All run before the first of them strikes, so all are suspects.
    let poisons =
        [json!({ "do": "abort" }), json!({ "do": "overflow_stack" }), json!({ "do": "exhaust_memory", "mib": 16_384 })];
    let poisoned = poisons.map(|last| {
        drill(&json!([{ "do": "progress", "done": 3, "total": 7, "message": "mixing" }, { "do": "sleep", "ms": 1_500 }, last]))
    });
    let poisoned = fleet.submit(&server, &poisoned).await;
    let innocent: Vec<Value> =
        (0..INNOCENT).map(|_| drill(&json!([{ "do": "sleep", "ms": 4_000, "only_attempt": 1 }]))).collect();
    let innocent = fleet.submit(&server, &innocent).await;
    assert_eq!(first.wait(), -1, "one of them kills the worker");
    let mut second = work();
    for id in &innocent {
        let job = fleet.until_job(&server, id, "completed").await;
        assert_eq!(crashes(&job), 1, "{job}");
    }
    for id in &poisoned {
        let job = fleet.until_job(&server, id, "quarantined").await;
        assert_eq!((crashes(&job), &job["error"]["code"]), (2, &json!("crash")), "{job}");
        let history = job["history"].as_array().unwrap();
        assert_eq!(history.len(), 2, "{job}");
        for crash in history {
            assert!(crash["cause"] == "crash" && crash["ended_at"].is_string(), "{job}");
            assert_eq!(crash["progress"], json!({ "done": 3, "total": 7, "message": "mixing" }), "{job}");
        }
        let workers: HashSet<&Value> = history.iter().map(|crash| &crash["worker"]).collect();
        assert_eq!(workers.len(), 2, "{job}");
        let shown = fleet.home.run(&["show", id]).exits(0).stdout;
        assert_eq!(shown.matches("at 3/7 mixing").count(), 2, "{shown}");
    }
    // The second worker lives: what it knew to be dangerous ran in a process of its own.
    second.line("quarantined");
    let listed = fleet.home.run(&["ls", "--state", "quarantined", "--json"]).exits(0).json();
    let listed: HashSet<&str> =
        listed["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap()).collect();
    assert_eq!(listed, poisoned.iter().map(String::as_str).collect());
    assert_eq!(second.stop(), 0);

    fleet.home.run(&["retry", &poisoned[0]]).exits(0);
    let job = fleet.job(&server, &poisoned[0]).await;
    assert_eq!((&job["state"], crashes(&job)), (&json!("pending"), 0), "{job}");
    assert_eq!(job["history"].as_array().unwrap().len(), 2, "what happened stays on record: {job}");
}
