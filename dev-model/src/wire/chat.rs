//! OpenAI Chat Completions, and everything compatible.

pub(super) mod ask;

use super::{Envelope, sse::Frame};
use crate::{
    answer::{Answer, Bit, Part, Stop, as_object},
    clock,
    script::Quirk,
};
use serde_json::{Map, Value, json};

/// Ends every stream.
const DONE: &str = "[DONE]";

pub(super) fn whole(envelope: Envelope<'_>, answer: &Answer) -> Value {
    let text = answer.text();
    let calls: Vec<Value> = answer
        .calls()
        .map(|(id, name, arguments)| {
            json!({ "id": id, "type": "function", "function": { "name": name, "arguments": said(envelope, arguments) } })
        })
        .collect();
    let content = if text.is_empty() && !calls.is_empty() { Value::Null } else { text.into() };
    let mut message = json!({ "role": "assistant", "content": content, "refusal": null, "annotations": [] });
    if envelope.then.has(Quirk::NullContent) && message["content"] == "" {
        message["content"] = Value::Null;
    }
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    if let Some(Part::Thinking { text, .. }) = answer.parts.first() {
        message["reasoning_content"] = text.as_str().into();
    }
    let mut body = head(envelope, "chat.completion");
    let choice = json!({ "index": 0, "message": message, "logprobs": null, "finish_reason": stop(envelope, answer) });
    body.insert("choices".into(), json!([choice]));
    body.insert("service_tier".into(), "default".into());
    if let Some(usage) = usage(envelope) {
        body.insert("usage".into(), usage);
    }
    if envelope.then.has(Quirk::Unknown) {
        body.insert("future_field".into(), json!({ "nested": [1] }));
    }
    body.into()
}

pub(super) fn frames(envelope: Envelope<'_>, answer: &Answer, bits: &[Bit]) -> Vec<Frame> {
    let null = envelope.then.has(Quirk::NullContent);
    let calls: Vec<usize> =
        answer.parts.iter().enumerate().filter(|(_, p)| matches!(p, Part::Tool { .. })).map(|(n, _)| n).collect();
    let index = |n: usize| calls.iter().position(|call| *call == n).unwrap_or_default();
    let opening = if null || answer.text().is_empty() { Value::Null } else { "".into() };
    let mut frames =
        vec![Frame::data(&chunk(envelope, &json!({ "role": "assistant", "content": opening, "refusal": null }), None))];
    for bit in bits {
        match bit {
            Bit::Open(n) => {
                if let Part::Tool { id, name, .. } = &answer.parts[*n] {
                    let function = json!({ "name": name, "arguments": "" });
                    let call = json!({ "index": index(*n), "id": id, "type": "function", "function": function });
                    frames.push(Frame::data(&chunk(envelope, &json!({ "tool_calls": [call] }), None)));
                    if envelope.then.has(Quirk::ObjectArguments) {
                        let whole = json!({ "index": index(*n), "function": { "arguments":
                            as_object(answer.parts[*n].spoken()) } });
                        frames.push(Frame::data(&chunk(envelope, &json!({ "tool_calls": [whole] }), None)).piece());
                    }
                }
            }
            Bit::Piece(n, piece) => {
                let delta = match &answer.parts[*n] {
                    Part::Thinking { .. } => json!({ "reasoning_content": piece }),
                    Part::Text(_) => json!({ "content": piece }),
                    Part::Tool { .. } if envelope.then.has(Quirk::ObjectArguments) => continue,
                    Part::Tool { .. } => {
                        json!({ "tool_calls": [{ "index": index(*n), "function": { "arguments": piece } }] })
                    }
                };
                frames.push(Frame::data(&padded(envelope, chunk(envelope, &delta, None))).piece());
            }
            Bit::Close(_) => {}
        }
    }
    frames.extend(ending(envelope, answer, null));
    frames
}

/// The reason to stop, the usage, and the mark at the end.
fn ending(envelope: Envelope<'_>, answer: &Answer, null: bool) -> Vec<Frame> {
    let mut frames = Vec::new();
    let delta = if null { json!({ "content": null }) } else { json!({}) };
    let stop = stop(envelope, answer);
    let mut last = chunk(envelope, &delta, Some(&stop));
    let usage = usage(envelope).filter(|_| envelope.asked.include_usage);
    let with_choice = envelope.then.has(Quirk::UsageWithChoice);
    if let Some(usage) = usage.as_ref().filter(|_| with_choice) {
        last["usage"] = usage.clone();
    }
    frames.push(Frame::data(&last).stop());
    if envelope.then.has(Quirk::Unknown) {
        frames.push(Frame::data(&json!({ "object": "chat.future", "future_field": true, "choices": [] })));
    }
    if let Some(usage) = usage.filter(|_| !with_choice) {
        let mut body = head(envelope, "chat.completion.chunk");
        body.insert("choices".into(), json!([]));
        body.insert("usage".into(), usage);
        frames.push(Frame::data(&body.into()));
    }
    frames.push(Frame { data: DONE.to_owned(), ..Frame::data(&Value::Null) }.end());
    frames
}

fn chunk(envelope: Envelope<'_>, delta: &Value, stop: Option<&str>) -> Value {
    let mut body = head(envelope, "chat.completion.chunk");
    body.insert("choices".into(), json!([{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": stop }]));
    if envelope.asked.include_usage {
        body.insert("usage".into(), Value::Null);
    }
    body.into()
}

fn head(envelope: Envelope<'_>, object: &str) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("id".into(), format!("chatcmpl-scripted-{}", envelope.call).into());
    body.insert("object".into(), object.into());
    body.insert("created".into(), clock::unix_seconds().into());
    body.insert("model".into(), envelope.asked.model.as_str().into());
    body.insert("system_fingerprint".into(), "fp_scripted".into());
    body
}

fn padded(envelope: Envelope<'_>, mut chunk: Value) -> Value {
    if envelope.then.has(Quirk::Unknown) {
        chunk["obfuscation"] = "aXk3".into();
    }
    chunk
}

fn said(envelope: Envelope<'_>, arguments: &str) -> Value {
    if envelope.then.has(Quirk::ObjectArguments) { as_object(arguments) } else { arguments.into() }
}

fn stop(envelope: Envelope<'_>, answer: &Answer) -> String {
    let own = match answer.stop {
        Stop::End => "stop",
        Stop::Tools => "tool_calls",
        Stop::Length => "length",
    };
    envelope.then.stop.clone().unwrap_or_else(|| own.to_owned())
}

/// Cached tokens are part of the prompt, and thinking is part of the completion.
fn usage(envelope: Envelope<'_>) -> Option<Value> {
    if envelope.then.has(Quirk::MissingUsage) {
        return None;
    }
    if envelope.then.has(Quirk::EmptyUsage) {
        return Some(json!({}));
    }
    let usage = envelope.usage;
    Some(json!({
        "prompt_tokens": usage.prompt(),
        "completion_tokens": usage.output,
        "total_tokens": usage.prompt() + usage.output,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write + usage.cache_write_1h,
            "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }))
}
