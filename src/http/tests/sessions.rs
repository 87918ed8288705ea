//! Sessions, over HTTP.

use super::support::{SOON, Server, answer, assert_error, server};
use flotilla_jobs::{EntryKind, NewJob, Options, SessionId};
use flotilla_workers::{
    sessions::{Left, NewEntry, Post, Turn},
    store::{Claim, End, Settle, Submission},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json, value::to_raw_value};

async fn open(server: &Server, body: &Value) -> String {
    let (status, session) = server.post("/v1/sessions", body).await;
    assert_eq!(status, StatusCode::CREATED, "{session}");
    session["id"].as_str().unwrap().to_owned()
}

async fn send(server: &Server, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
    answer(server.request(method, path).json(body)).await
}

/// Says something, and has it answered in the same words.
pub(super) async fn say(server: &Server, id: &str, text: &str) {
    let session: SessionId = id.parse().unwrap();
    let content = to_raw_value(&json!({ "text": text })).unwrap();
    let payload = to_raw_value(&json!({ "lines": 0 })).unwrap();
    let job = NewJob { kind: "talk".into(), payload, options: Options::default(), idempotency_key: None };
    let job = Submission::new(job, Options::default()).unwrap();
    let post = Post { session, client_id: text.into(), content: content.clone(), job };
    server.store.post(vec![post]).await.unwrap();
    let queues = [("default".to_owned(), 1)];
    let claim = Claim { worker: "test", queues: &queues, kinds: None, lease_ttl: SOON };
    let claimed = server.store.claim(claim).await.unwrap().remove(0);
    assert!(matches!(server.store.begin_turn(&claimed.lease).await.unwrap(), Turn::Began(_)));
    let entries = vec![NewEntry { kind: EntryKind::Assistant, partial: false, content }];
    let end = End::Completed(to_raw_value(&json!(0)).unwrap());
    let end = Settle { left: Some(Left { session, entries }), ..Settle::new(claimed.lease, claimed.claimed_at, end) };
    server.store.settle(vec![end]).await.unwrap();
}

fn numbers(page: &Value) -> Vec<u64> {
    page["entries"].as_array().unwrap().iter().map(|entry| entry["id"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_session_is_opened_listed_changed_and_deleted() {
    let server = server().await;
    let asked = json!({ "id": SessionId::new(), "tenant": "acme", "title": "plans", "busy": "steer" });
    let id = open(&server, &asked).await;
    // Asked twice, it is one.
    assert_eq!(server.post("/v1/sessions", &asked).await.0, StatusCode::OK);
    let other = open(&server, &json!({})).await;
    let (_, page) = server.get("/v1/sessions?limit=1").await;
    assert_eq!((&page["sessions"][0]["id"], &page["next"]), (&json!(other), &json!(other)));
    assert_eq!(page["sessions"][0]["tenant"], "default");
    let (_, page) = server.get(&format!("/v1/sessions?after={other}")).await;
    assert_eq!((&page["sessions"][0]["id"], &page["next"]), (&json!(id), &Value::Null));
    assert_eq!(server.get("/v1/sessions?tenant=acme").await.1["sessions"].as_array().unwrap().len(), 1);

    let one = format!("/v1/sessions/{id}");
    let (status, session) = send(&server, Method::PATCH, &one, &json!({ "title": "", "busy": "reject" })).await;
    assert_eq!((status, &session["title"], &session["busy"]), (StatusCode::OK, &Value::Null, &json!("reject")));
    assert_eq!(server.get(&one).await.1, session);
    let response = server.request(Method::DELETE, &one).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_error(&server.get(&one).await, 404, "session_not_found", Some("id"));
    assert_error(&answer(server.request(Method::DELETE, &one)).await, 404, "session_not_found", Some("id"));
    server.end().await;
}

#[tokio::test]
async fn entries_come_in_pages_and_branches() {
    let server = server().await;
    let id = open(&server, &json!({})).await;
    for text in ["one", "two"] {
        say(&server, &id, text).await;
    }
    let path = format!("/v1/sessions/{id}/entries");
    let get = async |query: &str| server.get(&format!("{path}{query}")).await.1;
    let all = get("").await;
    assert_eq!((numbers(&all), &all["next"]), (vec![1, 2, 3, 4], &Value::Null));
    assert_eq!(all["entries"][3]["content"], json!({ "text": "two" }));
    let page = get("?limit=3").await;
    assert_eq!((numbers(&page), &page["next"]), (vec![1, 2, 3], &json!(3)));
    let page = get("?after=3&limit=1").await;
    assert_eq!((numbers(&page), &page["next"]), (vec![4], &Value::Null));
    let page = get("?branch=head&limit=3").await;
    assert_eq!((numbers(&page), &page["next"]), (vec![4, 3, 2], &json!(1)));
    assert_eq!(numbers(&get("?branch=2").await), [2, 1]);

    let (status, fork) = server.post(&format!("/v1/sessions/{id}/fork"), &json!({ "entry": 2 })).await;
    assert_eq!((status, &fork["forked_from"]), (StatusCode::CREATED, &json!({ "session": id, "entry": 2 })));
    let (_, entries) = server.get(&format!("/v1/sessions/{}/entries", fork["id"].as_str().unwrap())).await;
    assert_eq!(numbers(&entries), [1, 2]);
    server.end().await;
}

#[tokio::test]
async fn a_session_goes_to_the_archive_and_comes_back() {
    let server = server().await;
    let id = open(&server, &json!({})).await;
    let one = format!("/v1/sessions/{id}");
    let archive = async || server.post(&format!("{one}/archive"), &json!({})).await.1["reply"].clone();
    assert_eq!(archive().await, "empty");
    say(&server, &id, "one").await;
    let (_, before) = server.get(&format!("{one}/entries")).await;
    assert_eq!((archive().await, archive().await), (json!("archived"), json!("already")));
    assert!(server.get("/v1/sessions").await.1["sessions"][0]["archived_at"].is_string());
    assert_eq!(server.get(&format!("{one}/entries")).await.1, before);
    let (_, swept) = server.post("/v1/sessions/archive", &json!({ "idle_days": 0 })).await;
    assert_eq!(swept, json!({ "count": 1, "more": false }));
    let (status, session) = server.post(&format!("{one}/restore"), &json!({})).await;
    assert_eq!((status, &session["archived_at"]), (StatusCode::OK, &Value::Null));
    let (_, swept) = server.post("/v1/sessions/archive", &json!({ "idle_days": 1 })).await;
    assert_eq!(swept["count"], 0);
    server.end().await;
}

#[tokio::test]
async fn what_makes_no_sense_is_said() {
    let server = server().await;
    let id = open(&server, &json!({})).await;
    say(&server, &id, "one").await;
    let (one, nobody) = (format!("/v1/sessions/{id}"), format!("/v1/sessions/{}", SessionId::new()));
    for (path, field) in [
        ("/v1/sessions?limit=0", "limit"),
        ("/v1/sessions?after=x", "after"),
        ("/v1/sessions?state=x", "state"),
        ("/v1/sessions/x", "session"),
        (&format!("{one}/entries?limit=1001"), "limit"),
        (&format!("{one}/entries?branch=x"), "branch"),
        (&format!("{one}/entries?branch=1&after=1"), "branch"),
    ] {
        assert_error(&server.get(path).await, 400, "invalid_field", Some(field));
    }
    assert_error(&server.get(&format!("{nobody}/entries")).await, 404, "session_not_found", Some("id"));
    let fork = json!({ "entry": 99 });
    assert_error(&server.post(&format!("{one}/fork"), &fork).await, 404, "entry_not_found", Some("entry"));
    for what in ["fork", "archive", "restore"] {
        let gone = server.post(&format!("{nobody}/{what}"), &fork).await;
        assert_error(&gone, 404, "session_not_found", Some("id"));
    }
    let gone = send(&server, Method::PATCH, &nobody, &json!({ "title": "x" })).await;
    assert_error(&gone, 404, "session_not_found", Some("id"));
    let wrong = send(&server, Method::PATCH, &one, &json!({ "title": "a\nb" })).await;
    assert_error(&wrong, 400, "invalid_field", Some("title"));
    let wrong = server.post("/v1/sessions", &json!({ "busy": "never" })).await;
    assert_error(&wrong, 400, "invalid_field", Some("busy"));
    server.end().await;
}
