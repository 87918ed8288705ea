//! Anthropic Messages.

pub(super) mod ask;

use super::{Envelope, sse::Frame};
use crate::{
    answer::{Answer, Bit, Part, Stop, as_object},
    script::Quirk,
};
use serde_json::{Value, json};

/// What the vendor counts as given out when a message starts.
const OUTPUT_AT_START: u64 = 1;

pub(super) fn whole(envelope: Envelope<'_>, answer: &Answer) -> Value {
    let content: Vec<Value> = answer
        .parts
        .iter()
        .map(|part| match part {
            Part::Thinking { text, signature } => {
                json!({ "type": "thinking", "thinking": text, "signature": signature })
            }
            Part::Text(text) => json!({ "type": "text", "text": text, "citations": null }),
            Part::Tool { id, name, arguments } => {
                json!({ "type": "tool_use", "id": id, "name": name, "input": as_object(arguments) })
            }
        })
        .collect();
    let mut body = message(envelope);
    body["content"] = content.into();
    body["stop_reason"] = stop(envelope, answer).into();
    set_usage(envelope, &mut body, || usage(envelope, envelope.usage.output));
    body
}

pub(super) fn frames(envelope: Envelope<'_>, answer: &Answer, bits: &[Bit]) -> Vec<Frame> {
    let mut start = message(envelope);
    set_usage(envelope, &mut start, || usage(envelope, OUTPUT_AT_START));
    let mut frames = vec![event(envelope, "message_start", json!({ "message": start }))];
    for bit in bits {
        match bit {
            Bit::Open(n) => {
                let block = empty_block(envelope, &answer.parts[*n]);
                frames.push(event(envelope, "content_block_start", json!({ "index": n, "content_block": block })));
                if frames.len() == 2 {
                    frames.push(ping());
                }
            }
            Bit::Piece(n, piece) => {
                let delta = match &answer.parts[*n] {
                    Part::Thinking { .. } => json!({ "type": "thinking_delta", "thinking": piece }),
                    Part::Text(_) => json!({ "type": "text_delta", "text": piece }),
                    Part::Tool { .. } => json!({ "type": "input_json_delta", "partial_json": piece }),
                };
                frames.push(delta_event(envelope, *n, &delta).piece());
            }
            Bit::Close(n) => {
                if let Part::Thinking { signature, .. } = &answer.parts[*n] {
                    let delta = json!({ "type": "signature_delta", "signature": signature });
                    frames.push(delta_event(envelope, *n, &delta));
                }
                frames.push(event(envelope, "content_block_stop", json!({ "index": n })));
            }
        }
    }
    if envelope.then.has(Quirk::Unknown) {
        frames.push(event(envelope, "future_event", json!({ "index": 0, "usage": { "output_tokens": 99 } })));
    }
    let mut last = json!({ "delta": { "stop_reason": stop(envelope, answer), "stop_sequence": null } });
    set_usage(envelope, &mut last, || {
        let mut usage = usage(envelope, envelope.usage.output);
        if let Some(fields) = usage.as_object_mut() {
            fields.remove("cache_creation");
            fields.remove("service_tier");
        }
        usage
    });
    frames.push(event(envelope, "message_delta", last).stop());
    frames.push(event(envelope, "message_stop", json!({})).end());
    frames
}

pub(super) fn ping() -> Frame {
    Frame::named("ping", &json!({ "type": "ping" }))
}

fn event(envelope: Envelope<'_>, name: &str, mut event: Value) -> Frame {
    event["type"] = name.into();
    if envelope.then.has(Quirk::Unknown) {
        event["future_field"] = json!({ "nested": [1] });
    }
    Frame::named(name, &event)
}

fn delta_event(envelope: Envelope<'_>, index: usize, delta: &Value) -> Frame {
    event(envelope, "content_block_delta", json!({ "index": index, "delta": delta }))
}

fn empty_block(envelope: Envelope<'_>, part: &Part) -> Value {
    match part {
        Part::Thinking { .. } => json!({ "type": "thinking", "thinking": "", "signature": "" }),
        Part::Text(_) if envelope.then.has(Quirk::NullContent) => json!({ "type": "text", "text": null }),
        Part::Text(_) => json!({ "type": "text", "text": "" }),
        Part::Tool { id, name, .. } => json!({ "type": "tool_use", "id": id, "name": name, "input": {} }),
    }
}

/// A message without content.
fn message(envelope: Envelope<'_>) -> Value {
    json!({
        "id": format!("msg_scripted_{}", envelope.call),
        "type": "message",
        "role": "assistant",
        "model": envelope.asked.model,
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
    })
}

fn stop(envelope: Envelope<'_>, answer: &Answer) -> String {
    let own = match answer.stop {
        Stop::End => "end_turn",
        Stop::Tools => "tool_use",
        Stop::Length => "max_tokens",
    };
    envelope.then.stop.clone().unwrap_or_else(|| own.to_owned())
}

fn set_usage(envelope: Envelope<'_>, body: &mut Value, usage: impl FnOnce() -> Value) {
    if envelope.then.has(Quirk::EmptyUsage) {
        body["usage"] = json!({});
    } else if !envelope.then.has(Quirk::MissingUsage) {
        body["usage"] = usage();
    }
}

/// Cached tokens are counted beside the input, and thinking as part of the output.
fn usage(envelope: Envelope<'_>, output: u64) -> Value {
    let usage = envelope.usage;
    json!({
        "input_tokens": usage.input,
        "cache_creation_input_tokens": usage.cache_write + usage.cache_write_1h,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        },
        "output_tokens": output,
        "output_tokens_details": { "thinking_tokens": usage.reasoning.min(output) },
        "service_tier": "standard",
    })
}
