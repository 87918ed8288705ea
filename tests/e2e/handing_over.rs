//! A worker told to stop under load: it takes no more, ends what it has, and nothing counts as failed.

use crate::fleet::{CONCURRENCY, Fleet, crashes, diff};
use serde_json::Value;

const DIFFS: usize = 200;
/// Leaves a worker room for others.
const GATED: usize = CONCURRENCY / 2;

#[tokio::test]
async fn a_worker_that_stops_spends_no_attempt() {
    let fleet = Fleet::remote();
    let (_serve, server) = fleet.start(&["serve"]);
    let (mut leaving, url) = fleet.start(&["work"]);
    fleet.submit(&server, &(0..GATED).map(|_| fleet.gated()).collect::<Vec<_>>()).await;
    fleet.until(&server, "running", GATED).await;
    let (staying, _) = fleet.start(&["work"]);
    fleet.submit(&server, &(0..DIFFS).map(diff).collect::<Vec<_>>()).await;
    fleet.until(&server, "completed", 1).await;

    assert_eq!(fleet.get(&format!("{url}/ready")).await.status(), 200);
    leaving.signal("TERM");
    leaving.line("stopping");
    assert_eq!(fleet.get(&format!("{url}/ready")).await.status(), 503);
    assert_eq!(fleet.get(&format!("{url}/live")).await.status(), 200);
    // The other worker takes all the rest, while this one waits for what it holds.
    fleet.until(&server, "completed", DIFFS).await;
    assert_eq!(fleet.get(&format!("{url}/ready")).await.status(), 503);
    fleet.open_gate();
    assert_eq!(leaving.wait(), 0);

    fleet.until(&server, "completed", GATED + DIFFS).await;
    all_unspent(&fleet.list(&server).await, 0);
    assert_eq!(staying.stop(), 0);
}

#[tokio::test]
async fn a_second_signal_hands_over_at_once() {
    let fleet = Fleet::remote();
    let (_serve, server) = fleet.start(&["serve"]);
    let (mut leaving, _) = fleet.start(&["work"]);
    fleet.submit(&server, &(0..CONCURRENCY).map(|_| fleet.gated()).collect::<Vec<_>>()).await;
    fleet.until(&server, "running", CONCURRENCY).await;
    leaving.signal("TERM");
    leaving.line("stopping");
    assert_eq!(fleet.states(&server).await["running"], CONCURRENCY);
    leaving.signal("TERM");
    assert_eq!(leaving.wait(), 130);

    let (staying, _) = fleet.start(&["work"]);
    fleet.open_gate();
    fleet.until(&server, "completed", CONCURRENCY).await;
    all_unspent(&fleet.list(&server).await, 1);
    assert_eq!(staying.stop(), 0);
}

/// Every job completed without a failure or a crash, and those that ran when the worker was told to stop after so many
/// handovers. Others may have been claimed in that moment, and are given back before they start.
fn all_unspent(jobs: &[Value], handovers: u64) {
    for job in jobs {
        let attempts = &job["attempts"];
        assert!(job["state"] == "completed" && attempts["failure"] == 0 && crashes(job) == 0, "{job}");
        assert!(job["priority"] != 0 || attempts["handover"] == handovers, "{job}");
    }
}
