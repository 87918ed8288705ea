//! Connections to Postgres that break between its commit and the answer: nobody knows what became of it, and still
//! nothing is lost and nothing is there twice.

use crate::{
    fleet::{Fleet, crashes, drill, nap, until},
    proxy::Proxy,
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(5);
/// Long enough to prepare the proxy while it runs.
const LONG: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_submit_whose_answer_is_lost_is_the_same_job_when_repeated() {
    let fleet = Fleet::remote();
    let proxy = in_front_of_postgres(&fleet);
    let (serve, server) = fleet.start_with(&["serve"], &by(&fleet, &proxy));
    let job = nap(SHORT);
    let submit = async || fleet.post(&server, &job).header("idempotency-key", "lost").send().await.unwrap();
    proxy.hold_after(&["COMMIT"]);
    let (lost, ()) = tokio::join!(submit(), lose_answer(&fleet, &proxy, "jobs"));
    assert_eq!(lost.status(), 503);

    let again = submit().await;
    assert_eq!(again.status(), StatusCode::OK);
    let again: Value = again.json().await.unwrap();
    assert_eq!(again["duplicate"], true);
    let (work, _) = fleet.start(&["work"]);
    let jobs = fleet.all_complete(&server, 1).await;
    assert_eq!(jobs[0]["id"], again["id"]);
    assert_eq!((work.stop(), serve.stop()), (0, 0));
}

#[tokio::test]
async fn a_submit_without_a_key_whose_answer_is_lost_runs_once() {
    let fleet = Fleet::remote();
    let proxy = in_front_of_postgres(&fleet);
    let (serve, server) = fleet.start_with(&["serve"], &by(&fleet, &proxy));
    let job = drill(&json!([{ "do": "say", "text": "the answer is lost" }]));
    proxy.hold_after(&["the answer is lost"]);
    let submit = async || fleet.post(&server, &job).send().await.unwrap();
    let (lost, ()) = tokio::join!(submit(), lose_answer(&fleet, &proxy, "jobs"));
    assert_eq!(lost.status(), 503);

    let (work, _) = fleet.start(&["work"]);
    let jobs = fleet.all_complete(&server, 1).await;
    assert_eq!((crashes(&jobs[0]), work.stop(), serve.stop()), (0, 0, 0));
}

#[tokio::test]
async fn a_result_whose_answer_is_lost_is_recorded_once() {
    let fleet = Fleet::remote();
    let proxy = in_front_of_postgres(&fleet);
    let (serve, server) = fleet.start(&["serve"]);
    let mut settings = by(&fleet, &proxy).to_vec();
    settings.push(("WORKER__NAME", "a-name-in-every-result".to_owned()));
    let (work, _) = fleet.start_with(&["work"], &settings);
    fleet.submit(&server, &vec![nap(LONG); 3]).await;
    fleet.until(&server, "running", 3).await;
    proxy.hold_after(&["a-name-in-every-result"]);
    lose_answer(&fleet, &proxy, "job_results").await;
    fleet.all_complete(&server, 3).await;

    // A transaction of several statements: the end of a run after which there is another.
    let again = json!([{ "do": "sleep", "ms": 1_000 }, { "do": "retry", "message": "a retry", "only_attempt": 1 }]);
    let id = fleet.submit(&server, &[drill(&again)]).await.remove(0);
    fleet.until_job(&server, &id, "running").await;
    // Of this transaction: the worker that leads commits others meanwhile.
    proxy.hold_after(&["a retry", "COMMIT"]);
    lose_answer(&fleet, &proxy, "job_attempts").await;
    let jobs = fleet.all_complete(&server, 4).await;
    assert!(jobs.iter().all(|job| crashes(job) == 0), "{jobs:?}");
    let job = fleet.job(&server, &id).await;
    assert_eq!((&job["output"]["run"], &job["attempts"]["failure"]), (&2.into(), &1.into()), "{job}");
    assert_eq!((work.stop(), serve.stop()), (0, 0));
}

fn in_front_of_postgres(fleet: &Fleet) -> Proxy {
    Proxy::to(fleet.place.postgres().port())
}

fn by(fleet: &Fleet, proxy: &Proxy) -> [(&'static str, String); 1] {
    [("STORE__POSTGRES_URL", fleet.place.postgres().url_by(proxy.port()))]
}

/// Waits until Postgres has a row in this table, of which the proxy does not tell, and breaks the connections.
async fn lose_answer(fleet: &Fleet, proxy: &Proxy, table: &'static str) {
    let mut connection = fleet.place.connect().await;
    until("a row", async || if rows(&mut connection, table).await > 0 { Ok(()) } else { Err("none".to_owned()) }).await;
    connection.close().await.unwrap();
    proxy.cut();
    proxy.heal();
}

async fn rows(connection: &mut PgConnection, table: &'static str) -> i64 {
    let count = match table {
        "jobs" => "SELECT count(*) FROM jobs",
        "job_results" => "SELECT count(*) FROM job_results",
        _ => "SELECT count(*) FROM job_attempts",
    };
    sqlx::query_scalar(count).fetch_one(connection).await.unwrap()
}
