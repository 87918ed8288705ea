//! Calls of tools that wait for a person, over HTTP.

use super::support::{SOON, assert_error, server};
use flotilla_workers::{
    approvals::{AskApproval, Asked},
    journal::{RunStart, StepKey},
    store::{Claim, Claimed, Store},
};
use reqwest::StatusCode;
use serde_json::{json, value::to_raw_value};
use std::time::Duration;

async fn claim_one(store: &dyn Store) -> Claimed {
    let queues = [("default".to_owned(), 1)];
    let claim = Claim { worker: "test", queues: &queues, kinds: None, lease_ttl: SOON };
    store.claim(claim).await.unwrap().pop().expect("a job waits")
}

/// Asks about two calls of a job; answers their ids.
async fn ask(store: &dyn Store, claimed: &Claimed) -> [String; 2] {
    let start = RunStart {
        agent: "helper".to_owned(),
        tenant: "acme".to_owned(),
        session: None,
        plan: to_raw_value(&()).unwrap(),
    };
    let run = store.open_run(&claimed.lease, start).await.unwrap().unwrap().run;
    let mut ids = Vec::new();
    for seq in 0..2 {
        let ask = AskApproval {
            run,
            key: StepKey { thread: 0, seq },
            input_hash: [0; 32],
            tool: "write_file".to_owned(),
            arguments: "{}".to_owned(),
            timeout: Duration::from_hours(1),
        };
        let Asked::Is(approval) = store.ask_approval(&claimed.lease, ask).await.unwrap() else { panic!() };
        ids.push(approval.id.to_string());
    }
    ids.try_into().unwrap()
}

#[tokio::test]
async fn they_are_listed_and_decided_once() {
    let server = server().await;
    server.talk(1, json!({})).await;
    let claimed = claim_one(&*server.store).await;
    let [one, two] = ask(&*server.store, &claimed).await;
    let (status, page) = server.get("/v1/approvals?state=pending&limit=1").await;
    assert_eq!((status, &page["approvals"][0]["id"]), (StatusCode::OK, &json!(two)), "{page}");
    let next = page["next"].as_str().unwrap();
    let (_, page) = server.get(&format!("/v1/approvals?after={next}&job={}", claimed.id())).await;
    assert_eq!((page["approvals"].as_array().unwrap().len(), page.get("next")), (1, None), "{page}");
    assert_eq!(page["approvals"][0]["tool"], "write_file");

    let post = async |id: &str, what: &str, body| server.post(&format!("/v1/approvals/{id}/{what}"), &body).await;
    let say = json!({"by": "ann", "reason": "fine"});
    let (status, approved) = post(&one, "approve", say.clone()).await;
    assert_eq!((status, &approved["decision"], &approved["by"]), (StatusCode::OK, &json!("approved"), &json!("ann")));
    let (status, again) = post(&one, "approve", json!({"by": "bob"})).await;
    assert_eq!((status, &again), (StatusCode::OK, &approved), "the first one counts");
    assert_error(&post(&one, "deny", json!({})).await, 409, "conflict", Some("state"));
    let (status, denied) = post(&two, "deny", json!({})).await;
    assert_eq!((status, &denied["decision"]), (StatusCode::OK, &json!("denied")));

    let nobody = "0199f2c4-0000-7000-8000-000000000000";
    assert_error(&post(nobody, "approve", json!({})).await, 404, "approval_not_found", Some("id"));
    assert_error(&post("x", "approve", json!({})).await, 400, "invalid_field", Some("id"));
    assert_error(&post(&one, "approve", json!({"by": "a\nb"})).await, 400, "invalid_field", Some("by"));
    assert_error(&post(&one, "approve", json!({"who": "a"})).await, 400, "invalid_field", Some("who"));
    for (query, field) in [("state=x", "state"), ("job=x", "job"), ("after=x", "after"), ("limit=0", "limit")] {
        assert_error(&server.get(&format!("/v1/approvals?{query}")).await, 400, "invalid_field", Some(field));
    }
    server.end().await;
}
