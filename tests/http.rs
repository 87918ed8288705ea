//! The services, as whoever runs them sees them: addresses, probes, signals.

mod support;

#[path = "http/abuse.rs"]
mod abuse;
#[path = "http/slow.rs"]
mod slow;
#[path = "http/socket.rs"]
mod socket;

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::{Home, SOON};

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().timeout(SOON).build().unwrap()
}

async fn status(url: &str) -> StatusCode {
    client().get(url).send().await.unwrap().status()
}

async fn submit(url: &str, source: Value) -> Value {
    let body = json!({ "kind": "code-review", "payload": { "source": source } });
    client().post(format!("{url}/v1/jobs")).json(&body).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn run_takes_a_job_over_http_and_does_it() {
    let home = Home::new();
    let mut run = home.start(&["run", "--listen", "127.0.0.1:0"]);
    let url = run.url();
    let id = submit(&url, json!({ "type": "diff", "diff": "" })).await["id"].as_str().unwrap().to_owned();
    home.run(&["watch", &id, "--server", &url]).exits(0);
    let job = home.run(&["show", &id, "--server", &url, "--json"]).exits(0).json();
    assert_eq!(job["state"], json!("completed"), "{job}");
    home.run(&["health", "--url", &url]).exits(0);
    let refused = submit(&url, json!({ "type": "work_tree", "path": "/" })).await;
    assert_eq!(refused["error"]["code"], json!("forbidden_path"));
    assert_eq!(run.stop(), 0);
}

#[tokio::test]
async fn a_review_goes_to_the_server_where_one_is_configured() {
    let home = Home::new();
    let tree = home.repository("lib.rs", "pub fn answer() -> u32 {\n    42\n}\n");
    let roots = format!("http.review_roots={}", home.path().display());
    let mut run = home.start(&["run", "--listen", "127.0.0.1:0", "--set", &roots]);
    let url = run.url();
    home.run(&["review", tree.to_str().unwrap(), "--server", &url, "--json"]).exits(0).json();
    let jobs = home.run(&["ls", "--server", &url, "--json"]).exits(0).json();
    assert_eq!(jobs["jobs"][0]["queue"], json!("default"));
    assert_eq!(run.stop(), 0);
}

#[tokio::test]
async fn readiness_ends_at_once_and_requests_do_not() {
    let home = Home::new();
    let mut serve = home.start(&["serve", "--listen", "127.0.0.1:0", "--set", "http.linger_ms=60000"]);
    let url = serve.url();
    assert_eq!(status(&format!("{url}/ready")).await, StatusCode::OK);
    serve.signal("TERM");
    serve.line("stopping");
    assert_eq!(status(&format!("{url}/ready")).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(status(&format!("{url}/live")).await, StatusCode::OK);
    assert_eq!(status(&format!("{url}/v1/jobs")).await, StatusCode::OK);
    // The second signal does not wait for load balancers.
    serve.signal("TERM");
    assert_eq!(serve.wait(), 130);
}

#[tokio::test]
async fn beyond_loopback_there_is_a_token_or_nothing() {
    let home = Home::new();
    let ran = home.run(&["serve", "--listen", "0.0.0.0:0"]).exits(2);
    assert!(ran.stderr.contains("FLOTILLA_HTTP__TOKEN_FILE"), "{}", ran.stderr);
    let ran = home.run(&["work", "--health-listen", "0.0.0.0:0"]).exits(2);
    assert!(ran.stderr.contains("worker.http.listen"), "{}", ran.stderr);

    let token = home.write("token", "0123456789abcdef\n");
    let token = format!("http.token_file={}", token.display());
    let mut serve = home.start(&["serve", "--listen", "0.0.0.0:0", "--set", &token, "--set", "http.linger_ms=0"]);
    let url = serve.url().replace("0.0.0.0", "127.0.0.1");
    assert_eq!(status(&format!("{url}/ready")).await, StatusCode::OK);
    assert_eq!(status(&format!("{url}/v1/jobs")).await, StatusCode::UNAUTHORIZED);
    home.run(&["ls", "--server", &url]).exits(2);
    home.run(&["ls", "--server", &url, "--set", "server.token=0123456789abcdef"]).exits(0);
    assert_eq!(serve.stop(), 0);
}

#[tokio::test]
async fn workers_answer_probes_and_find_a_port() {
    let home = Home::new();
    // Both ask for the default port; at least one of them does not get it.
    let (mut one, mut two) = (home.start(&["work"]), home.start(&["work"]));
    let (first, second) = (one.url(), two.url());
    assert_ne!(first, second);
    for url in [&first, &second] {
        for path in ["/live", "/ready", "/health", "/metrics"] {
            assert_eq!(status(&format!("{url}{path}")).await, StatusCode::OK, "{path}");
        }
        assert_eq!(status(&format!("{url}/v1/jobs")).await, StatusCode::NOT_FOUND);
    }
    let id = home.run(&["submit", "code-review", r#"{"source":{"type":"diff","diff":""}}"#]).exits(0).stdout;
    home.run(&["watch", id.trim()]).exits(0);
    assert_eq!((one.stop(), two.stop()), (0, 0));
}

#[tokio::test]
async fn a_worker_that_stops_hands_its_job_over_and_a_second_signal_ends_it_at_once() {
    let home = Home::new();
    let tree = home.repository("a", "b\n");
    let source = json!({ "source": { "type": "work_tree", "path": tree } }).to_string();
    let roots = format!("http.review_roots={}", home.path().display());
    let id = home.run(&["submit", "code-review", &source]).exits(0).stdout.trim().to_owned();
    let state = |home: &Home| home.run(&["show", &id, "--json"]).exits(0).json();
    for (drain, signals, code) in [("0", 1, 0), ("600000", 2, 130)] {
        let drain = format!("worker.drain_ms={drain}");
        let mut command = home.command(&["work", "--set", &drain, "--set", &roots, "--health-listen", "127.0.0.1:0"]);
        command.env("PATH", home.hanging_git()).env("FLOTILLA_LOG__FORMAT", "json");
        let mut work = support::Service::start(command);
        work.line("\"address\"");
        let deadline = Instant::now() + SOON;
        while state(&home)["state"] != json!("running") {
            assert!(Instant::now() < deadline, "it does not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        work.signal("TERM");
        work.line("stopping");
        if signals == 2 {
            work.signal("TERM");
        }
        assert_eq!(work.wait(), code);
        let job = state(&home);
        assert_eq!((&job["state"], &job["attempts"]["failure"]), (&json!("pending"), &json!(0)), "{job}");
    }
    home.run(&["cancel", &id]).exits(0);
}
