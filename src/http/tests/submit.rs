//! `POST /v1/jobs`: what is let in, and what is answered to the rest.

use super::support::{answer, assert_error, server, server_with, talk};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test]
async fn a_job_is_accepted_and_found() {
    let server = server().await;
    let response =
        server.request(Method::POST, "/v1/jobs").json(&talk(1, &json!({ "priority": 2 }))).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    assert!(!response.headers()["x-request-id"].is_empty());
    let body: Value = response.json().await.unwrap();
    assert_eq!((location, &body["duplicate"]), (format!("/v1/jobs/{}", body["id"].as_str().unwrap()), &json!(false)));

    let (status, job) = server.get(&format!("/v1/jobs/{}", body["id"].as_str().unwrap())).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&job["kind"], &job["state"], &job["priority"]), (&json!("talk"), &json!("pending"), &json!(2)));
    assert_eq!(job["payload"], json!({ "lines": 1 }));
    server.end().await;
}

#[tokio::test]
async fn a_repeat_with_the_same_key_is_answered_with_the_first_job() {
    let server = server().await;
    let send = |key: &'static str, body: Value| {
        answer(server.request(Method::POST, "/v1/jobs").header("idempotency-key", key).json(&body))
    };
    let (first, one) = send("k", talk(1, &json!({}))).await;
    let (again, same) = send("k", talk(1, &json!({}))).await;
    assert_eq!((first, again), (StatusCode::CREATED, StatusCode::OK));
    assert_eq!(same, json!({ "id": one["id"], "duplicate": true }));
    assert_error(&send("k", talk(2, &json!({}))).await, 409, "idempotency_mismatch", Some("idempotency_key"));

    let many = json!([talk(1, &json!({})), talk(2, &json!({}))]);
    let (first, jobs) = send("many", many.clone()).await;
    let (again, same) = send("many", many).await;
    assert_eq!((first, again), (StatusCode::CREATED, StatusCode::OK));
    assert_eq!([&jobs[0]["id"], &jobs[1]["id"]], [&same[0]["id"], &same[1]["id"]]);
    // Items have keys of their own: `KEY#i`.
    let mut second = talk(2, &json!({}));
    second["idempotency_key"] = json!("many#1");
    let (status, alone) = server.post("/v1/jobs", &second).await;
    assert_eq!((status, &alone["id"]), (StatusCode::OK, &jobs[1]["id"]));

    let mut own = talk(1, &json!({}));
    own["idempotency_key"] = json!("other");
    assert_error(&send("k", own).await, 400, "invalid_field", Some("idempotency_key"));
    assert_error(&send("", talk(1, &json!({}))).await, 400, "invalid_field", Some("idempotency-key"));
    server.end().await;
}

#[tokio::test]
async fn a_batch_is_accepted_whole_or_not_at_all() {
    let server = server().await;
    let good = talk(1, &json!({}));
    let many = vec![good.clone(); 1_000];
    let (status, jobs) = server.post("/v1/jobs", &json!(many)).await;
    assert_eq!((status, jobs.as_array().map(Vec::len)), (StatusCode::CREATED, Some(1_000)), "{jobs}");

    let bad = json!([good, talk(1, &json!({ "max_attempts": 0 }))]);
    assert_error(&server.post("/v1/jobs", &bad).await, 400, "invalid_field", Some("[1].options.max_attempts"));
    let bad = json!([good, { "kind": "nobody", "payload": {} }]);
    assert_error(&server.post("/v1/jobs", &bad).await, 400, "unknown_kind", Some("[1].kind"));
    assert_error(&server.post("/v1/jobs", &json!([])).await, 400, "batch_size", None);
    assert_error(&server.post("/v1/jobs", &json!(vec![&good; 1_001])).await, 400, "batch_size", None);

    let (_, queues) = server.get("/v1/queues").await;
    assert_eq!(queues["queues"][0]["pending"], json!(1_000), "{queues}");
    server.end().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_said_with_its_place() {
    let server = server().await;
    let cases = [
        (r#"{"kind": "talk""#, 400, "invalid_json", None),
        ("", 400, "invalid_json", None),
        (r#"{"kind": "talk", "payload": {"lines": 1}} x"#, 400, "invalid_json", None),
        (r#"{"kind": "talk"}"#, 400, "invalid_field", None),
        (r#"{"kind": "talk", "payload": {}, "optoins": {}}"#, 400, "invalid_field", Some("optoins")),
        (
            r#"{"kind": "talk", "payload": {"lines": 1}, "options": {"priority": 10}}"#,
            400,
            "invalid_field",
            Some("options.priority"),
        ),
        (r#"{"kind": "talk", "payload": {"lines": "x"}}"#, 400, "invalid_field", Some("payload")),
        (r#"{"kind": "Talk", "payload": {}}"#, 400, "invalid_field", Some("kind")),
        (r#"{"kind": "nobody", "payload": {}}"#, 400, "unknown_kind", Some("kind")),
        (
            r#"{"kind": "talk", "payload": {"lines": 1}, "options": {"run_at": "soon"}}"#,
            400,
            "invalid_field",
            Some("options.run_at"),
        ),
    ];
    for (body, status, code, field) in cases {
        let request = server.request(Method::POST, "/v1/jobs").header("content-type", "application/json").body(body);
        let answer = answer(request).await;
        assert_error(&answer, status, code, field);
    }
    let unknown = server.post("/v1/jobs", &json!({ "kind": "nobody", "payload": {} })).await.1;
    assert!(unknown["error"]["message"].as_str().unwrap().contains("code-review, talk"), "{unknown}");
    server.end().await;
}

#[tokio::test]
async fn a_body_has_a_type_and_a_size() {
    let server = server().await;
    let form = server.request(Method::POST, "/v1/jobs").header("content-type", "text/plain").body("{}");
    assert_error(&answer(form).await, 415, "unsupported_media_type", Some("content-type"));
    let large = talk(1, &json!({ "labels": { "x": "y".repeat(70_000) } }));
    assert_error(&server.post("/v1/jobs", &large).await, 413, "payload_too_large", None);
    // Without a length in advance, too.
    let chunks = futures_util::stream::iter([40_000, 40_000].map(|size| Ok::<_, std::io::Error>(vec![b' '; size])));
    let body = reqwest::Body::wrap_stream(chunks);
    let chunked = server.request(Method::POST, "/v1/jobs").header("content-type", "application/json").body(body);
    assert_error(&answer(chunked).await, 413, "payload_too_large", None);
    server.end().await;
}

#[tokio::test]
async fn a_work_tree_is_reviewed_below_the_roots_only() {
    let root = tempfile::tempdir().unwrap();
    let server = server_with(None, vec![root.path().to_owned()]).await;
    let review = |path: &std::path::Path| json!({ "kind": "code-review", "payload": { "source": { "type": "work_tree", "path": path } } });
    let (status, body) = server.post("/v1/jobs", &review(root.path())).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    let outside = server.post("/v1/jobs", &review("/etc".as_ref())).await;
    assert_error(&outside, 403, "forbidden_path", Some("payload.source.path"));
    let (status, body) = server
        .post("/v1/jobs", &json!({ "kind": "code-review", "payload": { "source": { "type": "diff", "diff": "" } } }))
        .await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    server.end().await;
}
