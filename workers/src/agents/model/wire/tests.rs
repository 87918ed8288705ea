//! Answers of each format, replayed; and what is asked, as it is written.

mod asked;
mod property;

use super::*;
use crate::agents::model::{
    Class, Part, Stop,
    fuzzing::{Read, stream, whole},
};
use serde_json::json;
use std::{fs, path::PathBuf};

/// A stream or an answer, recorded or built from what the vendors publish.
fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../dev-model/fixtures").join(name);
    fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn wire_of(name: &str) -> Wire {
    match name.split('_').take(2).collect::<Vec<_>>().as_slice() {
        ["openai", "chat"] => Wire::OpenaiChat,
        ["openai", "responses"] => Wire::OpenaiResponses,
        _ => Wire::Anthropic,
    }
}

fn is_stream(name: &str) -> bool {
    PathBuf::from(name).extension().is_some_and(|extension| extension == "sse")
}

fn replay(name: &str) -> Read {
    if is_stream(name) {
        stream(wire_of(name), None, vec![fixture(name)])
    } else {
        whole(wire_of(name), None, &fixture(name))
    }
}

fn reply(name: &str) -> Reply {
    replay(name).reply.unwrap_or_else(|complaint| panic!("{name}: {complaint:?}"))
}

fn data(wire: Wire, events: &[Value]) -> Read {
    let chunks = events.iter().map(|event| format!("data: {event}\n\n").into_bytes());
    stream(wire, None, chunks.collect())
}

#[allow(clippy::unnecessary_wraps, reason = "what it is compared with is optional")]
fn usage(input: u64, cache_read: u64, cache_write: u64, output: u64, reasoning: u64) -> Option<Usage> {
    Some(Usage { input, cache_read, cache_write, cache_write_1h: 0, output, reasoning })
}

#[test]
fn a_stream_comes_to_the_same_as_an_answer_at_once() {
    for name in [
        "openai_chat_text",
        "openai_chat_length",
        "openai_chat_refusal",
        "openai_chat_tool_call",
        "openai_responses_text",
        "openai_responses_tools",
        "anthropic_text",
        "anthropic_tool_use",
    ] {
        let (streamed, at_once) = (reply(&format!("{name}.sse")), reply(&format!("{name}.json")));
        assert_eq!(plain(&streamed.parts), plain(&at_once.parts), "{name}");
        assert_eq!((streamed.stop, streamed.model), (at_once.stop, at_once.model), "{name}");
        assert!(!streamed.parts.is_empty(), "{name}");
    }
    let (interleaved, at_once) =
        (reply("openai_chat_two_tool_calls_interleaved.sse"), reply("openai_chat_two_tool_calls.json"));
    assert_eq!((interleaved.parts.len(), plain(&interleaved.parts)), (2, plain(&at_once.parts)));
}

/// The parts without the blanks in arguments, which are the model's own.
fn plain(parts: &[Part]) -> Vec<Part> {
    let compact = |part: &Part| match part {
        Part::ToolCall { id, name, arguments } => {
            let arguments: Value = serde_json::from_str(arguments).unwrap();
            Part::ToolCall { id: id.clone(), name: name.clone(), arguments: arguments.to_string() }
        }
        part => part.clone(),
    };
    parts.iter().map(compact).collect()
}

#[test]
fn why_it_stopped_is_one_of_few() {
    for (name, stop) in [
        ("openai_chat_text.sse", Stop::End),
        ("openai_chat_text_no_usage.sse", Stop::End),
        ("openai_chat_length.sse", Stop::Length),
        ("openai_chat_refusal.sse", Stop::Refused),
        ("openai_chat_tool_call.sse", Stop::ToolCalls),
        ("openai_chat_compatible_empty_finish_reason.sse", Stop::End),
        ("openai_chat_compatible_object_arguments.json", Stop::ToolCalls),
        ("openai_responses_text.sse", Stop::End),
        ("openai_responses_tools.sse", Stop::ToolCalls),
        ("openai_responses_incomplete.sse", Stop::Length),
        ("anthropic_text.sse", Stop::End),
        ("anthropic_tool_use.sse", Stop::ToolCalls),
        ("anthropic_max_tokens_in_arguments.sse", Stop::Length),
        ("anthropic_refusal.sse", Stop::Refused),
        ("anthropic_unknown_events.sse", Stop::End),
    ] {
        assert_eq!(reply(name).stop, stop, "{name}");
    }
}

#[test]
fn counters_do_not_overlap() {
    for (name, counted) in [
        ("openai_chat_cached.sse", usage(86, 1_920, 0, 300, 263)),
        ("openai_chat_text_no_usage.sse", None),
        ("openai_chat_compatible_empty_finish_reason.sse", None),
        ("openai_chat_compatible_object_arguments.json", None),
        ("openai_responses_tools.sse", usage(101, 2_048, 0, 124, 64)),
        ("anthropic_cache_usage.sse", usage(40, 7, 12, 8, 3)),
        ("anthropic_unknown_events.sse", usage(11, 0, 0, 6, 0)),
    ] {
        assert_eq!(reply(name).usage, counted, "{name}");
    }
    // Some do not count thinking as given out; the total shows it.
    let chat = |usage: Value| {
        let body = json!({ "choices": [{ "message": { "content": "x" }, "finish_reason": "stop" }], "usage": usage });
        whole(Wire::OpenaiChat, None, body.to_string().as_bytes()).reply.unwrap().usage
    };
    let details = json!({ "reasoning_tokens": 30 });
    let counts = |total: u64| json!({ "prompt_tokens": 10, "completion_tokens": 40, "total_tokens": total, "completion_tokens_details": details });
    assert_eq!((chat(counts(50)), chat(counts(80))), (usage(10, 0, 0, 40, 30), usage(10, 0, 0, 70, 30)));
    assert_eq!(chat(json!({ "prompt_tokens": 10, "prompt_cache_hit_tokens": 8 })), usage(2, 8, 0, 0, 0));
    assert_eq!(chat(json!({ "prompt_tokens": "many" })), None);
}

#[test]
fn a_long_kept_cache_has_its_own_counter() {
    let body = json!({ "type": "message", "content": [], "stop_reason": "end_turn", "usage": {
        "input_tokens": 5, "output_tokens": 1, "cache_creation_input_tokens": 30, "cache_read_input_tokens": 7,
        "cache_creation": { "ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20 },
    } });
    let usage = whole(Wire::Anthropic, None, body.to_string().as_bytes()).reply.unwrap().usage.unwrap();
    assert_eq!((usage.input, usage.cache_read, usage.cache_write, usage.cache_write_1h), (5, 7, 10, 20));
}

#[test]
fn thinking_is_told_and_goes_back_as_it_came() {
    let Read { reply: whole, events, .. } = replay("anthropic_thinking.sse");
    let told: String =
        events.iter().filter_map(|e| if let Event::Thinking(t) = e { Some(t.as_str()) } else { None }).collect();
    assert!(told.starts_with("Simple educational question") && told.ends_with("politely."), "{told}");
    let Part::Opaque { wire: Wire::Anthropic, value } = &whole.unwrap().parts[0] else { panic!("no thinking") };
    assert_eq!((value["type"].as_str(), value["thinking"].as_str()), (Some("thinking"), Some(told.as_str())));
    assert!(value["signature"].as_str().unwrap().starts_with("c3ludGhldGlj"));

    let parts = reply("openai_responses_tools.sse").parts;
    let Part::Opaque { wire: Wire::OpenaiResponses, value } = &parts[0] else { panic!("no thinking") };
    assert!(value["encrypted_content"].as_str().unwrap().starts_with("gAAAAABs"));
}

#[test]
fn a_stream_without_its_end_was_cut() {
    for (name, wire) in [
        ("openai_chat_text.sse", Wire::OpenaiChat),
        ("openai_chat_tool_call.sse", Wire::OpenaiChat),
        ("openai_responses_text.sse", Wire::OpenaiResponses),
        ("anthropic_text.sse", Wire::Anthropic),
        ("anthropic_tool_use.sse", Wire::Anthropic),
    ] {
        let text = String::from_utf8(fixture(name)).unwrap();
        let blocks: Vec<&str> = text.split_inclusive("\n\n").collect();
        let end = match wire {
            // A finish reason is an end too.
            Wire::OpenaiChat => blocks.iter().position(|b| b.contains("\"finish_reason\": \"")).unwrap(),
            Wire::OpenaiResponses => blocks.iter().position(|b| b.contains("event: response.completed")).unwrap(),
            Wire::Anthropic => blocks.iter().position(|b| b.contains("event: message_stop")).unwrap(),
        };
        for cut in 0..end {
            let read = stream(wire, None, vec![blocks[..=cut].concat().into_bytes()]);
            assert_eq!(read.reply.unwrap_err().class, Class::Cut, "{name} after {} of {end}", cut + 1);
        }
        assert!(stream(wire, None, vec![blocks[..=end].concat().into_bytes()]).reply.is_ok(), "{name}");
    }
    // What was counted before is not lost.
    let text = String::from_utf8(fixture("anthropic_text.sse")).unwrap();
    let read = stream(Wire::Anthropic, None, vec![text.as_bytes()[..text.len() / 2].to_vec()]);
    assert!(read.reply.is_err() && read.usage.is_some_and(|usage| usage.input > 0));
}

#[test]
fn errors_in_a_stream_are_errors() {
    for (name, class) in
        [("anthropic_overloaded_midway.sse", Class::Overloaded), ("openai_responses_failed.sse", Class::Overloaded)]
    {
        let complaint = replay(name).reply.unwrap_err();
        assert!(complaint.class == class || complaint.class == Class::RateLimited, "{name}: {complaint:?}");
    }
    for event in [json!({ "error": { "message": "x" } }), json!({ "object": "error", "message": "x" })] {
        for wire in [Wire::OpenaiChat, Wire::OpenaiResponses, Wire::Anthropic] {
            assert!(whole(wire, None, event.to_string().as_bytes()).reply.is_err(), "{wire:?} {event}");
        }
    }
    let complaint = stream(Wire::OpenaiChat, None, vec![b"data: {\"choices\":\n\n".to_vec()]).reply.unwrap_err();
    assert_eq!(complaint, Complaint::cut("an event that is not JSON"));
}

#[test]
fn calls_are_told_apart_however_servers_number_them() {
    let chunk = |call: Value| json!({ "choices": [{ "delta": { "tool_calls": [call] } }] });
    let begin = |index: Value, id: &str| {
        chunk(json!({ "index": index, "id": id, "function": { "name": "f", "arguments": "" } }))
    };
    let piece = |index: Value, id: Value, text: &str| {
        chunk(json!({ "index": index, "id": id, "function": { "arguments": text } }))
    };
    let end = json!({ "choices": [{ "delta": {}, "finish_reason": "stop" }] });
    let null = Value::Null;
    let streams = [
        // As promised, interleaved.
        vec![
            begin(json!(0), "a"),
            begin(json!(1), "b"),
            piece(json!(0), null.clone(), "1"),
            piece(json!(1), null.clone(), "2"),
        ],
        // All with the same index, and another id.
        vec![
            begin(json!(0), "a"),
            piece(json!(0), null.clone(), "1"),
            begin(json!(0), "b"),
            piece(json!(0), null.clone(), "2"),
        ],
        // Without an index.
        vec![
            begin(null.clone(), "a"),
            piece(null.clone(), null.clone(), "1"),
            begin(null.clone(), "b"),
            piece(null.clone(), json!("b"), "2"),
        ],
        // With an id that is said again and again.
        vec![
            begin(json!(0), "a"),
            begin(json!(1), "b"),
            piece(json!(1), json!("b"), "2"),
            piece(json!(0), json!("a"), "1"),
        ],
    ];
    for mut events in streams {
        events.push(end.clone());
        let reply = data(Wire::OpenaiChat, &events).reply.unwrap();
        let call = |id: &str, arguments: &str| Part::ToolCall {
            id: id.to_owned(),
            name: "f".to_owned(),
            arguments: arguments.to_owned(),
        };
        assert_eq!((reply.parts, reply.stop), (vec![call("a", "1"), call("b", "2")], Stop::ToolCalls), "{events:?}");
    }
}

#[test]
fn an_answer_in_a_tool_is_said_as_text() {
    let shape = Shape { name: "findings".to_owned(), schema: json!({ "type": "object" }) };
    let event = |kind: &str, rest: Value| {
        let mut event = rest;
        event["type"] = json!(kind);
        format!("event: {kind}\ndata: {event}\n\n")
    };
    let pieces = [
        event("message_start", json!({ "message": { "id": "m", "usage": { "input_tokens": 1 } } })),
        event(
            "content_block_start",
            json!({ "index": 0, "content_block": { "type": "tool_use", "id": "t", "name": "findings", "input": {} } }),
        ),
        event(
            "content_block_delta",
            json!({ "index": 0, "delta": { "type": "input_json_delta", "partial_json": "{\"a\":" } }),
        ),
        event(
            "content_block_delta",
            json!({ "index": 0, "delta": { "type": "input_json_delta", "partial_json": "1}" } }),
        ),
        event("content_block_stop", json!({ "index": 0 })),
        event("message_delta", json!({ "delta": { "stop_reason": "tool_use" } })),
        event("message_stop", json!({})),
    ];
    let reply = stream(Wire::Anthropic, Some(&shape), vec![pieces.concat().into_bytes()]).reply.unwrap();
    assert_eq!((reply.text(), reply.stop), ("{\"a\":1}".to_owned(), Stop::End));
}

#[test]
fn an_answer_has_a_limit() {
    let piece = "x".repeat(1024 * 1024);
    let chunk = json!({ "choices": [{ "delta": { "content": piece } }] });
    let complaint = data(Wire::OpenaiChat, &vec![chunk; 17]).reply.unwrap_err();
    assert_eq!(complaint, Complaint::cut("an answer of more than 16777216 bytes"));

    let calls: Vec<Value> = (0..2_000).map(|i| json!({ "index": i, "id": i.to_string() })).collect();
    let complaint = data(Wire::OpenaiChat, &[json!({ "choices": [{ "delta": { "tool_calls": calls } }] })]);
    assert_eq!(complaint.reply.unwrap_err(), Complaint::cut("an answer of more than 1024 parts"));
}
