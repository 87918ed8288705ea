//! A running job cancelled by a process that has nothing to do with its worker.

use crate::fleet::Fleet;
use std::time::{Duration, Instant};

/// Well below the drain and every timeout, far above what a wake-up takes.
const A_FEW_SECONDS: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_running_job_is_cancelled_from_elsewhere_on_both() {
    a_running_job_is_cancelled_from_elsewhere(Fleet::remote()).await;
}

#[tokio::test]
async fn a_running_job_is_cancelled_from_elsewhere_on_one_file() {
    a_running_job_is_cancelled_from_elsewhere(Fleet::file()).await;
}

async fn a_running_job_is_cancelled_from_elsewhere(fleet: Fleet) {
    let (_serve, server) = fleet.start(&["serve"]);
    let (work, _) = fleet.start(&["work"]);
    let id = fleet.submit(&server, &[fleet.gated()]).await.remove(0);
    fleet.until_job(&server, &id, "running").await;
    let asked = Instant::now();
    fleet.home.run(&["cancel", &id]).exits(0);
    let job = fleet.until_job(&server, &id, "cancelled").await;
    assert!(asked.elapsed() < A_FEW_SECONDS, "it took {:?}", asked.elapsed());
    assert!(job["attempts"]["failure"] == 0 && job["history"].is_null(), "{job}");
    // Its worker is free, and the answer is final.
    fleet.home.run(&["cancel", &id]).exits(1);
    fleet.home.run(&["watch", &id]).exits(1);
    assert_eq!(work.stop(), 0);
}
