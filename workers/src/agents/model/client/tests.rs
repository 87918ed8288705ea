//! Calls over a socket, with a server that does exactly what a test says.

mod scripted;
mod support;

use super::*;
use crate::agents::model::Wire;
use std::time::Duration;
use support::{Step, World, chat, ok, sse};

const FAST: Duration = Duration::from_millis(200);

#[tokio::test]
async fn an_answer_is_read_while_it_comes() {
    let world = World::serve(ok(vec![
        Step::Send(": keep-alive\r\n\r\n".to_owned()),
        Step::Send(sse(&[chat("Gr"), chat("üße")])),
        Step::Send(format!("{}data: [DONE]\n\n", support::finish("stop"))),
    ]))
    .await;
    let (answered, events) = world.call().await;
    let answered = answered.unwrap();
    assert_eq!(answered.reply.text(), "Grüße");
    assert_eq!(answered.reply.usage.unwrap().total(), 15);
    assert!(events.contains(&Event::Text("Gr".to_owned())), "{events:?}");
    let left = answered.told.requests.unwrap();
    assert_eq!((left.remaining, left.reset), (59, Duration::from_secs(1)));

    let asked = world.asked();
    assert!(asked.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{asked}");
    for header in ["authorization: Bearer sk-secret-0123456789\r\n", "x-team: reviews\r\n", "user-agent: flotilla/"] {
        assert!(asked.contains(header), "{header} is not in {asked}");
    }
}

#[tokio::test]
async fn a_byte_at_a_time_is_enough() {
    let text = format!("{}{}data: [DONE]\n\n", sse(&[chat("ä"), chat("€😀")]), support::finish("stop"));
    let bytes = text.into_bytes().into_iter().map(|byte| Step::Bytes(vec![byte])).collect();
    let (answered, _) = World::serve(ok(bytes)).await.call().await;
    assert_eq!(answered.unwrap().reply.text(), "ä€😀");
}

#[tokio::test]
async fn an_answer_at_once_is_one_too() {
    let body = r#"{"choices":[{"message":{"content":"all"},"finish_reason":"stop"}]}"#;
    let (answered, events) = World::serve(ok(vec![Step::Send(format!("\n {body}"))])).await.call().await;
    assert_eq!(answered.unwrap().reply.text(), "all");
    assert!(events.contains(&Event::Text("all".to_owned())));
}

#[tokio::test]
async fn what_follows_the_end_does_not_matter() {
    // No `[DONE]`, and a connection that breaks.
    let said = format!("{}{}", sse(&[chat("all")]), support::finish("stop"));
    let (answered, _) = World::serve(ok(vec![Step::Send(said.clone()), Step::Break])).await.call().await;
    assert_eq!(answered.unwrap().reply.text(), "all");
    let (answered, _) =
        World::serve(ok(vec![Step::Send(said), Step::Hang])).await.with(|p| p.timeouts.idle = FAST).call().await;
    assert_eq!(answered.unwrap().reply.text(), "all");
}

#[tokio::test]
async fn an_answer_that_breaks_off_was_cut() {
    for end in [Step::Break, Step::End] {
        let (answered, _) = World::serve(ok(vec![Step::Send(sse(&[chat("ha")])), end])).await.call().await;
        let error = answered.unwrap_err();
        assert_eq!((error.class, error.begun), (Class::Cut, true), "{error}");
    }
}

#[tokio::test]
async fn silence_ends_a_call() {
    let speaks = || Step::Send(sse(&[chat("ha")]));
    for steps in [vec![Step::Hang], ok(vec![Step::Hang])] {
        let world = World::serve(steps).await.with(|p| p.timeouts.first_byte = FAST);
        let error = world.call().await.0.unwrap_err();
        assert_eq!(error.to_string(), "p did not answer within 200 ms (first_byte_ms)");
        assert_eq!((error.class, error.begun), (Class::Unreachable, false));
    }
    // What only keeps the connection alive is no event.
    for silent in [Step::Hang, Step::Forever(": still here\n\n".to_owned())] {
        let world = World::serve(ok(vec![speaks(), silent])).await.with(|p| p.timeouts.idle = FAST);
        let error = world.call().await.0.unwrap_err();
        assert_eq!(error.to_string(), "p was silent for 200 ms (idle_ms)");
        assert_eq!((error.class, error.begun), (Class::Cut, true));
    }
    let steps = ok(vec![Step::Forever(sse(&[chat("on and on")]))]);
    let error = World::serve(steps).await.with(|p| p.timeouts.total = FAST).call().await.0.unwrap_err();
    assert_eq!(
        (error.class, error.to_string().as_str()),
        (Class::Cut, "p did not end its answer within 200 ms (total_ms)")
    );
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let world = World::serve(vec![Step::Break]).await;
    let error = world.call().await.0.unwrap_err();
    assert_eq!((error.class, error.begun, error.status), (Class::Unreachable, false, None), "{error}");
    let gone = world.with(|p| p.base_url = "http://127.0.0.1:1/v1".parse().unwrap());
    let error = gone.call().await.0.unwrap_err();
    assert!(error.class == Class::Unreachable && error.message.starts_with("cannot be reached: "), "{error}");
    assert!(!error.message.contains("127.0.0.1"), "{error}");
}

#[tokio::test]
async fn a_caller_that_leaves_ends_the_call() {
    let world = World::serve(ok(vec![Step::Send(sse(&[chat("ha")])), Step::Hang])).await;
    let stop = CancellationToken::new();
    let leave = stop.clone();
    let mut hear = |event: Event| {
        if matches!(event, Event::Text(_)) {
            leave.cancel();
        }
    };
    let error = world.call_with(&stop, &mut hear).await.unwrap_err();
    assert_eq!((error.class, error.begun), (Class::Cancelled, true));
}

#[tokio::test]
async fn a_refusal_says_all_that_matters_and_no_secret() {
    let body = r#"{"error":{"message":"slow down, sk-secret-0123456789","code":"rate_limit_exceeded"}}"#;
    let head = "HTTP/1.1 429 Too Many\r\nretry-after-ms: 1500\r\nretry-after: 9\r\nx-should-retry: true\r\nx-request-id: req_7\r\n\
                x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 6m0s\r\nconnection: close\r\n\r\n";
    let world = World::serve(vec![Step::Send(format!("{head}{body}")), Step::Break]).await;
    let error = world.call().await.0.unwrap_err();
    assert_eq!(error.to_string(), "p answered 429: slow down, *** (rate_limit_exceeded)");
    assert_eq!((error.class, error.status, error.begun), (Class::RateLimited, Some(429), false));
    assert_eq!((error.retry_after, error.should_retry), (Some(Duration::from_millis(1_500)), Some(true)));
    assert_eq!((error.request_id.as_deref(), error.told.requests.unwrap().remaining), (Some("req_7"), 0));
}

#[tokio::test]
async fn redirects_and_pages_are_not_followed() {
    let redirect = "HTTP/1.1 307 Go\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    let error = World::serve(vec![Step::Send(redirect.to_owned())]).await.call().await.0.unwrap_err();
    assert_eq!((error.class, error.status), (Class::Invalid, Some(307)), "{error}");
    let error = World::serve(ok(vec![Step::Send("<!doctype html>".to_owned())])).await.call().await.0.unwrap_err();
    assert_eq!(error.to_string(), "p answered with a page and not as an API; correct base_url");
}

#[tokio::test]
async fn each_wire_shows_its_key_in_its_own_way() {
    let world = World::serve(ok(vec![Step::Send("{\"content\":[],\"stop_reason\":\"end_turn\"}".to_owned())])).await;
    let world = world.with(|p| p.wire = Wire::Anthropic);
    world.call().await.0.unwrap();
    let asked = world.asked();
    assert!(asked.starts_with("POST /v1/messages HTTP/1.1\r\n"), "{asked}");
    assert!(
        asked.contains("x-api-key: sk-secret-0123456789\r\n") && asked.contains("anthropic-version: 2023-06-01\r\n")
    );
    assert!(!asked.contains("authorization"), "{asked}");
}

#[tokio::test]
async fn a_provider_is_looked_at_for_nothing() {
    let probe = |head: &str, body: &str| {
        vec![Step::Send(format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n{body}")), Step::Break]
    };
    let world = World::serve(probe("200 OK", r#"{"data":[{"id":"a"},{"id":"b"}]}"#)).await;
    assert_eq!(world.probe().await.unwrap().models.unwrap(), ["a", "b"]);
    assert!(world.asked().starts_with("GET /v1/models HTTP/1.1\r\n"));
    assert_eq!(World::serve(probe("404 Not Found", "")).await.probe().await.unwrap().models, None);
    let error = World::serve(probe("401 No", "{}")).await.probe().await.unwrap_err();
    assert_eq!(error.class, Class::Denied);
}
