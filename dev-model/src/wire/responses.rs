//! OpenAI Responses.

pub(super) mod ask;

use super::{Envelope, sse::Frame};
use crate::{
    answer::{Answer, Bit, Part, Stop, as_object},
    clock,
    script::Quirk,
};
use serde_json::{Value, json};

pub(super) fn whole(envelope: Envelope<'_>, answer: &Answer) -> Value {
    let (status, reason) = status(envelope, answer);
    let output: Vec<Value> = (0..answer.parts.len()).map(|n| item(envelope, answer, n)).collect();
    let mut body = response(envelope, &status);
    body["output"] = output.into();
    body["usage"] = usage(envelope);
    body["incomplete_details"] = reason.map_or(Value::Null, |reason| json!({ "reason": reason }));
    body
}

pub(super) fn frames(envelope: Envelope<'_>, answer: &Answer, bits: &[Bit]) -> Vec<Frame> {
    let mut events = Events { frames: Vec::new() };
    let begun = response(envelope, "in_progress");
    events.add("response.created", json!({ "response": begun }));
    events.add("response.in_progress", json!({ "response": begun }));
    for bit in bits {
        match bit {
            Bit::Open(n) => open(&mut events, envelope, answer, *n),
            Bit::Piece(n, piece) => said(&mut events, envelope, answer, *n, piece),
            Bit::Close(n) => close(&mut events, envelope, answer, *n),
        }
    }
    if envelope.then.has(Quirk::Unknown) {
        events.add("response.future_event", json!({ "future_field": [1] }));
    }
    let body = whole(envelope, answer);
    let name = if body["incomplete_details"].is_null() { "response.completed" } else { "response.incomplete" };
    events.add(name, json!({ "response": body }));
    if let Some(last) = events.frames.pop() {
        events.frames.push(last.end().stop());
    }
    events.frames
}

/// A failure in the middle: an `error` event where it is about limits or load, else a response that failed.
pub(super) fn failed(envelope: Envelope<'_>, body: &Value, events: usize) -> Frame {
    let error = &body["error"];
    let code = if error["code"].is_null() { &error["type"] } else { &error["code"] };
    if code == "server_error" {
        let mut response = response(envelope, "failed");
        response["error"] = json!({ "code": code, "message": error["message"] });
        let event = json!({ "type": "response.failed", "sequence_number": events, "response": response });
        return Frame::named("response.failed", &event);
    }
    let event = json!({ "type": "error", "sequence_number": events, "code": code, "message": error["message"],
        "param": error["param"] });
    Frame::named("error", &event)
}

struct Events {
    frames: Vec<Frame>,
}

impl Events {
    fn add(&mut self, name: &str, mut event: Value) {
        event["type"] = name.into();
        event["sequence_number"] = self.frames.len().into();
        self.frames.push(Frame::named(name, &event));
    }

    /// A piece of what is said.
    fn delta(&mut self, envelope: Envelope<'_>, name: &str, mut event: Value) {
        if envelope.then.has(Quirk::Unknown) {
            event["obfuscation"] = "aXk3".into();
        }
        self.add(name, event);
        if let Some(last) = self.frames.pop() {
            self.frames.push(last.piece());
        }
    }
}

fn open(events: &mut Events, envelope: Envelope<'_>, answer: &Answer, n: usize) {
    let mut empty = item(envelope, answer, n);
    empty["status"] = "in_progress".into();
    let id = empty["id"].clone();
    match &answer.parts[n] {
        Part::Thinking { .. } => {
            empty["summary"] = json!([]);
            events.add("response.output_item.added", json!({ "output_index": n, "item": empty }));
            let part = json!({ "type": "summary_text", "text": "" });
            events.add(
                "response.reasoning_summary_part.added",
                json!({ "item_id": id, "output_index": n, "summary_index": 0, "part": part }),
            );
        }
        Part::Text(_) => {
            empty["content"] = json!([]);
            events.add("response.output_item.added", json!({ "output_index": n, "item": empty }));
            let part = text_part(envelope, "");
            events.add(
                "response.content_part.added",
                json!({ "item_id": id, "output_index": n, "content_index": 0, "part": part }),
            );
        }
        Part::Tool { .. } => {
            empty["arguments"] = "".into();
            events.add("response.output_item.added", json!({ "output_index": n, "item": empty }));
        }
    }
}

fn said(events: &mut Events, envelope: Envelope<'_>, answer: &Answer, n: usize, piece: &str) {
    let id = id(envelope, answer, n);
    match &answer.parts[n] {
        Part::Thinking { .. } => events.delta(
            envelope,
            "response.reasoning_summary_text.delta",
            json!({ "item_id": id, "output_index": n, "summary_index": 0, "delta": piece }),
        ),
        Part::Text(_) => events.delta(
            envelope,
            "response.output_text.delta",
            json!({ "item_id": id, "output_index": n, "content_index": 0, "delta": piece, "logprobs": [] }),
        ),
        Part::Tool { .. } => events.delta(
            envelope,
            "response.function_call_arguments.delta",
            json!({ "item_id": id, "output_index": n, "delta": piece }),
        ),
    }
}

fn close(events: &mut Events, envelope: Envelope<'_>, answer: &Answer, n: usize) {
    let id = id(envelope, answer, n);
    let item = item(envelope, answer, n);
    match &answer.parts[n] {
        Part::Thinking { text, .. } => {
            let at = json!({ "item_id": id, "output_index": n, "summary_index": 0 });
            events.add("response.reasoning_summary_text.done", with(&at, "text", text.as_str().into()));
            events.add("response.reasoning_summary_part.done", with(&at, "part", item["summary"][0].clone()));
        }
        Part::Text(text) => {
            let at = json!({ "item_id": id, "output_index": n, "content_index": 0 });
            let done = with(&at, "text", text.as_str().into());
            events.add("response.output_text.done", with(&done, "logprobs", json!([])));
            events.add("response.content_part.done", with(&at, "part", item["content"][0].clone()));
        }
        Part::Tool { .. } => {
            let at = json!({ "item_id": id, "output_index": n });
            events.add("response.function_call_arguments.done", with(&at, "arguments", item["arguments"].clone()));
        }
    }
    events.add("response.output_item.done", json!({ "output_index": n, "item": item }));
}

fn with(event: &Value, field: &str, value: Value) -> Value {
    let mut event = event.clone();
    event[field] = value;
    event
}

fn id(envelope: Envelope<'_>, answer: &Answer, n: usize) -> String {
    let sort = match &answer.parts[n] {
        Part::Thinking { .. } => "rs",
        Part::Text(_) => "msg",
        Part::Tool { .. } => "fc",
    };
    format!("{sort}_scripted_{}_{n}", envelope.call)
}

/// One item of the output, as it is when it is whole.
fn item(envelope: Envelope<'_>, answer: &Answer, n: usize) -> Value {
    let id = id(envelope, answer, n);
    let status = if answer.stop == Stop::Length { "incomplete" } else { "completed" };
    match &answer.parts[n] {
        Part::Thinking { text, signature } => json!({ "id": id, "type": "reasoning", "status": status,
            "summary": [{ "type": "summary_text", "text": text }], "encrypted_content": signature }),
        Part::Text(text) => json!({ "id": id, "type": "message", "role": "assistant", "status": status,
            "content": [text_part(envelope, text)] }),
        Part::Tool { id: call, name, arguments } => {
            let object = envelope.then.has(Quirk::ObjectArguments);
            let arguments = if object { as_object(arguments) } else { arguments.as_str().into() };
            json!({ "id": id, "type": "function_call", "status": status, "call_id": call, "name": name,
                "arguments": arguments })
        }
    }
}

fn text_part(envelope: Envelope<'_>, text: &str) -> Value {
    let text = if envelope.then.has(Quirk::NullContent) && text.is_empty() { Value::Null } else { text.into() };
    json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] })
}

/// A response without output.
fn response(envelope: Envelope<'_>, status: &str) -> Value {
    let mut body = json!({
        "id": format!("resp_scripted_{}", envelope.call),
        "object": "response",
        "created_at": clock::unix_seconds(),
        "status": status,
        "background": false,
        "error": null,
        "incomplete_details": null,
        "instructions": null,
        "max_output_tokens": envelope.asked.max_output,
        "model": envelope.asked.model,
        "output": [],
        "parallel_tool_calls": true,
        "previous_response_id": null,
        "store": false,
        "temperature": 1.0,
        "text": { "format": { "type": "text" } },
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": null,
        "metadata": {},
    });
    if envelope.then.has(Quirk::Unknown) {
        body["future_field"] = json!({ "nested": [1] });
    }
    body
}

/// Its status, and why it is incomplete.
fn status(envelope: Envelope<'_>, answer: &Answer) -> (String, Option<String>) {
    match envelope.then.stop.as_deref() {
        Some(reason @ ("max_output_tokens" | "content_filter")) => ("incomplete".into(), Some(reason.to_owned())),
        Some(status) => (status.to_owned(), None),
        None if answer.stop == Stop::Length => ("incomplete".into(), Some("max_output_tokens".to_owned())),
        None => ("completed".into(), None),
    }
}

/// Cached tokens are part of the input, and thinking is part of the output.
fn usage(envelope: Envelope<'_>) -> Value {
    if envelope.then.has(Quirk::MissingUsage) {
        return Value::Null;
    }
    if envelope.then.has(Quirk::EmptyUsage) {
        return json!({});
    }
    let usage = envelope.usage;
    json!({
        "input_tokens": usage.prompt(),
        "input_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write + usage.cache_write_1h,
        },
        "output_tokens": usage.output,
        "output_tokens_details": { "reasoning_tokens": usage.reasoning },
        "total_tokens": usage.prompt() + usage.output,
    })
}
