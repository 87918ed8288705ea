//! Postgres killed and away for a while, and a pool that has no connection left.

use crate::fleet::{Fleet, crashes, nap, until};
use serde_json::{Value, json};
use sqlx::Connection;
use std::{env, time::Duration};
use tokio::time::{Instant, sleep, sleep_until};

/// Jobs that a worker may hold while nothing can be recorded.
const ROOM: usize = 10;
const CONCURRENCY: usize = 4;
const JOBS: usize = 40;

/// How long it is away: longer than a lease. By hand for as long as is promised: `FLOTILLA_TEST_OUTAGE_S=60`.
fn away() -> Duration {
    Duration::from_secs(env::var("FLOTILLA_TEST_OUTAGE_S").map_or(4, |seconds| seconds.parse().unwrap()))
}

#[tokio::test]
async fn results_wait_for_a_postgres_that_is_away() {
    let fleet = Fleet::own();
    let (serve, server) = fleet.start(&["serve"]);
    let bounds = [("WORKER__CONCURRENCY", CONCURRENCY.to_string()), ("WORKER__MAX_UNRECORDED", ROOM.to_string())];
    let (work, worker) = fleet.start_with(&["work"], &bounds);
    // The first ones run on while it is away, and one of them until after it has returned.
    let mut jobs = vec![nap(away() + Duration::from_secs(1))];
    jobs.extend(vec![nap(Duration::from_secs(1)); CONCURRENCY - 1]);
    fleet.submit(&server, &jobs).await;
    fleet.until(&server, "running", CONCURRENCY).await;
    fleet.submit(&server, &vec![nap(Duration::from_millis(20)); JOBS - CONCURRENCY]).await;

    fleet.place.postgres().kill();
    let returns = Instant::now() + away();
    let refused = fleet.post(&server, &nap(Duration::ZERO)).header("idempotency-key", "away").send().await.unwrap();
    is_refused(refused).await;
    is_refused(fleet.post(&server, &nap(Duration::ZERO)).send().await.unwrap()).await;
    // One of those held still runs.
    until("results that wait", async || {
        let waiting = waiting(&fleet, &worker).await;
        if waiting == ROOM - 1 { Ok(()) } else { Err(waiting.to_string()) }
    })
    .await;
    while Instant::now() < returns {
        assert!(waiting(&fleet, &worker).await < ROOM, "claiming goes on though there is no room");
        sleep(Duration::from_millis(100)).await;
    }
    sleep_until(returns).await;
    fleet.place.postgres().restart();

    let listed = fleet.all_complete(&server, JOBS).await;
    assert!(listed.iter().all(|job| crashes(job) == 0), "leases were renewed meanwhile: {listed:?}");
    let accepted = fleet.post(&server, &nap(Duration::ZERO)).header("idempotency-key", "away").send().await.unwrap();
    assert_eq!(accepted.status(), 201, "nothing was half-done");
    fleet.all_complete(&server, JOBS + 1).await;
    assert_eq!((work.stop(), serve.stop()), (0, 0));
}

/// A lock of ours keeps the only connection of either process busy.
#[tokio::test]
async fn a_pool_without_a_free_connection_holds_up_only_what_needs_one() {
    let fleet = Fleet::remote();
    let narrow = [("STORE__POOL", "1".to_owned()), ("STORE__POSTGRES_TIMEOUT_MS", "8000".to_owned())];
    let (serve, server) = fleet.start_with(&["serve"], &narrow);
    let (work, worker) = fleet.start_with(&["work"], &narrow);
    fleet.submit(&server, &[nap(Duration::from_secs(3))]).await;
    fleet.until(&server, "running", 1).await;

    let mut lock = fleet.place.connect().await;
    let mut held = lock.begin().await.unwrap();
    sqlx::query("LOCK TABLE jobs, job_results IN ACCESS EXCLUSIVE MODE").execute(&mut *held).await.unwrap();
    let post = || async { fleet.post(&server, &nap(Duration::ZERO)).send().await.unwrap() };
    let (one, two, three) = tokio::join!(post(), post(), post());
    for refused in [one, two, three] {
        is_refused(refused).await;
    }
    until("a result that waits", async || {
        let waiting = waiting(&fleet, &worker).await;
        if waiting == 1 { Ok(()) } else { Err(waiting.to_string()) }
    })
    .await;
    held.rollback().await.unwrap();
    lock.close().await.unwrap();

    fleet.until(&server, "completed", 1).await;
    fleet.submit(&server, &[nap(Duration::ZERO)]).await;
    fleet.all_complete(&server, 2).await;
    assert_eq!((work.stop(), serve.stop()), (0, 0));
}

/// 503, when to try again, and that it is the store.
async fn is_refused(answer: reqwest::Response) {
    let again = answer.headers().get("retry-after").map(|seconds| seconds.to_str().unwrap().parse::<u64>().unwrap());
    assert!(answer.status() == 503 && again.is_some_and(|seconds| seconds > 0), "{answer:?}");
    assert_eq!(answer.json::<Value>().await.unwrap()["error"]["code"], json!("unavailable"));
}

/// Results that are not yet on record.
async fn waiting(fleet: &Fleet, worker: &str) -> usize {
    let text = fleet.get(&format!("{worker}/metrics")).await.text().await.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("flotilla_results_unrecorded ")).unwrap();
    line.trim().parse().unwrap()
}
