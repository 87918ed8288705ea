//! A worker that is frozen for longer than its leases last, and then goes on as if nothing had happened.

use crate::{
    drills::{drill, metric, said, start, until_metric},
    fleet::{Fleet, diff, until},
    place::Place,
    support::Service,
};
use serde_json::json;

const LOST: &str = "flotilla_leases_total{event=\"lost\"}";

#[tokio::test]
async fn what_a_frozen_worker_does_later_changes_nothing_on_both() {
    what_a_frozen_worker_does_later_changes_nothing(Fleet::remote()).await;
}

#[tokio::test]
async fn what_a_frozen_worker_does_later_changes_nothing_on_one_file() {
    what_a_frozen_worker_does_later_changes_nothing(Fleet::file()).await;
}

async fn what_a_frozen_worker_does_later_changes_nothing(fleet: Fleet) {
    let (_serve, server) = start(&fleet, &["serve"]);
    let (mut frozen, frozen_url) = start(&fleet, &["work"]);
    // The first has its result ready as soon as the worker goes on; the second is told to end, and does not listen;
    // the third is told, and listens.
    let late = json!([
        { "do": "sleep", "ms": 1_500, "only_attempt": 1 },
        { "do": "say", "text": "late", "only_attempt": 1 },
        { "do": "say", "text": "in time", "only_attempt": 2 },
    ]);
    let deaf = json!([{ "do": "ignore_cancel", "ms": 600_000, "only_attempt": 1 }]);
    let obedient = json!([{ "do": "sleep", "ms": 600_000, "only_attempt": 1 }]);
    let ids = fleet.submit(&server, &[drill(&late), drill(&deaf), drill(&obedient)]).await;
    fleet.until(&server, "running", ids.len()).await;
    let extra = freeze(&fleet, &server, &frozen).await;
    let (other, _) = start(&fleet, &["work"]);
    for id in &ids {
        let job = fleet.until_job(&server, id, "completed").await;
        assert_eq!((&job["output"]["run"], &job["attempts"]["crash"]), (&json!(2), &json!(1)), "{job}");
    }
    assert_eq!(other.stop(), 0);

    frozen.signal("CONT");
    frozen.line("a lease was lost");
    until_metric(&fleet, &frozen_url, LOST, 2).await;
    // It goes on with other work, in the places of all that it held.
    let more: Vec<_> =
        (0..3 * crate::fleet::CONCURRENCY).map(|_| drill(&json!([{ "do": "sleep", "ms": 50 }]))).collect();
    for id in fleet.submit(&server, &more).await {
        let job = fleet.until_job(&server, &id, "completed").await;
        assert_eq!(job["attempts"]["crash"], 0, "{job}");
    }
    until_metric(&fleet, &frozen_url, "flotilla_handlers_stuck_total{how=\"ignored_end\",kind=\"drill\"}", 1).await;
    until("every handler to end", async || match metric(&fleet, &frozen_url, "flotilla_jobs_running").await {
        0 => Ok(()),
        running => Err(running.to_string()),
    })
    .await;

    for id in &ids {
        let job = fleet.job(&server, id).await;
        assert_eq!((&job["state"], &job["output"]["run"]), (&json!("completed"), &json!(2)), "{job}");
        assert_eq!(job["history"].as_array().unwrap().len(), 1, "{job}");
    }
    assert_eq!(said(&fleet, &server, &ids[0]).await, ["in time"]);
    if matches!(fleet.place, Place::Remote(_)) {
        let all = (ids.len() + more.len() + extra) as i64;
        assert_eq!(fleet.place.results().await, (all, all));
    }
    assert_eq!(frozen.stop(), 0);
}

/// Stops a process, though not in the midst of a write: on one file it would hold up everybody until it goes on.
/// Answers how many jobs it took to see that others can write.
async fn freeze(fleet: &Fleet, server: &str, worker: &Service) -> usize {
    until("a moment at which nothing is written", async || {
        worker.signal("STOP");
        let answer = fleet.post(server, &diff(1)).send().await.unwrap();
        if answer.status() == 201 {
            return Ok(1);
        }
        worker.signal("CONT");
        Err(answer.status().to_string())
    })
    .await
}
