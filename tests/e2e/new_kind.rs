//! A kind that only new workers know: old ones leave it to them, and it is in nobody's way.

use crate::fleet::{Fleet, diff, until};
use serde_json::{Value, json};

const DRILLS: usize = 12;
const REVIEWS: usize = 40;

#[tokio::test]
async fn a_kind_of_the_new_version_waits_for_it_on_both() {
    let fleet = Fleet::remote();
    a_kind_of_the_new_version_waits_for_it(&fleet).await;
    let all = (DRILLS + 2 * REVIEWS) as i64;
    assert_eq!(fleet.place.results().await, (all, all));
}

#[tokio::test]
async fn a_kind_of_the_new_version_waits_for_it_on_one_file() {
    a_kind_of_the_new_version_waits_for_it(&Fleet::file()).await;
}

async fn a_kind_of_the_new_version_waits_for_it(fleet: &Fleet) {
    let (_serve, server) = fleet.start(&["serve"]);
    let (old, _) = fleet.start(&["work", "--set", "worker.drills=false"]);
    let drill = json!({
        "kind": "drill", "payload": { "steps": [{ "do": "sleep", "ms": 5 }] }, "options": { "priority": 3 }
    });
    let drills = fleet.submit(&server, &vec![drill; DRILLS]).await;
    fleet.submit(&server, &(0..REVIEWS).map(diff).collect::<Vec<_>>()).await;
    fleet.until(&server, "completed", REVIEWS).await;
    until_waiting(fleet, &server, &json!({ "drill": DRILLS })).await;
    assert_eq!(fleet.states(&server).await["pending"], DRILLS);
    let queues = fleet.home.run(&["queues"]).exits(0);
    let said = format!("default: {DRILLS} wait for a worker that knows `drill`");
    assert!(queues.stderr.contains(&said), "{}", queues.stderr);
    let doctor = fleet.home.run(&["doctor"]);
    assert!(doctor.stdout.contains(&said), "{}", doctor.stdout);

    let (new, _) = fleet.start(&["work", "--concurrency", "1"]);
    fleet.submit(&server, &(0..REVIEWS).map(diff).collect::<Vec<_>>()).await;
    fleet.until(&server, "completed", DRILLS + 2 * REVIEWS).await;
    until_waiting(fleet, &server, &Value::Null).await;
    let mut started = Vec::new();
    for id in &drills {
        let job = fleet.job(&server, id).await;
        assert!(job["history"].as_array().is_none_or(Vec::is_empty) && job["output"]["run"] == 1, "{job}");
        started.push(job["started_at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap());
    }
    assert!(started.is_sorted(), "{started:?}");
    assert_eq!((old.stop(), new.stop()), (0, 0));
}

async fn until_waiting(fleet: &Fleet, server: &str, expected: &Value) {
    until("what waits for a worker", async || {
        let all: Value = fleet.get(&format!("{server}/v1/queues")).await.json().await.unwrap();
        let queue = all["queues"].as_array().unwrap().iter().find(|queue| queue["name"] == "default").unwrap();
        if queue["waiting_for_worker"] == *expected { Ok(()) } else { Err(queue.to_string()) }
    })
    .await;
}
