//! The network between any two parts of a fleet cut, silent or slow: every job finishes once, and nothing hangs.

use crate::{
    fleet::{Fleet, PATIENCE, nap},
    proxy::{Proxy, Way},
    support::{Service, finish},
};
use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::{env, time::Duration};
use tokio::time::{Instant, sleep, timeout};

/// Jobs that run when the network fails, and as many that are handed in while it does.
const JOBS: usize = 4;
const JOB: Duration = Duration::from_millis(500);
/// A round trip through a slow network, one half each way.
const SLOW: Duration = Duration::from_secs(2);
/// What the API promises: no request takes longer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the network fails each time. By hand for a minute: `FLOTILLA_TEST_CUT_S=60`.
fn cut() -> Duration {
    env::var("FLOTILLA_TEST_CUT_S").map_or(Duration::from_millis(1_500), |s| Duration::from_secs(s.parse().unwrap()))
}

/// How the network fails.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Refused,
    /// Silent that way; afterwards what was held arrives.
    Held(Way),
    /// Silent both ways; afterwards nobody knows of the old connections any more.
    Forgotten,
}

const FAULTS: [Fault; 4] = [Fault::Refused, Fault::Held(Way::Up), Fault::Held(Way::Down), Fault::Forgotten];

/// The two parts that no longer hear each other.
#[derive(Clone, Copy)]
struct Between {
    /// `serve` or `work`.
    process: &'static str,
    /// `REDIS` or `POSTGRES`.
    server: &'static str,
}

#[tokio::test]
async fn jobs_survive_the_network_between_worker_and_redis() {
    survive(Between { process: "work", server: "REDIS" }).await;
}

#[tokio::test]
async fn jobs_survive_the_network_between_worker_and_postgres() {
    survive(Between { process: "work", server: "POSTGRES" }).await;
}

#[tokio::test]
async fn jobs_survive_the_network_between_server_and_redis() {
    survive(Between { process: "serve", server: "REDIS" }).await;
}

#[tokio::test]
async fn jobs_survive_the_network_between_server_and_postgres() {
    survive(Between { process: "serve", server: "POSTGRES" }).await;
}

#[tokio::test]
async fn jobs_survive_a_slow_network_to_redis() {
    survive_slow("REDIS").await;
}

#[tokio::test]
async fn jobs_survive_a_slow_network_to_postgres() {
    survive_slow("POSTGRES").await;
}

async fn survive(between: Between) {
    let fleet = Fleet::remote();
    let proxy = in_front_of(&fleet, between.server);
    let impatient = [("STORE__REDIS_TIMEOUT_MS", "700".to_owned()), ("STORE__POSTGRES_TIMEOUT_MS", "1000".to_owned())];
    let start = |process: &'static str| {
        let mut settings = impatient.to_vec();
        if process == between.process {
            settings.push(by(&fleet, between.server, &proxy));
        }
        fleet.start_with(&[process], &settings)
    };
    let ((serve, server), (work, _)) = (start("serve"), start("work"));
    let mut count = 0;
    for (round, fault) in FAULTS.iter().enumerate() {
        fleet.submit(&server, &vec![nap(JOB); JOBS]).await;
        fail(&proxy, *fault);
        let heal = async {
            sleep(cut()).await;
            if matches!(fault, Fault::Forgotten) {
                proxy.cut();
            }
            proxy.heal();
        };
        let submits = (0..JOBS).map(|number| hand_in(&fleet, &server, format!("{round}-{number}")));
        tokio::join!(heal, join_all(submits));
        count += 2 * JOBS;
        fleet.until(&server, "completed", count).await;
    }
    fleet.all_complete(&server, count).await;
    assert_eq!((work.stop(), serve.stop()), (0, 0));
}

async fn survive_slow(server: &'static str) {
    let fleet = Fleet::remote();
    let proxy = in_front_of(&fleet, server);
    let patient =
        [("WORKER__LEASE_MS", "15000".to_owned()), ("WORKER__RENEW_MS", "5000".to_owned()), by(&fleet, server, &proxy)];
    let (serve, url) = fleet.start_with(&["serve"], &patient);
    let (work, _) = fleet.start_with(&["work"], &patient);
    proxy.delay(Way::Both, SLOW / 2);
    join_all((0..JOBS).map(|number| hand_in(&fleet, &url, number.to_string()))).await;
    fleet.all_complete(&url, JOBS).await;
    proxy.heal();
    assert_eq!((work.stop(), serve.stop()), (0, 0));
}

#[tokio::test]
async fn a_client_does_not_wait_for_a_server_that_went_silent() {
    let fleet = Fleet::file();
    let (run, server) = fleet.start(&["run"]);
    let proxy = Proxy::to(server.rsplit(':').next().unwrap().parse().unwrap());
    let command = |args: &[&str], timeout_ms: &str| {
        let mut command = fleet.home.command(args);
        command.env("FLOTILLA_SERVER__URL", format!("http://127.0.0.1:{}", proxy.port()));
        command.env("FLOTILLA_SERVER__TIMEOUT_MS", timeout_ms);
        command
    };
    let ask = |args: &[&str]| finish(command(args, "1000"));
    let commands: [(&[&str], i32); 4] =
        [(&["ls"], 3), (&["queues"], 3), (&["submit", "drill", r#"{"steps":[]}"#], 3), (&["health"], 1)];
    for way in [Way::Up, Way::Down] {
        proxy.hold(way);
        for (args, exit) in commands {
            let asked = Instant::now();
            let ran = ask(args).exits(exit);
            assert!(asked.elapsed() < PATIENCE / 4 && ran.stderr.contains("does not answer"), "{}", ran.stderr);
        }
        // Half-open connections are not the server's trouble either.
        assert_eq!(fleet.get(&format!("{server}/ready")).await.status(), 200);
        proxy.cut();
        proxy.heal();
        ask(&["ls"]).exits(0);
    }

    // What follows a job looks for it again; what is slow is waited for.
    let id = fleet.submit(&server, &[nap(SLOW)]).await.remove(0);
    let mut watch = Service::start(command(&["watch", &id], "30000"));
    watch.line("running");
    proxy.refuse();
    sleep(SLOW / 4).await;
    proxy.heal();
    proxy.delay(Way::Both, SLOW / 2);
    watch.line("completed");
    assert_eq!(watch.wait(), 0);
    finish(command(&["show", &id], "30000")).exits(0);
    assert_eq!(run.stop(), 0);
}

fn in_front_of(fleet: &Fleet, server: &str) -> Proxy {
    Proxy::to(if server == "REDIS" { fleet.place.redis().port() } else { fleet.place.postgres().port() })
}

fn by(fleet: &Fleet, server: &str, proxy: &Proxy) -> (&'static str, String) {
    match server {
        "REDIS" => ("STORE__REDIS_URL", fleet.place.redis().url_by(proxy.port())),
        _ => ("STORE__POSTGRES_URL", fleet.place.postgres().url_by(proxy.port())),
    }
}

fn fail(proxy: &Proxy, fault: Fault) {
    match fault {
        Fault::Refused => proxy.refuse(),
        Fault::Held(way) => proxy.hold(way),
        Fault::Forgotten => proxy.hold(Way::Both),
    }
}

/// Hands a job in as often as it takes, as a client does that has a key; no answer takes longer than the API allows.
async fn hand_in(fleet: &Fleet, server: &str, key: String) {
    let until = Instant::now() + cut() + PATIENCE;
    loop {
        let post = fleet.post(server, &nap(JOB)).header("idempotency-key", &key).send();
        let answer = timeout(REQUEST_TIMEOUT + Duration::from_secs(5), post).await.expect("an answer in time").unwrap();
        match answer.status() {
            StatusCode::OK | StatusCode::CREATED => return,
            StatusCode::SERVICE_UNAVAILABLE if Instant::now() < until => {
                assert!(answer.headers().contains_key("retry-after"), "{answer:?}");
            }
            status => panic!("{status}: {}", json!(answer.json::<Value>().await.unwrap())),
        }
        sleep(Duration::from_millis(100)).await;
    }
}
