//! A request of Chat Completions.

use super::super::{lenient, schema};
use crate::agents::model::{Message, Model, Part, Provider, Request, Wire};
use serde_json::{Map, Value, json};

pub fn request(provider: &Provider, model: &Model, request: &Request) -> Value {
    let mut messages = Vec::with_capacity(request.messages.len() + 1);
    if !request.system.is_empty() {
        messages.push(json!({ "role": "system", "content": &*request.system }));
    }
    messages.extend(request.messages.iter().filter_map(message));
    let mut body = json!({
        "model": model.id,
        "messages": messages,
        "stream": true,
        "stream_options": { "include_usage": true },
    });
    body[most_tokens(provider)] = json!(request.max_output);
    if let Some(temperature) = request.temperature.or(model.temperature) {
        body["temperature"] = json!(temperature);
    }
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            let function = json!({ "name": tool.name, "description": tool.description, "parameters": tool.parameters });
            json!({ "type": "function", "function": function })
        });
        body["tools"] = tools.collect();
    }
    if let Some(shape) = &request.answer {
        let strict = schema::is_strict(&shape.schema);
        body["response_format"] = json!({
            "type": "json_schema",
            "json_schema": { "name": shape.name, "schema": shape.schema, "strict": strict },
        });
    }
    body
}

/// OpenAI's newer models refuse the old name, and most other servers know no other.
fn most_tokens(provider: &Provider) -> &'static str {
    let host = provider.base_url.host_str().unwrap_or_default();
    let vendor = host == "api.openai.com" || host.ends_with(".openai.azure.com");
    if vendor { "max_completion_tokens" } else { "max_tokens" }
}

fn message(message: &Message) -> Option<Value> {
    match message {
        Message::User { text } => Some(json!({ "role": "user", "content": text })),
        Message::Tool { id, text, .. } => Some(json!({ "role": "tool", "tool_call_id": id, "content": text })),
        Message::Assistant { parts } => assistant(parts),
    }
}

fn assistant(parts: &[Part]) -> Option<Value> {
    let mut message = Map::new();
    let (mut text, mut calls) = (String::new(), Vec::new());
    for part in parts {
        match part {
            Part::Text { text: piece } => text.push_str(piece),
            Part::ToolCall { id, name, arguments } => {
                let function = json!({ "name": name, "arguments": arguments });
                calls.push(json!({ "id": id, "type": "function", "function": function }));
            }
            Part::Opaque { wire: Wire::OpenaiChat, value } => {
                if let Some(thinking) = lenient::word(value, "reasoning_content") {
                    message.insert("reasoning_content".to_owned(), json!(thinking));
                }
            }
            Part::Opaque { .. } => {}
        }
    }
    if text.is_empty() && calls.is_empty() {
        return None;
    }
    message.insert("role".to_owned(), json!("assistant"));
    message.insert("content".to_owned(), if text.is_empty() { Value::Null } else { json!(text) });
    if !calls.is_empty() {
        message.insert("tool_calls".to_owned(), json!(calls));
    }
    Some(Value::Object(message))
}
