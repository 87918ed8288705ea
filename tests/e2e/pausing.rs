//! A queue paused by a third process: what runs goes on, what waits is left alone.

use crate::fleet::{Fleet, diff};
use serde_json::{Value, json};

#[tokio::test]
async fn a_queue_is_paused_from_elsewhere_on_both() {
    a_queue_is_paused_from_elsewhere(Fleet::remote()).await;
}

#[tokio::test]
async fn a_queue_is_paused_from_elsewhere_on_one_file() {
    a_queue_is_paused_from_elsewhere(Fleet::file()).await;
}

async fn a_queue_is_paused_from_elsewhere(fleet: Fleet) {
    let (_serve, server) = fleet.start(&["serve"]);
    let (work, _) = fleet.start(&["work"]);
    let running = fleet.submit(&server, &[fleet.gated()]).await.remove(0);
    fleet.until_job(&server, &running, "running").await;
    fleet.home.run(&["queues", "pause", "default"]).exits(0);
    let waiting = fleet.submit(&server, &(0..20).map(diff).collect::<Vec<_>>()).await;
    fleet.open_gate();
    fleet.until_job(&server, &running, "completed").await;
    // Jobs of its other queue, one after the other: the worker has looked for work since, and often.
    for number in 0..5 {
        let id = fleet.submit(&server, &[elsewhere(number)]).await.remove(0);
        fleet.until_job(&server, &id, "completed").await;
    }
    assert_eq!(fleet.states(&server).await["pending"], waiting.len());

    fleet.home.run(&["queues", "resume", "default"]).exits(0);
    fleet.until(&server, "completed", 1 + waiting.len() + 5).await;
    assert_eq!(work.stop(), 0);
}

fn elsewhere(number: usize) -> Value {
    let mut job = diff(number);
    job["options"]["queue"] = json!("other");
    job
}
