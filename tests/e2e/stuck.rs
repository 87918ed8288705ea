//! Handlers that block their thread, or do not listen: they are named, and nobody else suffers.

use crate::{
    drills::{drill, metric, start, until_metric},
    fleet::{CONCURRENCY, Fleet, crashes},
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Far longer than a lease.
const BLOCK: Duration = Duration::from_secs(8);
/// More than there are threads on any machine these tests run on, but for one place.
const BLOCKING: usize = CONCURRENCY - 1;
const NOW_BLOCKING: &str = "flotilla_handlers_blocking{kind=\"drill\"}";

#[tokio::test]
async fn handlers_that_block_every_thread_hold_nobody_up_on_both() {
    handlers_that_block_every_thread_hold_nobody_up(Fleet::remote()).await;
}

#[tokio::test]
async fn handlers_that_block_every_thread_hold_nobody_up_on_one_file() {
    handlers_that_block_every_thread_hold_nobody_up(Fleet::file()).await;
}

async fn handlers_that_block_every_thread_hold_nobody_up(fleet: Fleet) {
    let (_serve, server) = start(&fleet, &["serve"]);
    let (mut work, url) = start(&fleet, &["work"]);
    let block = json!([{ "do": "block", "ms": BLOCK.as_millis() as u64 }]);
    let begun = Instant::now();
    let blocking = fleet.submit(&server, &(0..BLOCKING).map(|_| drill(&block)).collect::<Vec<_>>()).await;
    until_metric(&fleet, &url, NOW_BLOCKING, BLOCKING as u64).await;
    let line: Value = serde_json::from_str(&work.line("a handler blocks its thread")).unwrap();
    assert!(blocking.iter().any(|id| line["job.id"] == **id) && line["job.kind"] == "drill", "{line}");
    assert!(line["blocked_ms"].as_u64().unwrap() >= 1_000, "{line}");

    // Others go on in the one place that is left, one after the other, and wait for time as well.
    let others: Vec<Value> = (0..10).map(|_| drill(&json!([{ "do": "sleep", "ms": 20 }]))).collect();
    for id in fleet.submit(&server, &others).await {
        fleet.until_job(&server, &id, "completed").await;
    }
    assert_eq!(fleet.get(&format!("{url}/ready")).await.status(), 200);
    let still = metric(&fleet, &url, NOW_BLOCKING).await;
    assert!(still == BLOCKING as u64 || begun.elapsed() > BLOCK, "{still} still block");
    for id in &blocking {
        let job = fleet.until_job(&server, id, "completed").await;
        assert_eq!((crashes(&job), &job["output"]["run"]), (0, &json!(1)), "its lease was renewed: {job}");
    }
    assert_eq!(metric(&fleet, &url, NOW_BLOCKING).await, 0);
    assert_eq!(work.stop(), 0);
}

#[tokio::test]
async fn a_handler_that_does_not_listen_is_named_and_dropped() {
    let fleet = Fleet::file();
    let (_serve, server) = start(&fleet, &["serve"]);
    let (mut work, url) = start(&fleet, &["work"]);
    let deaf = drill(&json!([{ "do": "ignore_cancel", "ms": 600_000 }]));
    let id = fleet.submit(&server, &[deaf]).await.remove(0);
    fleet.until_job(&server, &id, "running").await;
    fleet.home.run(&["cancel", &id]).exits(0);
    let line: Value = serde_json::from_str(&work.line("ignores that it was told to end")).unwrap();
    assert!(line["job.id"] == *id && line["job.kind"] == "drill" && line["told_ms"].is_u64(), "{line}");
    fleet.until_job(&server, &id, "cancelled").await;
    let series = "flotilla_handlers_stuck_total{how=\"ignored_end\",kind=\"drill\"}";
    assert_eq!(metric(&fleet, &url, series).await, 1);
    assert_eq!(work.stop(), 0);
}

#[tokio::test]
async fn a_handler_that_blocks_does_not_hold_up_a_hard_stop() {
    let fleet = Fleet::remote();
    let (_serve, server) = start(&fleet, &["serve"]);
    let (mut work, url) = start(&fleet, &["work"]);
    let jobs: Vec<Value> = (0..3).map(|_| drill(&json!([{ "do": "block", "ms": 600_000 }]))).collect();
    let ids = fleet.submit(&server, &jobs).await;
    until_metric(&fleet, &url, NOW_BLOCKING, jobs.len() as u64).await;
    work.signal("TERM");
    work.line("stopping");
    let asked = Instant::now();
    work.signal("TERM");
    assert_eq!(work.wait(), 130);
    assert!(asked.elapsed() < Duration::from_secs(10), "it took {:?}", asked.elapsed());
    for id in ids {
        let job = fleet.until_job(&server, &id, "pending").await;
        assert_eq!((crashes(&job), &job["attempts"]["failure"]), (0, &json!(0)), "handed over: {job}");
    }
}
