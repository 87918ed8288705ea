//! What agents did, over HTTP.

use super::support::{SOON, Server, assert_error, server};
use flotilla_workers::{
    journal::{Begin, Begun, EndStep, Note, RunStart, StepKey, StepKind, StepOutcome},
    ledger::{Call, Hold},
    store::Claim,
};
use reqwest::StatusCode;
use serde_json::{json, value::RawValue};

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

/// A job with a decision, a call that failed and the one that answered.
async fn worked(server: &Server) -> String {
    let id = server.talk(1, json!({})).await;
    let queues = [("default".to_owned(), 1)];
    let claim = Claim { worker: "test", queues: &queues, kinds: None, lease_ttl: SOON };
    let lease = server.store.claim(claim).await.unwrap().remove(0).lease;
    let start = RunStart { agent: "tester".into(), tenant: "default".into(), session: None, plan: raw("1") };
    let run = server.store.open_run(&lease, start).await.unwrap().unwrap().run;
    let key = |seq| StepKey { thread: 0, seq };
    let note = Note {
        lease: lease.clone(),
        run,
        key: key(0),
        kind: StepKind::Decision,
        name: "decision:plan".into(),
        input_hash: [0; 32],
        request: None,
        value: raw("1"),
    };
    server.store.note(vec![note]).await.unwrap();
    for answered in [false, true] {
        let call = Call {
            provider: "one".into(),
            model: "large".into(),
            price: None,
            hold: Hold::default(),
            estimated_input: 1,
            limits: Vec::new(),
            saved: None,
        };
        let begin = Begin {
            lease: lease.clone(),
            run,
            key: key(1),
            kind: StepKind::Llm,
            name: "llm:ask".into(),
            input_hash: [1; 32],
            request: Some(raw(r#"{"opening": {"system": "", "prompt": "Hello \u001b[2J", "max_output": 1}}"#)),
            call: Some(call),
            again: false,
        };
        let Begun::Started { attempt } = server.store.begin(vec![begin]).await.unwrap().remove(0) else { panic!() };
        let failed = StepOutcome::Failed { code: "cut".into(), message: "it broke off".into() };
        let reply = r#"{"by": "large", "reply": {"parts": [{"type": "text", "text": "Hi"}], "stop": "end", "usage": null,
            "model": null, "id": null}}"#;
        let outcome = if answered { StepOutcome::Done(raw(reply)) } else { failed };
        let (usage, cost, request_id) = (None, None, None);
        let end = EndStep { lease: lease.clone(), run, key: key(1), attempt, outcome, usage, cost, request_id };
        server.store.end(vec![end]).await.unwrap();
    }
    id
}

#[tokio::test]
async fn steps_come_in_pages_and_a_transcript_tells_what_was_said() {
    let server = server().await;
    let id = worked(&server).await;
    let (status, all) = server.get(&format!("/v1/jobs/{id}/steps")).await;
    let outcomes: Vec<_> = all["steps"].as_array().unwrap().iter().map(|step| step["outcome"].clone()).collect();
    assert_eq!((status, json!(outcomes)), (StatusCode::OK, json!(["done", "cut", "done"])), "{all}");
    assert_eq!((&all["steps"][1]["message"], &all["steps"][1]["kept"]), (&json!("it broke off"), &json!(false)));
    assert_eq!(all.get("next"), None);
    let (_, page) = server.get(&format!("/v1/jobs/{id}/steps?limit=2")).await;
    assert_eq!(page["next"], "0.0.1.1");
    let (_, page) = server.get(&format!("/v1/jobs/{id}/steps?limit=2&after=0.0.1.1")).await;
    assert_eq!(page, json!({ "steps": [all["steps"][2]] }));

    let (status, said) = server.get(&format!("/v1/jobs/{id}/transcript")).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    let texts: Vec<_> = said["messages"].as_array().unwrap().iter().map(|one| one["text"].clone()).collect();
    // Programs get it as it was said.
    assert_eq!(json!(texts), json!(["Hello \u{1b}[2J", "Hi"]));
    assert_eq!((&said["messages"][1]["by"], &said["messages"][1]["role"]), (&json!("large"), &json!("assistant")));
    server.end().await;
}

#[tokio::test]
async fn a_job_that_is_not_there_or_a_place_that_is_none_is_said() {
    let server = server().await;
    let id = server.talk(1, json!({})).await;
    assert_eq!(server.get(&format!("/v1/jobs/{id}/steps")).await, (StatusCode::OK, json!({ "steps": [] })));
    assert_eq!(server.get(&format!("/v1/jobs/{id}/transcript")).await, (StatusCode::OK, json!({ "messages": [] })));
    let nobody = "0199f2c4-0000-7000-8000-000000000000";
    for what in ["steps", "transcript"] {
        assert_error(&server.get(&format!("/v1/jobs/{nobody}/{what}")).await, 404, "job_not_found", Some("id"));
        for (query, field) in [("after=1", "after"), ("limit=0", "limit"), ("limit=2000", "limit"), ("page=2", "page")]
        {
            let answer = server.get(&format!("/v1/jobs/{id}/{what}?{query}")).await;
            assert_error(&answer, 400, "invalid_field", Some(field));
        }
    }
    server.end().await;
}
