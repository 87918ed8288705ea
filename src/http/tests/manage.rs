//! Lists, single actions, bulk actions, queues, probes.

use super::support::{SOON, answer, assert_error, server, talk};
use flotilla_workers::{
    admission::{Ask, BreakerLimits, Lane, LaneLimits},
    store::{Claim, End, Settle, Store},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// Ends one job of the queue with a fault.
async fn fail_one(store: &dyn Store) -> String {
    let queues = [("default".to_owned(), 1)];
    let claim = Claim { worker: "test", queues: &queues, kinds: None, lease_ttl: SOON };
    let claimed = store.claim(claim).await.unwrap().pop().expect("a job waits");
    let id = claimed.id().to_string();
    let fault = flotilla_jobs::Fault::new("handler", "no luck");
    store.settle(vec![Settle::new(claimed.lease, claimed.claimed_at, End::Failed(fault))]).await.unwrap();
    id
}

#[tokio::test]
async fn pages_hold_every_job_once_newest_first() {
    let server = server().await;
    let mut ids = Vec::new();
    for i in 0..5 {
        ids.push(server.talk(1, json!({ "labels": { "team": "core", "n": i.to_string() } })).await);
    }
    server.talk(1, json!({ "labels": { "team": "other" } })).await;
    ids.reverse();

    let mut found = Vec::new();
    let mut path = "/v1/jobs?label=team:core&limit=2".to_owned();
    loop {
        let (status, page) = server.get(&path).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        found.extend(page["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/jobs?label=team:core&limit=2&after={next}");
    }
    assert_eq!(found, ids);

    let (_, page) = server.get("/v1/jobs?label=team:core&label=n:3&state=pending&kind=talk&queue=default").await;
    assert_eq!((page["jobs"].as_array().unwrap().len(), &page["jobs"][0]["id"]), (1, &json!(ids[1])));
    assert_eq!(page["jobs"][0].get("payload"), None);
    for (query, field) in [
        ("stat=failed", "stat"),
        ("state=done", "state"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("after=x", "after"),
        ("label=x", "label"),
        ("created_after=yesterday", "created_after"),
    ] {
        assert_error(&server.get(&format!("/v1/jobs?{query}")).await, 400, "invalid_field", Some(field));
    }
    server.end().await;
}

#[tokio::test]
async fn one_job_is_cancelled_and_retried() {
    let server = server().await;
    let id = server.talk(1, json!({})).await;
    let act = |id: &str, what: &str| {
        let request = server.request(Method::POST, &format!("/v1/jobs/{id}/{what}"));
        async move { answer(request).await }
    };
    assert_eq!(act(&id, "cancel").await, (StatusCode::OK, json!({ "id": id, "reply": "cancelled" })));
    assert_eq!(act(&id, "cancel").await, (StatusCode::OK, json!({ "id": id, "reply": "already_finished" })));
    assert_error(&act(&id, "retry").await, 409, "conflict", Some("state"));
    assert_error(&act(&id, "resume").await, 409, "conflict", Some("state"));

    server.talk(1, json!({})).await;
    let failed = fail_one(&*server.store).await;
    let (status, job) = act(&failed, "retry").await;
    assert_eq!((status, &job["state"]), (StatusCode::OK, &json!("pending")), "{job}");

    let nobody = "0199f2c4-0000-7000-8000-000000000000";
    for what in ["cancel", "retry", "resume"] {
        assert_error(&act(nobody, what).await, 404, "job_not_found", Some("id"));
        assert_error(&act("x", what).await, 400, "invalid_field", Some("id"));
    }
    assert_error(&server.get(&format!("/v1/jobs/{nobody}")).await, 404, "job_not_found", Some("id"));
    server.end().await;
}

#[tokio::test]
async fn all_that_match_are_cancelled_and_retried() {
    let server = server().await;
    let jobs: Vec<Value> = (0..4).map(|i| talk(1, &json!({ "tenant": if i < 3 { "a" } else { "b" } }))).collect();
    server.post("/v1/jobs", &json!(jobs)).await;
    let later = json!({ "tenant": "a", "run_at": "2999-01-01T00:00:00Z" });
    server.post("/v1/jobs", &talk(1, &later)).await;

    assert_error(&server.post("/v1/jobs/cancel", &json!({})).await, 400, "invalid_field", Some("all"));
    assert_error(&server.post("/v1/jobs/cancel", &json!({ "stat": 1 })).await, 400, "invalid_field", Some("stat"));
    let (status, swept) = server.post("/v1/jobs/cancel", &json!({ "tenant": "a" })).await;
    assert_eq!((status, swept), (StatusCode::OK, json!({ "count": 4, "more": false })));

    fail_one(&*server.store).await;
    let wrong = server.post("/v1/jobs/retry", &json!({ "state": "completed" })).await;
    assert_error(&wrong, 400, "invalid_field", Some("state"));
    let (_, swept) = server.post("/v1/jobs/retry?all=true", &json!({})).await;
    assert_eq!(swept, json!({ "count": 1, "more": false }));
    let (_, swept) = server.post("/v1/jobs/resume?all=true", &json!({})).await;
    assert_eq!(swept, json!({ "count": 0, "more": false }));
    server.end().await;
}

#[tokio::test]
async fn a_queue_is_paused_and_capped() {
    let server = server().await;
    server.talk(1, json!({})).await;
    let (status, queue) = answer(server.request(Method::POST, "/v1/queues/default/pause")).await;
    assert_eq!((status, &queue["paused"], &queue["pending"]), (StatusCode::OK, &json!(true), &json!(1)), "{queue}");
    let put = |body: Value| answer(server.request(Method::PUT, "/v1/queues/default").json(&body));
    let (_, queue) = put(json!({ "cap": 3 })).await;
    assert_eq!((&queue["paused"], &queue["cap"]), (&json!(true), &json!(3)), "{queue}");
    let (_, queue) = answer(server.request(Method::POST, "/v1/queues/default/resume")).await;
    assert_eq!((&queue["paused"], &queue["cap"]), (&json!(false), &json!(3)), "{queue}");
    let (_, queue) = put(json!({ "cap": 0 })).await;
    assert_eq!(queue.get("cap"), None, "{queue}");
    assert_error(&put(json!({ "kap": 0 })).await, 400, "invalid_field", Some("kap"));
    let bad = answer(server.request(Method::POST, "/v1/queues/A%20b/pause")).await;
    assert_error(&bad, 400, "invalid_field", Some("name"));
    server.end().await;
}

#[tokio::test]
async fn probes_say_what_is_and_that_it_stops() {
    let server = server().await;
    assert_eq!(server.get("/live").await, (StatusCode::OK, json!({ "ok": true })));
    assert_eq!(server.get("/ready").await, (StatusCode::OK, json!({ "ok": true })));
    let (status, health) = server.get("/health").await;
    assert_eq!((status, &health["ok"]), (StatusCode::OK, &json!(true)), "{health}");
    assert!(!health["dependencies"].as_array().unwrap().is_empty());
    server.talk(1, json!({})).await;
    let (status, metrics) = server.get("/metrics").await;
    let metrics = metrics.as_str().unwrap();
    assert!(status == StatusCode::OK && metrics.contains("flotilla_build_info"), "{metrics}");
    assert!(metrics.lines().any(|line| line.contains("queue=\"default\"") && line.ends_with(" 1")), "{metrics}");

    server.stopping.cancel();
    assert_eq!(server.get("/live").await.0, StatusCode::OK);
    let answer = server.request(Method::GET, "/ready").send().await.unwrap();
    assert_eq!(
        (answer.status(), &answer.headers()["retry-after"]),
        (StatusCode::SERVICE_UNAVAILABLE, &"2".parse().unwrap())
    );
    let (status, health) = server.get("/health").await;
    assert_eq!((status, &health["stopping"]), (StatusCode::SERVICE_UNAVAILABLE, &json!(true)), "{health}");
    // Work that is asked for still gets done.
    server.talk(1, json!({})).await;
    server.end().await;
}

#[tokio::test]
async fn what_is_not_there_is_said_in_the_envelope() {
    let server = server().await;
    assert_error(&server.get("/v2/jobs").await, 404, "route_not_found", None);
    let wrong = answer(server.request(Method::DELETE, "/v1/jobs")).await;
    assert_error(&wrong, 405, "method_not_allowed", None);
    let request = server.request(Method::GET, "/nope").header("x-request-id", "mine-1");
    assert_eq!(answer(request).await.1["error"]["request_id"], json!("mine-1"));
    server.end().await;
}

#[tokio::test]
async fn providers_are_listed_with_what_goes_on_there() {
    let server = server().await;
    let ask = |holder: &str| Ask {
        lane: Lane { provider: "one".into(), key: "main".into(), model: "large".into() },
        limits: LaneLimits { streams: Some(1), ..LaneLimits::default() },
        breaker: BreakerLimits { failures: 3, rest: SOON },
        holder: holder.to_owned(),
        input: 1,
        output: 1,
        lease: SOON,
    };
    assert_eq!(server.get("/v1/providers").await.1, json!({ "lanes": [] }));
    for holder in ["a", "b"] {
        server.store.admit(&ask(holder)).await.unwrap();
    }
    let lane = json!({ "provider": "one", "key": "main", "model": "large", "streams": 1, "waiting": 1 });
    assert_eq!(server.get("/v1/providers").await, (StatusCode::OK, json!({ "lanes": [lane] })));
    let (_, metrics) = server.get("/metrics").await;
    let metrics = metrics.as_str().unwrap();
    assert!(metrics.contains(r#"flotilla_lane_waiting{lane="one/main/large"} 1"#), "{metrics}");
    server.end().await;
}
