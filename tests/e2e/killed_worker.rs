//! A worker killed under load: every job still has one result.

use crate::{
    fleet::{CONCURRENCY, Fleet, crashes, diff, has_finding},
    support::Service,
};
use serde_json::Value;
use std::collections::HashSet;

const JOBS: usize = 1_000;
/// More than two of three workers have room for, so the third holds some of them as well.
const GATED: usize = 2 * CONCURRENCY + 4;

#[tokio::test]
async fn a_thousand_jobs_survive_a_killed_worker() {
    let fleet = Fleet::remote();
    let (_serve, server) = fleet.start(&["serve"]);
    let mut workers: Vec<Service> = (0..3).map(|_| fleet.start(&["work"]).0).collect();

    let gated: Vec<Value> = (0..GATED).map(|_| fleet.gated()).collect();
    let mut ids = fleet.submit(&server, &gated).await;
    fleet.until(&server, "running", GATED).await;
    let diffs: Vec<Value> = (GATED..JOBS).map(diff).collect();
    let (before, after) = diffs.split_at(diffs.len() / 2);
    for batch in before.chunks(100) {
        ids.extend(fleet.submit(&server, batch).await);
    }
    fleet.until(&server, "completed", 1).await;
    workers[0].signal("KILL");
    assert_eq!(workers.remove(0).wait(), -1);
    for batch in after.chunks(100) {
        ids.extend(fleet.submit(&server, batch).await);
    }
    fleet.until_rescued(&server, GATED - 2 * CONCURRENCY).await;
    fleet.open_gate();
    fleet.until(&server, "completed", JOBS).await;

    let jobs = fleet.list(&server).await;
    let listed: HashSet<&str> = jobs.iter().map(|job| job["id"].as_str().unwrap()).collect();
    assert_eq!((jobs.len(), listed), (JOBS, ids.iter().map(String::as_str).collect()));
    for job in &jobs {
        let attempts = &job["attempts"];
        assert!(job["state"] == "completed" && crashes(job) <= 1 && attempts["failure"] == 0, "{job}");
    }
    fleet.lost_by_one(&server, &jobs).await;
    assert_eq!(fleet.place.results().await, (JOBS as i64, JOBS as i64));
    for number in (GATED..JOBS).step_by(7) {
        let job = fleet.job(&server, &ids[number]).await;
        let findings = job["output"]["findings"].as_array().unwrap();
        assert_eq!(!findings.is_empty(), has_finding(number), "{job}");
    }
    for worker in workers {
        assert_eq!(worker.stop(), 0);
    }
}
