//! Redis killed, and started again with nothing or with what it knew some time ago: every accepted job finishes, and the
//! processes of the fleet stay up.

use crate::{
    fleet::{Fleet, crashes, nap, until},
    support::Service,
};
use serde_json::{Value, json};
use std::time::Duration;

/// A job that is over before anything happens to Redis.
const SHORT: Duration = Duration::from_millis(5);
/// A job that runs while Redis is killed, longer than its lease.
const LONG: Duration = Duration::from_secs(4);
/// Few enough for two workers to run all of them at once.
const LONG_ONES: usize = 6;
/// More than two workers can have begun.
const WAITING: usize = 60;

#[tokio::test]
async fn a_redis_that_comes_back_empty_loses_no_job() {
    let fleet = Fleet::own();
    let (serve, server) = fleet.start(&["serve"]);
    let workers = [fleet.start(&["work"]).0, fleet.start(&["work"]).0];
    let mut count = submit(&fleet, &server, SHORT, 20).await;
    fleet.until(&server, "completed", count).await;
    count += submit(&fleet, &server, LONG, LONG_ONES).await;
    count += submit(&fleet, &server, Duration::from_millis(200), WAITING).await;
    fleet.until(&server, "running", LONG_ONES).await;

    fleet.place.redis().kill();
    is_accepted_and_health_says_so(&fleet, &server).await;
    count += 1;
    fleet.place.redis().restart();

    fleet.all_complete(&server, count).await;
    count += submit(&fleet, &server, SHORT, 20).await;
    fleet.all_complete(&server, count).await;
    assert_eq!((workers.map(Service::stop), serve.stop()), ([0, 0], 0));
}

#[tokio::test]
async fn a_redis_that_comes_back_with_a_stale_snapshot_loses_no_job() {
    let fleet = Fleet::own();
    let (serve, server) = fleet.start(&["serve"]);
    let workers = [fleet.start(&["work"]).0, fleet.start(&["work"]).0];
    let mut count = submit(&fleet, &server, LONG, LONG_ONES).await;
    fleet.until(&server, "running", LONG_ONES).await;
    count += submit(&fleet, &server, SHORT, WAITING).await;
    // Leases, and jobs that wait for their turn or for their time, which the record knows to be over soon after.
    count += submit(&fleet, &server, Duration::from_millis(300), WAITING).await;
    let retried = json!([{ "do": "retry", "message": "again", "after_ms": 500, "only_attempt": 1 }]);
    fleet.submit(&server, &[crate::fleet::drill(&retried)]).await;
    count += 1;
    fleet.place.redis().save();
    fleet.until(&server, "completed", WAITING + 10).await;
    count += submit(&fleet, &server, Duration::from_millis(100), WAITING).await;

    fleet.place.redis().kill();
    is_accepted_and_health_says_so(&fleet, &server).await;
    count += 1;
    fleet.place.redis().restart();

    let jobs = fleet.all_complete(&server, count).await;
    // Nobody could renew a lease, so nobody is to blame for one that ran out.
    assert!(jobs.iter().all(|job| crashes(job) == 0), "{jobs:?}");
    assert_eq!((workers.map(Service::stop), serve.stop()), ([0, 0], 0));
}

async fn submit(fleet: &Fleet, server: &str, time: Duration, count: usize) -> usize {
    fleet.submit(server, &vec![nap(time); count]).await.len()
}

/// The record is enough to accept a job, and what is missing has a name.
async fn is_accepted_and_health_says_so(fleet: &Fleet, server: &str) {
    let answer = fleet.post(server, &nap(SHORT)).header("idempotency-key", "away").send().await.unwrap();
    assert_eq!(answer.status(), 201);
    until("health that says so", async || {
        let answer = fleet.get(&format!("{server}/health")).await;
        let (status, health) = (answer.status(), answer.json::<Value>().await.unwrap());
        let ok = |name: &str| {
            let all = health["dependencies"].as_array().unwrap();
            all.iter().find(|one| one["name"] == name).and_then(|one| one["ok"].as_bool()).unwrap()
        };
        let said = status == 503 && !ok("redis") && ok("postgres");
        if said { Ok(()) } else { Err(format!("{status} {health}")) }
    })
    .await;
    assert_eq!(fleet.get(&format!("{server}/ready")).await.status(), 200, "it still accepts jobs");
}
