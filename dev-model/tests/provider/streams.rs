//! Streamed answers: the events of each wire, in order.

use crate::client::{Seen, WIRES, call, request, server, stream};
use flotilla_dev_model::{Quirk, Script, Then, Thinking, When, Wire};
use serde_json::{Value, json};

/// The events' names, repetitions once.
fn kinds(seen: &Seen) -> Vec<String> {
    let mut kinds: Vec<String> = seen.events().into_iter().map(|(name, _)| name).collect();
    kinds.dedup();
    kinds
}

#[tokio::test]
async fn chat_streams_chunks_and_ends_with_usage_and_done() {
    let server = server(Script::default().rule(When::default(), Then::text("Hello there!"))).await;
    let seen = stream(&server, Wire::OpenaiChat, "hi").await;
    assert_eq!(seen.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert_eq!(seen.said(), "Hello there!");
    let data = seen.data();
    assert_eq!(data[0]["choices"][0]["delta"]["role"], "assistant");
    let [stop, usage] = &data[data.len() - 2..] else { panic!() };
    assert_eq!(stop["choices"][0]["finish_reason"], "stop");
    assert_eq!((&usage["choices"], &usage["usage"]["completion_tokens"]), (&json!([]), &json!(3)));
    assert_eq!(seen.events().last().unwrap().1, "[DONE]");

    let mut body = request(Wire::OpenaiChat, "hi", true);
    body.as_object_mut().unwrap().remove("stream_options");
    let seen = call(&server, Wire::OpenaiChat, &body).await;
    assert!(seen.data().iter().all(|chunk| chunk.get("usage").is_none()), "usage only where it is asked for");
}

#[tokio::test]
async fn responses_stream_named_events_in_order() {
    let thinking = vec![Thinking { text: "hm".into(), signature: String::new() }];
    let then = Then { thinking, ..Then::text("Hello") };
    let server = server(Script::default().rule(When::default(), then)).await;
    let seen = stream(&server, Wire::OpenaiResponses, "hi").await;
    let expected = [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.output_item.done",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ];
    assert_eq!(kinds(&seen), expected);
    let data = seen.data();
    let numbers: Vec<_> = data.iter().map(|event| event["sequence_number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..data.len() as u64).collect::<Vec<_>>());
    let response = &data.last().unwrap()["response"];
    assert_eq!(response["usage"]["output_tokens_details"]["reasoning_tokens"], 1);
    assert_eq!(response["output"][1]["content"][0]["text"], "Hello");
}

#[tokio::test]
async fn messages_stream_blocks_and_cumulative_usage() {
    let thinking = vec![Thinking { text: "hm".into(), signature: "s".into() }];
    let then = Then { thinking, ..Then::text("Hello you") };
    let server = server(Script::default().rule(When::default(), then)).await;
    let seen = stream(&server, Wire::Anthropic, "hi").await;
    let expected = [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(kinds(&seen), expected);
    let data = seen.data();
    let signature = data.iter().find(|event| event["delta"]["type"] == "signature_delta").unwrap();
    assert_eq!(signature["delta"]["signature"], "s");
    let usage = &data[data.len() - 2]["usage"];
    assert_eq!((&usage["output_tokens"], &usage["output_tokens_details"]["thinking_tokens"]), (&json!(3), &json!(1)));
    assert!(data[0]["message"]["usage"]["input_tokens"].as_u64().unwrap() > 0);
}

/// Arguments of tool calls, put together by index or item.
fn arguments(wire: Wire, seen: &Seen) -> Vec<String> {
    let mut calls = vec![String::new(); 2];
    for event in seen.data() {
        let (index, piece) = match wire {
            Wire::OpenaiChat => {
                let call = &event["choices"][0]["delta"]["tool_calls"][0];
                (call["index"].as_u64(), call["function"]["arguments"].clone())
            }
            Wire::OpenaiResponses => {
                let delta = event["type"] == "response.function_call_arguments.delta";
                (event["output_index"].as_u64().filter(|_| delta), event["delta"].clone())
            }
            Wire::Anthropic => (event["index"].as_u64(), event["delta"]["partial_json"].clone()),
        };
        if let (Some(index), Value::String(piece)) = (index, piece) {
            calls[index as usize].push_str(&piece);
        }
    }
    calls
}

#[tokio::test]
async fn tool_calls_take_turns_where_they_are_interleaved() {
    let then = Then::tool("a", json!({ "n": 1 })).and_tool("b", json!({ "n": 2 }));
    let script = Script::default()
        .rule(When::default().call(1), then.clone())
        .rule(When::default().call(2), then.clone().quirk(Quirk::Interleaved));
    for wire in WIRES {
        let server = server(script.clone()).await;
        let plain = stream(&server, wire, "go").await;
        let mixed = stream(&server, wire, "go").await;
        for seen in [&plain, &mixed] {
            assert_eq!(arguments(wire, seen), ["{\"n\":1}", "{\"n\":2}"]);
        }
        assert_ne!(plain.text().find("\"n\""), mixed.text().find("nothing"), "both have arguments");
        let order = |seen: &Seen| seen.data().iter().map(|event| index(wire, event)).collect::<Vec<_>>();
        let turns = |order: Vec<Option<u64>>| {
            let indexes: Vec<u64> = order.into_iter().flatten().collect();
            indexes.windows(2).filter(|pair| pair[0] != pair[1]).count()
        };
        assert!(turns(order(&plain)) <= 1 && turns(order(&mixed)) > 3, "{wire:?}");
    }
}

/// Which call an event is about.
fn index(wire: Wire, event: &Value) -> Option<u64> {
    match wire {
        Wire::OpenaiChat => event["choices"][0]["delta"]["tool_calls"][0]["index"].as_u64(),
        Wire::OpenaiResponses => event["output_index"].as_u64(),
        Wire::Anthropic => event["index"].as_u64(),
    }
}

#[tokio::test]
async fn an_answer_ends_at_the_limit_of_the_request() {
    let server = server(Script::default().rule(When::default(), Then::text("one two three four"))).await;
    for wire in WIRES {
        let mut body = request(wire, "count", true);
        let field = match wire {
            Wire::OpenaiChat => "max_completion_tokens",
            Wire::OpenaiResponses => "max_output_tokens",
            Wire::Anthropic => "max_tokens",
        };
        body[field] = 2.into();
        let seen = call(&server, wire, &body).await;
        assert_eq!(seen.said(), "one two");
        let reason =
            ["\"finish_reason\":\"length\"", "\"reason\":\"max_output_tokens\"", "\"stop_reason\":\"max_tokens\""];
        assert!(reason.iter().any(|reason| seen.text().contains(reason)), "{}", seen.text());
    }
}
