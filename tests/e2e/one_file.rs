//! Two processes on one SQLite file, one of them killed.

use crate::fleet::{CONCURRENCY, Fleet, diff};
use serde_json::Value;
use std::collections::HashSet;

const JOBS: usize = 300;
/// More than one process has room for, so that each holds some.
const GATED: usize = CONCURRENCY + 4;

#[tokio::test]
async fn two_processes_share_one_file_and_one_survives() {
    let fleet = Fleet::file();
    // Both find no file, and make it at the same time.
    let services = std::thread::scope(|scope| {
        let both = [(); 2].map(|()| scope.spawn(|| fleet.start(&["run"])));
        both.map(|one| one.join().unwrap())
    });
    let [(mut killed, first), (survivor, second)] = services;
    let mut ids = fleet.submit(&first, &(0..GATED).map(|_| fleet.gated()).collect::<Vec<_>>()).await;
    fleet.until(&second, "running", GATED).await;
    let diffs: Vec<Value> = (GATED..JOBS).map(diff).collect();
    let (before, after) = diffs.split_at(diffs.len() / 2);
    for (i, batch) in before.chunks(20).enumerate() {
        let server = if i.is_multiple_of(2) { &first } else { &second };
        ids.extend(fleet.submit(server, batch).await);
    }
    fleet.until(&second, "completed", 1).await;
    killed.signal("KILL");
    assert_eq!(killed.wait(), -1);
    ids.extend(fleet.submit(&second, after).await);
    fleet.until_rescued(&second, GATED - CONCURRENCY).await;
    fleet.open_gate();
    fleet.until(&second, "completed", JOBS).await;

    let jobs = fleet.list(&second).await;
    let listed: HashSet<&str> = jobs.iter().map(|job| job["id"].as_str().unwrap()).collect();
    assert_eq!((jobs.len(), listed), (JOBS, ids.iter().map(String::as_str).collect()));
    assert!(jobs.iter().all(|job| job["attempts"]["failure"] == 0), "{jobs:?}");
    fleet.lost_by_one(&second, &jobs).await;
    assert_eq!(survivor.stop(), 0);
}
