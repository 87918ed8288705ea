//! A producer that outruns the fleet meets a limit with a number, and nothing grows without one.

use crate::fleet::{Fleet, PATIENCE, until};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

/// Jobs that may wait.
const LIMIT: usize = 60;
/// Jobs that producers want to hand in, at the least.
const JOBS: usize = 600;
const BATCH: usize = 10;

fn sleep(ms: u64, queue: &str) -> Value {
    json!({ "kind": "drill", "payload": { "steps": [{ "do": "sleep", "ms": ms }] }, "options": { "queue": queue } })
}

async fn outrun(fleet: Fleet) {
    let limits = [format!("queues.default.max_waiting={LIMIT}"), "queues.other.max_waiting=3".to_owned()];
    let (server, url) = fleet.start(&["serve", "--set", &limits[0], "--set", &limits[1]]);
    let (worker, _) = fleet.start(&["work"]);
    let before = server.memory_mib();
    let (accepted, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let deadline = Instant::now() + PATIENCE;
    let produce = async || {
        let batch = vec![sleep(20, "default"); BATCH];
        while accepted.load(Ordering::SeqCst) < JOBS {
            assert!(Instant::now() < deadline, "the fleet does not keep up");
            let answer = fleet.post(&url, &json!(batch)).send().await.unwrap();
            if answer.status() == StatusCode::CREATED {
                accepted.fetch_add(BATCH, Ordering::SeqCst);
                continue;
            }
            assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
            assert!(answer.headers()["retry-after"].to_str().unwrap().parse::<u32>().unwrap() > 0);
            let body: Value = answer.json().await.unwrap();
            let message = body["error"]["message"].as_str().unwrap();
            assert_eq!(body["error"]["code"], "queue_full");
            assert!(message.contains("queue `default`") && message.contains(&format!("{LIMIT} may")), "{message}");
            refused.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let watch = async {
        while accepted.load(Ordering::SeqCst) < JOBS {
            let queues: Value = fleet.get(&format!("{url}/v1/queues")).await.json().await.unwrap();
            let queue = queues["queues"].as_array().unwrap().iter().find(|queue| queue["name"] == "default");
            let waiting = queue.map_or(0, |queue| queue["pending"].as_u64().unwrap());
            assert!(waiting <= LIMIT as u64, "{waiting} wait");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::join!(produce(), produce(), produce(), produce(), watch);
    assert!(refused.load(Ordering::SeqCst) > 0, "nobody was refused");

    // What was accepted is done; what was refused left nothing.
    fleet.until(&url, "completed", accepted.load(Ordering::SeqCst)).await;
    assert_eq!(fleet.list(&url).await.len(), accepted.load(Ordering::SeqCst));
    let grown = server.memory_mib().saturating_sub(before);
    assert!(grown < 64, "the server grew by {grown} MiB");
    assert_eq!(worker.stop(), 0);

    // The command line says so by its exit code, through a server and on the store itself.
    fleet.submit(&url, &vec![sleep(1, "other"); 3]).await;
    let payload = sleep(1, "other")["payload"].to_string();
    let submit = ["submit", "drill", &payload, "--queue", "other"];
    let ran = fleet.home.run(&[&submit[..], &["--server", &url]].concat()).exits(5);
    assert!(ran.stderr.contains("queue `other` is full: 3 jobs wait in it, 3 may"), "{}", ran.stderr);
    let ran = fleet.home.run(&[&submit[..], &["--set", "queues.other.max_waiting=3"]].concat()).exits(5);
    assert!(ran.stderr.contains("queues.other.max_waiting"), "{}", ran.stderr);
    fleet.home.run(&[&submit[..], &["--set", "queues.other.max_waiting=4"]].concat()).exits(0);
    assert_eq!(server.stop(), 0);
}

#[tokio::test]
async fn a_producer_that_outruns_a_fleet_on_servers_is_told_so() {
    outrun(Fleet::remote()).await;
}

#[tokio::test]
async fn a_producer_that_outruns_a_fleet_on_a_file_is_told_so() {
    outrun(Fleet::file()).await;
}

/// Of the 1,000,000 that a worker of 150 MB must bear, as many as a test has time for.
#[tokio::test]
async fn a_backlog_takes_no_memory_of_a_worker() {
    const WAITING: usize = 10_000;
    let fleet = Fleet::remote();
    let (server, url) = fleet.start(&["serve"]);
    let mut job = sleep(1, "default");
    job["payload"]["steps"][0] = json!({ "do": "say", "text": "x".repeat(1_000) });
    for batch in vec![job; WAITING].chunks(1_000) {
        fleet.submit(&url, batch).await;
    }
    let (worker, _) = fleet.start(&["work", "--concurrency", "50"]);
    until("jobs done", async || {
        let queues: Value = fleet.get(&format!("{url}/v1/queues")).await.json().await.unwrap();
        let pending = queues["queues"][0]["pending"].as_u64().unwrap();
        if pending < WAITING as u64 * 3 / 4 { Ok(()) } else { Err(format!("{pending} wait")) }
    })
    .await;
    let (of_worker, of_server) = (worker.memory_mib(), server.memory_mib());
    assert!(of_worker < 150 && of_server < 150, "the worker has {of_worker} MiB, the server {of_server}");
    assert_eq!((worker.stop(), server.stop()), (0, 0));
}

/// Of the 10,000 that a worker of 600 MB must bear, as many as a test has time for.
#[tokio::test]
async fn jobs_that_sleep_take_little_memory() {
    const SLEEPING: usize = 2_000;
    let fleet = Fleet::remote();
    let args = ["run", "--concurrency", "2000", "--set", "worker.drain_ms=0"];
    let (service, url) = fleet.start(&args);
    for batch in vec![sleep(600_000, "default"); SLEEPING].chunks(500) {
        fleet.submit(&url, batch).await;
    }
    until("jobs running", async || {
        let queues: Value = fleet.get(&format!("{url}/v1/queues")).await.json().await.unwrap();
        let running = queues["queues"][0]["running"].as_u64().unwrap();
        if running == SLEEPING as u64 { Ok(()) } else { Err(format!("{running} run")) }
    })
    .await;
    let memory = service.memory_mib();
    assert!(memory < 180, "{SLEEPING} sleeping jobs take {memory} MiB");
    assert_eq!(service.stop(), 0);
}
