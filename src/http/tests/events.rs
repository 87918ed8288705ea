//! Following a job over HTTP, with the client that producers use.

use super::support::{SOON, Talk, answer, assert_error, server};
use flotilla_jobs::{
    Enqueue, JobEvent, JobId, JobState, Options,
    client::{Client, Events},
};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::time::timeout;

async fn next(events: &mut Events) -> Option<JobEvent> {
    timeout(SOON, events.next()).await.expect("news comes soon").unwrap()
}

/// Events up to the one for which `last` holds.
async fn until(events: &mut Events, last: impl Fn(&JobEvent) -> bool) -> Vec<JobEvent> {
    let mut seen = Vec::new();
    while let Some(event) = next(events).await {
        let found = last(&event);
        seen.push(event);
        if found {
            return seen;
        }
    }
    panic!("the stream ended after {seen:?}");
}

fn said(events: &[JobEvent]) -> Vec<u64> {
    events.iter().filter_map(JobEvent::seq).collect()
}

#[tokio::test]
async fn a_job_is_followed_to_its_end_and_resumed_in_between() {
    let mut server = server().await;
    let client = Client::new(&server.url).unwrap();
    let id = client.enqueue(&Talk { lines: 3 }, Options::default()).await.unwrap().id;

    let mut events = client.events(id, 0).await.unwrap();
    let first = next(&mut events).await.unwrap();
    assert!(matches!(&first, JobEvent::State(change) if change.state == JobState::Pending), "{first:?}");
    server.work();
    let seen = until(&mut events, |event| matches!(event, JobEvent::Progress { .. })).await;
    assert_eq!(said(&seen), [1, 2, 3, 4]);
    assert!(seen.iter().any(|event| *event == JobEvent::Output { seq: 2, text: "line 2\n".to_owned() }), "{seen:?}");
    assert!(seen.iter().any(|e| matches!(e, JobEvent::State(change) if change.state == JobState::Running)), "{seen:?}");
    drop(events);

    let mut events = client.events(id, 2).await.unwrap();
    server.go.add_permits(1);
    let seen = until(&mut events, JobEvent::is_last).await;
    assert_eq!(said(&seen), [3, 4]);
    assert_eq!(next(&mut events).await, None, "the stream ends after the terminal state");
    assert_eq!(client.output::<Talk>(id).await.unwrap(), Some(3));
    server.end().await;
}

#[tokio::test]
async fn whoever_has_seen_the_end_is_told_so() {
    let server = server().await;
    let id = server.talk(0, json!({})).await;
    server.request(Method::POST, &format!("/v1/jobs/{id}/cancel")).send().await.unwrap();
    let ask = |last: &str| {
        answer(server.request(Method::GET, &format!("/v1/jobs/{id}/events")).header("last-event-id", last))
    };
    let (status, text) = ask("0").await;
    assert_eq!(status, StatusCode::OK);
    let text = text.as_str().unwrap();
    assert!(text.contains("event: state") && text.contains("id: 0.end") && text.contains("cancelled"), "{text}");
    assert_eq!(ask("0.end").await.0, StatusCode::NO_CONTENT);
    assert_error(&ask("x").await, 400, "invalid_field", Some("last-event-id"));
    let nobody = server.get("/v1/jobs/0199f2c4-0000-7000-8000-000000000000/events").await;
    assert_error(&nobody, 404, "job_not_found", Some("id"));
    server.end().await;
}

#[tokio::test]
async fn a_stream_ends_when_the_server_does() {
    let server = server().await;
    let id: JobId = server.talk(0, json!({})).await.parse().unwrap();
    let mut events = Client::new(&server.url).unwrap().events(id, 0).await.unwrap();
    assert!(next(&mut events).await.is_some());
    server.closing.cancel();
    assert_eq!(next(&mut events).await, None);
    server.end().await;
}

#[tokio::test]
async fn the_client_speaks_the_whole_api() {
    let server = server().await;
    let client = Client::new(&server.url).unwrap();
    let id = client.enqueue(&Talk { lines: 1 }, Options::default()).await.unwrap().id;
    let nobody = JobId::new();
    assert!(client.get(nobody).await.unwrap().is_none());
    assert!(client.cancel(nobody).await.unwrap().is_none());
    let filter = flotilla_jobs::Filter { kind: Some("talk".to_owned()), ..Default::default() };
    assert_eq!(client.list(&filter, None, 10).await.unwrap().jobs[0].id, id);
    assert_eq!(client.queues().await.unwrap()[0].pending, 1);
    assert!(client.health().await.unwrap().0);
    assert_eq!(client.cancel_matching(&filter).await.unwrap().count, 1);
    let refused = client.retry(id).await.unwrap_err();
    assert!(refused.to_string().contains("the job is cancelled") && !refused.is_transient(), "{refused}");
    server.end().await;
}
