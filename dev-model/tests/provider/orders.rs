//! The same from another process, and what tests wait for.

use crate::client::{SOON, http, request, server, stream};
use flotilla_dev_model::{CallRecord, Ledger, Script, Then, When, Wire};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn calls_ledger_script_and_reset_over_http() {
    let server = server(Script::default()).await;
    let url = server.url();
    let http = http();
    let script = Script::default().rule(When::default(), Then::text("new"));
    let done: Value = http.put(format!("{url}/dev/script")).json(&script).send().await.unwrap().json().await.unwrap();
    assert_eq!(done, json!({ "done": true }));
    assert_eq!(stream(&server, Wire::OpenaiChat, "hi").await.said(), "new");

    let calls: Vec<CallRecord> = http.get(format!("{url}/dev/calls")).send().await.unwrap().json().await.unwrap();
    assert_eq!(calls, server.calls());
    assert_eq!(calls[0].body, request(Wire::OpenaiChat, "hi", true));
    let ledger: Ledger = http.get(format!("{url}/dev/ledger")).send().await.unwrap().json().await.unwrap();
    assert_eq!(ledger, server.ledger());

    let wrong = http.put(format!("{url}/dev/script")).body("{\"rules\": [{\"whenn\": {}}]}").send().await.unwrap();
    assert_eq!(wrong.status(), 400);
    assert!(wrong.text().await.unwrap().contains("whenn"));
    http.post(format!("{url}/dev/reset")).send().await.unwrap();
    assert_eq!(server.ledger(), Ledger::default());
}

#[tokio::test]
async fn waiting_has_a_limit_that_says_what_was_there() {
    let server = server(Script::default()).await;
    stream(&server, Wire::OpenaiChat, "hi").await;
    server.wait_for(1, SOON).await.unwrap();
    server.wait_until(SOON, |calls| calls.iter().any(|call| call.model == "m")).await.unwrap();
    let error = server.wait_for(2, Duration::from_millis(10)).await.unwrap_err();
    assert_eq!(error.to_string(), "waited 10ms for 2 calls: 1 calls had arrived, 1 of them had ended");
    server.stop().await;
}
