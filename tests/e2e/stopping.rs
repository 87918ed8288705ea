//! How a worker ends when it is told to: in two steps, in one, and when its handlers are deaf.

use crate::{
    fleet::{Fleet, crashes},
    servers,
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A worker with little time: 0.8 s to drain, and gone 3 s later.
const HURRIED: &[&str] = &["work", "--set", "worker.drain_ms=800", "--set", "worker.hard_stop_ms=3000"];
const LIMIT: Duration = Duration::from_millis(3_800);
/// What a loaded machine may add: well below the minute for which the deaf handlers go on.
const SLACK: Duration = Duration::from_secs(10);

fn drill(steps: &Value) -> Value {
    json!({ "kind": "drill", "payload": { "steps": steps } })
}

fn handovers(job: &Value) -> u64 {
    job["attempts"]["handover"].as_u64().unwrap()
}

#[tokio::test]
async fn a_stop_takes_two_steps_on_both() {
    a_stop_takes_two_steps(Fleet::remote()).await;
}

#[tokio::test]
async fn a_stop_takes_two_steps_on_one_file() {
    a_stop_takes_two_steps(Fleet::file()).await;
}

async fn a_stop_takes_two_steps(fleet: Fleet) {
    let (_serve, server) = fleet.start(&["serve"]);
    let (mut leaving, url) = fleet.start(HURRIED);
    let short = drill(&json!([{ "do": "sleep", "ms": 400 }]));
    let long = drill(&json!([{ "do": "say", "text": "last words" }, { "do": "sleep", "ms": 4_000 }]));
    let deaf = drill(&json!([{ "do": "ignore_cancel", "ms": 60_000, "only_attempt": 1 }]));
    let ids = fleet.submit(&server, &[short, long, deaf]).await;
    // They are claimed together; the first may have ended by now.
    fleet.until(&server, "running", 2).await;

    let asked = Instant::now();
    leaving.signal("TERM");
    leaving.line("stopping");
    assert_eq!(fleet.get(&format!("{url}/ready")).await.status(), 503);
    let late = fleet.submit(&server, &[drill(&json!([]))]).await.remove(0);
    assert_eq!(leaving.wait(), 0);
    let took = asked.elapsed();
    assert!(took > Duration::from_millis(700) && took < LIMIT + SLACK, "it took {took:?}");

    // What could end did, on record; what could not is in front again; what came later was not touched.
    let [short, long, deaf] = [fleet.job(&server, &ids[0]), fleet.job(&server, &ids[1]), fleet.job(&server, &ids[2])];
    let (short, long, deaf) = (short.await, long.await, deaf.await);
    assert!(short["state"] == "completed" && handovers(&short) == 0, "{short}");
    for job in [&long, &deaf] {
        assert!(job["state"] == "pending" && handovers(job) == 1 && job["history"][0]["cause"] == "handover", "{job}");
    }
    let untouched = fleet.job(&server, &late).await;
    assert!(untouched["state"] == "pending" && handovers(&untouched) == 0, "{untouched}");
    assert_eq!(long["progress"]["message"], "asleep in step 1", "{long}");

    let (next, _) = fleet.start(&["work", "--concurrency", "1"]);
    let mut started = Vec::new();
    for id in [&ids[1], &ids[2], &late] {
        let job = fleet.until_job(&server, id, "completed").await;
        assert!(job["attempts"]["failure"] == 0 && crashes(&job) == 0, "{job}");
        started.push(job["started_at"].as_str().unwrap().to_owned());
    }
    assert!(started.is_sorted(), "{started:?}");
    let job = fleet.job(&server, &ids[1]).await;
    assert_eq!(job["output"], json!({ "steps": 2, "run": 2 }));
    let ran = ran(&job);
    assert!(ran < Duration::from_millis(3_900), "it did not go on where it was: its last run took {ran:?}");
    assert_eq!(next.stop(), 0);
}

/// How long its last run took.
fn ran(job: &Value) -> Duration {
    let at = |name: &str| job[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    at("finished_at").duration_since(at("started_at")).unsigned_abs()
}

#[tokio::test]
async fn a_worker_whose_every_thread_is_blocked_is_gone_in_time() {
    let fleet = Fleet::remote();
    let (_serve, server) = fleet.start(&["serve"]);
    let (mut blocked, _) = fleet.start(HURRIED);
    // More than the runtime has threads.
    let threads = std::thread::available_parallelism().unwrap().get();
    let jobs = vec![drill(&json!([{ "do": "block", "ms": 60_000, "only_attempt": 1 }])); threads + 1];
    fleet.submit(&server, &jobs).await;
    fleet.until(&server, "running", 1).await;
    let asked = Instant::now();
    blocked.signal("TERM");
    // Whether it could give its jobs back depends on the threads that were left.
    let code = blocked.wait();
    assert!(code == 0 || code == 130, "{code}");
    assert!(asked.elapsed() < LIMIT + SLACK, "it took {:?}", asked.elapsed());

    let (next, _) = fleet.start(&["work"]);
    fleet.until(&server, "completed", jobs.len()).await;
    for job in fleet.list(&server).await {
        assert!(job["attempts"]["failure"] == 0 && crashes(&job) <= 1, "{job}");
    }
    assert_eq!(next.stop(), 0);
}

#[tokio::test]
async fn a_second_signal_ends_a_blocked_worker_at_once() {
    let fleet = Fleet::file();
    let (_serve, server) = fleet.start(&["serve"]);
    let (mut blocked, _) = fleet.start(&["work"]);
    let threads = std::thread::available_parallelism().unwrap().get();
    fleet.submit(&server, &vec![drill(&json!([{ "do": "block", "ms": 60_000 }])); threads + 1]).await;
    fleet.until(&server, "running", 1).await;
    let asked = Instant::now();
    blocked.signal("TERM");
    blocked.line("stopping");
    blocked.signal("TERM");
    assert_eq!(blocked.wait(), 130);
    assert!(asked.elapsed() < SLACK, "it took {:?}", asked.elapsed());
}

/// The record is away when a worker is told to stop: its result waits for it, but not beyond the end.
#[tokio::test]
async fn a_result_waits_for_a_record_that_is_away_while_there_is_time() {
    let postgres = servers::Server::postgres();
    let fleet = Fleet::unmigrated();
    let record = format!("store.postgres_url={}", postgres.url());
    let on_it = |args: &[&'static str]| -> Vec<&str> { [args, &["--set", &record]].concat() };
    fleet.home.run(&on_it(&["migrate"])).exits(0);
    let (_serve, server) = fleet.start(&on_it(&["serve"]));
    let stopped = async |settings: &'static str, returns: bool| {
        let (mut leaving, _) = fleet.start(&on_it(&["work", "--set", "worker.drain_ms=800", "--set", settings]));
        let id = fleet.submit(&server, &[drill(&json!([{ "do": "sleep", "ms": 700 }]))]).await.remove(0);
        fleet.until_job(&server, &id, "running").await;
        postgres.freeze();
        leaving.signal("TERM");
        leaving.line("stopping");
        // Beyond the job and the time to drain.
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        if returns {
            postgres.thaw();
        }
        let code = leaving.wait();
        postgres.thaw();
        (code, id)
    };
    let (code, id) = stopped("worker.hard_stop_ms=25000", true).await;
    let job = fleet.job(&server, &id).await;
    assert!(code == 0 && job["state"] == "completed" && job["output"]["run"] == 1, "{code}: {job}");

    let asked = Instant::now();
    let (code, id) = stopped("worker.hard_stop_ms=1500", false).await;
    assert!(
        code == 130 && asked.elapsed() < Duration::from_millis(2_300) + SLACK,
        "{code} after {:?}",
        asked.elapsed()
    );
    let (next, _) = fleet.start(&on_it(&["work"]));
    let job = fleet.until_job(&server, &id, "completed").await;
    assert!(job["attempts"]["failure"] == 0 && crashes(&job) == 1, "{job}");
    assert_eq!(next.stop(), 0);
}
