//! Every misbehavior, as it is on the wire.

use crate::client::{SOON, Seen, WIRES, call, post, request, server, stream};
use flotilla_dev_model::{Failure, How, Kind, Midway, Outcome, Quirk, Script, Server, Then, When, Wire};
use serde_json::json;
use std::time::{Duration, Instant};

async fn with(then: Then) -> Server {
    server(Script::default().rule(When::default(), then)).await
}

#[tokio::test]
async fn bytes_are_split_wherever_they_are() {
    let text = "grüße 👍";
    for wire in WIRES {
        let seen = stream(&with(Then { split: 1, ..Then::text(text) }).await, wire, "hi").await;
        assert_eq!(seen.said(), text);
        assert!(seen.parts.iter().any(|part| std::str::from_utf8(part).is_err()), "no character was split");
    }
}

#[tokio::test]
async fn lines_end_in_crlf_and_comments_are_between() {
    for wire in WIRES {
        let then = Then { pings: 2, ..Then::text("Hello there!").quirk(Quirk::Crlf).quirk(Quirk::Comments) };
        let seen = stream(&with(then).await, wire, "hi").await;
        assert_eq!(seen.said(), "Hello there!");
        let text = seen.text();
        assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
        assert!(text.contains(": scripted\r\n"));
        let life = if wire == Wire::Anthropic { "event: ping" } else { ": keep-alive" };
        assert!(text.matches(life).count() >= 2, "{text}");
    }
}

#[tokio::test]
async fn silence_has_signs_of_life_and_an_end() {
    for wire in WIRES {
        let then = Then { keep_alive_ms: 5, ..Then::text("one two three").stall(1, 30) };
        let seen = stream(&with(then).await, wire, "hi").await;
        assert_eq!(seen.said(), "one two three");
        let life = if wire == Wire::Anthropic { "event: ping" } else { ": keep-alive" };
        assert!(seen.text().matches(life).count() >= 5, "{}", seen.text());

        let server = with(Then::text("one two three").stall(1, 3_600_000)).await;
        let mut response = post(&server, wire, &request(wire, "hi", true)).send().await.unwrap();
        server.wait_for_pieces(1, 1, SOON).await.unwrap();
        let mut said = String::new();
        while !said.contains("one") {
            said += &String::from_utf8_lossy(&response.chunk().await.unwrap().unwrap());
        }
        assert!(!said.contains("three"));
        server.release();
        while let Some(part) = response.chunk().await.unwrap() {
            said += &String::from_utf8_lossy(&part);
        }
        assert!(said.contains("three"));
    }
}

#[tokio::test]
async fn the_end_the_reason_and_the_usage_may_be_missing() {
    for wire in WIRES {
        let seen = stream(&with(Then::text("Hi").quirk(Quirk::MissingEnd)).await, wire, "hi").await;
        let end = ["[DONE]", "response.completed", "message_stop"];
        assert!(seen.error.is_none() && !end.iter().any(|end| seen.text().contains(end)), "{}", seen.text());

        let seen = stream(&with(Then::text("Hi").quirk(Quirk::MissingStop)).await, wire, "hi").await;
        let stop = ["\"finish_reason\":\"stop\"", "\"status\":\"completed\"}", "end_turn"];
        assert!(!stop.iter().any(|stop| seen.text().contains(stop)), "{}", seen.text());

        let seen = stream(&with(Then::text("Hi").quirk(Quirk::MissingUsage)).await, wire, "hi").await;
        assert!(!seen.text().contains("\"usage\":{"), "{}", seen.text());
        let seen = stream(&with(Then::text("Hi").quirk(Quirk::EmptyUsage)).await, wire, "hi").await;
        assert!(seen.text().contains("\"usage\":{}"), "{}", seen.text());
    }
    let wire = Wire::OpenaiChat;
    let seen = stream(&with(Then { stop: Some(String::new()), ..Then::text("Hi") }).await, wire, "hi").await;
    assert!(seen.text().contains("\"finish_reason\":\"\""));
    let seen = stream(&with(Then::text("Hi").quirk(Quirk::UsageWithChoice)).await, wire, "hi").await;
    let with_usage = seen.data().into_iter().find(|chunk| chunk["usage"].is_object()).unwrap();
    assert_eq!(with_usage["choices"][0]["finish_reason"], "stop");
}

#[tokio::test]
async fn null_content_object_arguments_and_unknown_things() {
    let call_tool = || Then::tool("t", json!({ "n": 1 })).quirk(Quirk::ObjectArguments);
    let chat = call(&with(call_tool()).await, WIRES[0], &request(WIRES[0], "x", false)).await.json();
    assert_eq!(chat["choices"][0]["message"]["content"], json!(null));
    assert_eq!(chat["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"], json!({ "n": 1 }));
    let seen = stream(&with(call_tool()).await, WIRES[0], "x").await;
    assert!(seen.text().contains("\"arguments\":{\"n\":1}"), "{}", seen.text());
    let responses = call(&with(call_tool()).await, WIRES[1], &request(WIRES[1], "x", false)).await.json();
    assert_eq!(responses["output"][0]["arguments"], json!({ "n": 1 }));

    let seen = stream(&with(Then::text("Hi").quirk(Quirk::NullContent)).await, WIRES[0], "x").await;
    assert_eq!(seen.data()[0]["choices"][0]["delta"]["content"], json!(null));
    for wire in WIRES {
        let seen = stream(&with(Then::text("Hi").quirk(Quirk::Unknown)).await, wire, "x").await;
        assert_eq!(seen.said(), "Hi");
        assert!(seen.text().contains("future"), "{}", seen.text());
    }
}

#[tokio::test]
async fn connections_are_cut_in_the_middle() {
    for wire in WIRES {
        for (then, how) in [
            (Then::text("one two three four"), How::Reset),
            (Then::text("one two three four"), How::Fin),
            (Then::tool("t", json!({ "path": "a/long/path" })), How::Reset),
            (Then::tool("t", json!({ "path": "a/long/path" })), How::Fin),
            (Then::text("one two three four"), How::End),
        ] {
            let server = with(then.cut(2, how)).await;
            let seen = stream(&server, wire, "hi").await;
            assert_eq!(seen.status, 200);
            let ended = seen.error.as_deref().unwrap_or("well");
            match how {
                How::End => assert_eq!(ended, "well"),
                How::Fin => assert!(ended.contains("Incomplete") || ended.contains("UnexpectedEof"), "{ended}"),
                How::Reset => assert!(ended.contains("ConnectionReset"), "{ended}"),
            }
            server.wait_for_ended(1, SOON).await.unwrap();
            let record = &server.calls()[0];
            assert_eq!((record.outcome, record.pieces), (Outcome::Cut, 2));
            // A whole answer is cut, too.
            let seen = call(&server, wire, &request(wire, "hi", false)).await;
            assert!(serde_json::from_slice::<serde_json::Value>(&seen.parts.concat()).is_err());
        }
    }
}

#[tokio::test]
async fn a_failure_is_told_in_the_middle_of_a_stream() {
    for wire in WIRES {
        let midway = Midway { after: 1, kind: Kind::Overloaded, message: None };
        let server = with(Then { midway: Some(midway), ..Then::text("one two") }).await;
        let seen = stream(&server, wire, "hi").await;
        assert_eq!((seen.status, seen.said().as_str()), (200, "one"));
        let last = seen.data().pop().unwrap();
        match wire {
            Wire::OpenaiChat => assert_eq!(last["error"]["code"], "server_is_overloaded"),
            Wire::OpenaiResponses => {
                assert_eq!((&last["type"], &last["code"]), (&json!("error"), &json!("server_is_overloaded")));
            }
            Wire::Anthropic => assert_eq!(last["error"]["type"], "overloaded_error"),
        }
        assert_eq!(server.calls()[0].outcome, Outcome::Failed(200));
    }
}

#[tokio::test]
async fn garbage_is_no_json() {
    for wire in WIRES {
        let server = with(Then { garbage_after: Some(1), ..Then::text("one two") }).await;
        let seen = stream(&server, wire, "hi").await;
        let broken =
            seen.events().iter().filter(|(_, data)| serde_json::from_str::<serde_json::Value>(data).is_err()).count();
        assert_eq!(broken, 1 + usize::from(wire == Wire::OpenaiChat), "beside [DONE]");
        let seen = call(&with(Then::error(Kind::Garbage)).await, wire, &request(wire, "hi", false)).await;
        assert!(seen.status == 200 && serde_json::from_str::<serde_json::Value>(&seen.text()).is_err());
    }
}

#[tokio::test]
async fn failures_have_the_vendors_words() {
    let expected = [
        (Kind::Overloaded, [503, 503, 529], ["server_is_overloaded", "server_is_overloaded", "overloaded_error"]),
        (Kind::RateLimited, [429; 3], ["rate_limit_exceeded", "rate_limit_exceeded", "rate_limit_error"]),
        (
            Kind::InsufficientQuota,
            [429; 3],
            ["insufficient_quota", "insufficient_quota", "enforced_spend_limit_reached"],
        ),
        (
            Kind::ContextLengthExceeded,
            [400; 3],
            ["context_length_exceeded", "context_length_exceeded", "invalid_request_error"],
        ),
        (Kind::Denied, [401; 3], ["invalid_api_key", "invalid_api_key", "authentication_error"]),
        (Kind::ServerError, [500; 3], ["server_error", "server_error", "api_error"]),
    ];
    for (kind, statuses, words) in expected {
        let server = with(Then::error(kind)).await;
        for (n, wire) in WIRES.into_iter().enumerate() {
            let seen = stream(&server, wire, "hi").await;
            assert!(seen.status == statuses[n] && seen.text().contains(words[n]), "{kind:?} {wire:?}: {}", seen.text());
            assert_eq!(seen.header("content-type"), Some("application/json"));
        }
    }
    let seen = stream(&with(Then::error(Kind::HtmlProxy)).await, WIRES[0], "hi").await;
    assert!(
        seen.status == 502 && seen.text().starts_with("<html>") && seen.header("content-type") == Some("text/html")
    );
}

#[tokio::test]
async fn a_date_says_when_to_come_back_and_the_second_call_is_well() {
    let failure = Failure { kind: Kind::RateLimited, retry_after: Some("date+2".into()), ..Failure::default() };
    let script = Script::default().rule(When::default().call(1), Then { error: Some(failure), ..Then::default() });
    let server = server(script).await;
    let first = stream(&server, Wire::Anthropic, "hi").await;
    assert!(first.status == 429 && first.header("retry-after").unwrap().ends_with(" GMT"), "{:?}", first.headers);
    assert_eq!(stream(&server, Wire::Anthropic, "hi").await.status, 200);
    let outcomes: Vec<Outcome> = server.calls().iter().map(|call| call.outcome).collect();
    assert_eq!(outcomes, [Outcome::Failed(429), Outcome::Answered]);
}

#[tokio::test]
async fn the_first_byte_the_first_token_and_speech_take_their_time() {
    let slow = Duration::from_millis(60);
    let then =
        Then { first_byte_ms: 60, first_token_ms: Some(60), tokens_per_second: Some(50), ..Then::text("a b c d") };
    let server = with(then).await;
    for wire in WIRES {
        let begun = Instant::now();
        let response = post(&server, wire, &request(wire, "hi", true)).send().await.unwrap();
        assert!(begun.elapsed() >= slow, "the head came too early");
        response.bytes().await.unwrap();
        assert!(begun.elapsed() >= 2 * slow + 3 * Duration::from_millis(20), "the answer came too early");
        let seen: Seen = call(&server, wire, &request(wire, "hi", false)).await;
        assert_eq!(seen.status, 200);
    }
}
