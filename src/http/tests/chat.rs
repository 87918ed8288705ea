//! Chats over HTTP: posts, streams that break off and go on, and who is refused.

use super::support::{SOON, Server, answer, assert_error, server, server_with};
use flotilla_jobs::{
    JobEvent, JobState, SessionId,
    api::{ChatAnswer, ChatEvent, ChatNews, ChatRequest},
    client::{ChatEvents, Client},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio::time::timeout;

fn message(session: SessionId, text: &str) -> ChatRequest {
    ChatRequest {
        session: Some(session),
        message: text.to_owned(),
        client_id: Some(text.to_owned()),
        ..Default::default()
    }
}

async fn next(events: &mut ChatEvents) -> Option<ChatEvent> {
    timeout(SOON, events.next()).await.expect("news comes soon").unwrap()
}

/// What a reader makes of a stream.
#[derive(Default)]
struct Reader {
    steps: BTreeMap<u32, (u32, String)>,
    seqs: Vec<u64>,
    names: Vec<&'static str>,
    end: Option<ChatAnswer>,
}

impl Reader {
    fn take(&mut self, event: &ChatEvent) {
        self.names.push(event.name());
        match event {
            ChatEvent::Job(news) => {
                self.seqs.extend(news.seq());
                match news {
                    JobEvent::Text { step, attempt, text, .. } => {
                        let said = self.steps.entry(*step).or_insert((*attempt, String::new()));
                        assert_eq!(said.0, *attempt, "an attempt begins with a reset");
                        said.1.push_str(text);
                    }
                    JobEvent::Reset { step, attempt, .. } => {
                        self.steps.retain(|other, _| other < step);
                        self.steps.insert(*step, (*attempt, String::new()));
                    }
                    _ => {}
                }
            }
            ChatEvent::Chat(ChatNews::Answer(end) | ChatNews::Error(end)) => self.end = Some(end.clone()),
            ChatEvent::Chat(_) => {}
        }
    }

    async fn read(&mut self, events: &mut ChatEvents) {
        while let Some(event) = next(events).await {
            self.take(&event);
        }
    }

    async fn until(&mut self, events: &mut ChatEvents, name: &str) {
        while let Some(event) = next(events).await {
            self.take(&event);
            if event.name() == name {
                return;
            }
        }
        panic!("the stream ended without `{name}`: {:?}", self.names);
    }

    fn text(&self) -> String {
        self.steps.values().map(|(_, text)| text.as_str()).collect()
    }
}

async fn post(server: &Server, body: Value) -> (StatusCode, Value) {
    server.post("/v1/chat", &body).await
}

#[tokio::test]
async fn a_message_is_answered_and_said_twice_it_is_one() {
    let mut server = server().await;
    server.work();
    for path in ["/v1/chat", "/api/chat"] {
        let (status, first) = server.post(path, &json!({ "message": "one two", "client_id": path })).await;
        assert_eq!(status, StatusCode::OK, "{first}");
        assert_eq!((&first["state"], &first["reply"]["text"]), (&json!("completed"), &json!("one two ")));
        assert_eq!(first["entry"], json!(1));
        // Without a session, with its own name, it opens the same one.
        let (status, mut again) = server.post(path, &json!({ "message": "one two", "client_id": path })).await;
        assert_eq!((status, again["duplicate"].take()), (StatusCode::OK, json!(true)));
        assert_eq!((&again["session"], &again["job"]), (&first["session"], &first["job"]));
    }
    let keyed = server.request(Method::POST, "/v1/chat").header("idempotency-key", "k");
    let (_, first) = answer(keyed.json(&json!({ "message": "three" }))).await;
    let (_, again) = post(&server, json!({ "message": "three", "client_id": "k" })).await;
    assert_eq!(first["job"], again["job"]);
    let both = server.request(Method::POST, "/v1/chat").header("idempotency-key", "k");
    let both = answer(both.json(&json!({ "message": "three", "client_id": "other" }))).await;
    assert_error(&both, 400, "invalid_field", Some("client_id"));
    server.end().await;
}

#[tokio::test]
async fn who_does_not_wait_is_told_where_the_answer_comes() {
    let mut server = server().await;
    let request = server.request(Method::POST, "/v1/chat").json(&json!({ "message": "one", "wait": 0 }));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let body: Value = response.json().await.unwrap();
    assert_eq!(location, format!("/v1/jobs/{}", body["job"].as_str().unwrap()));
    server.work();
    let (status, text) = server.get(body["events"].as_str().unwrap()).await;
    let text = text.as_str().unwrap();
    assert_eq!(status, StatusCode::OK);
    assert!(text.contains("event: answer") && text.trim_end().ends_with("data: [DONE]"), "{text}");
    assert!(text.contains("id: 1.1.1\n"), "{text}");
    server.end().await;
}

#[tokio::test]
async fn a_stream_that_breaks_off_goes_on_without_a_gap_or_a_repeat() {
    let mut server = server().await;
    server.work();
    let client = Client::new(&server.url).unwrap();
    let session = SessionId::new();
    let said = message(session, "wait one two three");
    let mut reader = Reader::default();
    let mut events = client.chat_stream(&said, None).await.unwrap();
    reader.until(&mut events, "text").await;
    let last = events.last_id().unwrap().to_owned();
    drop(events);

    server.go.add_permits(1);
    let mut events = client.chat_stream(&said, Some(&last)).await.unwrap();
    reader.read(&mut events).await;
    assert!(events.is_done());
    let end = reader.end.clone().unwrap();
    assert_eq!((reader.text().as_str(), end.state), ("one two three ", JobState::Completed));
    assert_eq!(end.reply.unwrap().text, reader.text());
    assert_eq!(reader.seqs, (1..=reader.seqs.len() as u64).collect::<Vec<_>>());
    assert_eq!((reader.names[0], reader.names.last()), ("posted", Some(&"answer")));

    // After the end it is all there, from the start and from anywhere; and who has seen the end has seen it.
    let mut whole = Reader::default();
    whole.read(&mut client.chat_events(end.job, None).await.unwrap()).await;
    assert_eq!((whole.text(), &whole.seqs), (reader.text(), &reader.seqs));
    let mut rest = Reader::default();
    rest.read(&mut client.chat_events(end.job, Some(&last)).await.unwrap()).await;
    assert!(!rest.seqs.contains(&1) && rest.end.is_some(), "{:?}", rest.seqs);
    let seen = client.chat_events(end.job, events.last_id()).await.unwrap();
    assert!(seen.is_done());
    server.end().await;
}

#[tokio::test]
async fn what_is_said_anew_voids_what_was_said() {
    let mut server = server().await;
    server.work();
    let client = Client::new(&server.url).unwrap();
    let mut reader = Reader::default();
    let said = message(SessionId::new(), "again one two");
    reader.read(&mut client.chat_stream(&said, None).await.unwrap()).await;
    assert!(reader.names.contains(&"reset"), "{:?}", reader.names);
    assert_eq!(reader.text(), reader.end.unwrap().reply.unwrap().text);
    server.end().await;
}

#[tokio::test]
async fn a_turn_that_fails_says_so() {
    let mut server = server().await;
    server.work();
    let (status, body) = post(&server, json!({ "message": "fail" })).await;
    assert_eq!((status, &body["state"]), (StatusCode::OK, &json!("failed")), "{body}");
    assert_eq!((&body["error"]["code"], &body["reply"]), (&json!("model"), &json!(null)));
    let mut reader = Reader::default();
    let client = Client::new(&server.url).unwrap();
    let mut events = client.chat_stream(&message(SessionId::new(), "fail"), None).await.unwrap();
    reader.read(&mut events).await;
    assert!(events.is_done() && reader.names.last() == Some(&"error"), "{:?}", reader.names);
    server.end().await;
}

#[tokio::test]
async fn a_message_that_another_turn_takes_up_is_followed_there() {
    let mut server = server().await;
    server.work();
    let client = Client::new(&server.url).unwrap();
    let session = SessionId::new();
    let first = ChatRequest { busy: Some(flotilla_jobs::Busy::Steer), ..message(session, "wait one two") };
    let mut one = client.chat_stream(&first, None).await.unwrap();
    let mut answered = Reader::default();
    answered.until(&mut one, "text").await;
    let said = message(session, "three");
    let mut two = client.chat_stream(&said, None).await.unwrap();
    let mut steered = Reader::default();
    steered.until(&mut two, "posted").await;
    server.go.add_permits(1);

    answered.read(&mut one).await;
    steered.until(&mut two, "joined").await;
    steered.until(&mut two, "text").await;
    let last = two.last_id().unwrap().to_owned();
    drop(two);
    let mut two = client.chat_stream(&said, Some(&last)).await.unwrap();
    steered.read(&mut two).await;
    let (turn, end) = (answered.end.unwrap(), steered.end.clone().unwrap());
    assert_eq!((end.joined, end.entry), (Some(turn.job), 2));
    assert_eq!(end.reply, turn.reply);
    assert_eq!(end.reply.unwrap().text, "one two and 2 ");
    assert_eq!(steered.text(), "one two and 2 ");
    assert_eq!(steered.seqs, (1..=steered.seqs.len() as u64).collect::<Vec<_>>());
    server.end().await;
}

#[tokio::test]
async fn who_leaves_cancels_the_turn_only_if_that_was_asked_for() {
    let mut server = server().await;
    server.work();
    let client = Client::new(&server.url).unwrap();
    for cancel_on_leave in [false, true] {
        let said = ChatRequest { cancel_on_leave, ..message(SessionId::new(), "wait one two") };
        let mut events = client.chat_stream(&said, None).await.unwrap();
        let mut reader = Reader::default();
        reader.until(&mut events, "text").await;
        drop(events);
        if !cancel_on_leave {
            server.go.add_permits(1);
        }
        let again = ChatRequest { cancel_on_leave: false, ..said };
        let mut reader = Reader::default();
        reader.read(&mut client.chat_stream(&again, None).await.unwrap()).await;
        let state = reader.end.unwrap().state;
        assert_eq!(state, if cancel_on_leave { JobState::Cancelled } else { JobState::Completed });
        // What it had said is kept.
        assert!(reader.steps[&1].1.starts_with("one "));
    }
    server.end().await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let server = server().await;
    let (_, first) = post(&server, json!({ "message": "one", "wait": 0, "busy": "reject", "tenant": "acme" })).await;
    let session = first["session"].clone();
    let busy = post(&server, json!({ "message": "two", "session": session, "tenant": "acme" })).await;
    assert_error(&busy, 409, "session_busy", Some("session"));
    assert!(busy.1["error"]["message"].as_str().unwrap().contains(first["job"].as_str().unwrap()));
    let stranger = post(&server, json!({ "message": "two", "session": session })).await;
    assert_error(&stranger, 404, "session_not_found", Some("session"));
    for (body, field) in [
        (json!({ "message": "" }), "message"),
        (json!({ "message": "a", "wait": 301 }), "wait"),
        (json!({ "message": "a", "session": "x" }), "session"),
        (json!({ "message": "a", "client_id": "" }), "client_id"),
        (json!({ "message": "a", "tenant": "A" }), "tenant"),
        (json!({ "message": "a", "user": "\n" }), "user"),
    ] {
        assert_error(&post(&server, body).await, 400, "invalid_field", Some(field));
    }
    let turn = json!({ "kind": "chat-turn", "payload": { "session": "s", "message": "m", "user": "u" } });
    let plain = server.post("/v1/jobs", &turn).await;
    assert_error(&plain, 400, "invalid_field", Some("kind"));
    assert!(plain.1["error"]["message"].as_str().unwrap().contains("/v1/chat"), "{}", plain.1);
    let talk = server.talk(0, json!({})).await;
    let no_turn = server.get(&format!("/v1/chat/stream?job={talk}")).await;
    assert_error(&no_turn, 404, "job_not_found", Some("job"));
    assert_error(&server.get("/v1/chat/stream").await, 400, "invalid_field", Some("job"));
    // Nothing was opened for what was refused.
    assert_eq!(server.store.list_sessions(None, None, 10).await.unwrap().sessions.len(), 1);
    server.end().await;
}

#[tokio::test]
async fn a_session_takes_so_many_messages_that_wait() {
    let server = server().await;
    let session = SessionId::new();
    for n in 0..flotilla_workers::sessions::MAX_WAITING {
        let body = json!({ "message": n.to_string(), "session": session, "wait": 0 });
        assert_eq!(post(&server, body).await.0, StatusCode::ACCEPTED);
    }
    let full = post(&server, json!({ "message": "one more", "session": session, "wait": 0 })).await;
    assert_error(&full, 429, "session_full", Some("session"));
    server.end().await;
}

#[tokio::test]
async fn streams_are_bounded_and_need_the_token() {
    let server = server_with(Some("0123456789abcdef"), Vec::new()).await;
    let open = || server.request(Method::POST, "/v1/chat/stream").json(&json!({ "message": "one" })).send();
    let mut streams = Vec::new();
    for _ in 0..20 {
        let stream = open().await.unwrap();
        assert_eq!(stream.status(), StatusCode::OK);
        streams.push(stream);
    }
    let refused = server.request(Method::POST, "/v1/chat/stream").json(&json!({ "message": "one" }));
    assert_error(&answer(refused).await, 503, "too_many_streams", None);
    for path in ["/v1/chat", "/v1/chat/stream", "/api/chat", "/api/chat/stream"] {
        let bare = server.client.post(format!("{}{path}", server.url)).json(&json!({ "message": "one" }));
        assert_error(&answer(bare).await, 401, "unauthorized", None);
    }
    drop(streams);
    server.end().await;
}
