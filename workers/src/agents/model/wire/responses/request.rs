//! A request of Responses. Nothing is kept there: `store` is false, and thinking goes back encrypted.

use super::super::{lenient, schema};
use crate::agents::model::{Message, Model, Part, Request, Wire};
use serde_json::{Value, json};

/// Fewer are refused.
const LEAST_OUTPUT: u32 = 16;

pub fn request(model: &Model, request: &Request) -> Value {
    let mut input = Vec::with_capacity(request.messages.len());
    for message in &request.messages {
        match message {
            Message::User { text } => input.push(said("user", "input_text", text)),
            Message::Tool { id, text, .. } => {
                input.push(json!({ "type": "function_call_output", "call_id": id, "output": text }));
            }
            Message::Assistant { parts } => input.extend(parts.iter().filter_map(part)),
        }
    }
    let mut body = json!({
        "model": model.id,
        "input": input,
        "stream": true,
        "store": false,
        "max_output_tokens": request.max_output.max(LEAST_OUTPUT),
    });
    if !request.system.is_empty() {
        body["instructions"] = json!(&*request.system);
    }
    if thinks(&model.id) {
        body["include"] = json!(["reasoning.encrypted_content"]);
    }
    if let Some(temperature) = request.temperature.or(model.temperature) {
        body["temperature"] = json!(temperature);
    }
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            json!({
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
                "strict": false,
            })
        });
        body["tools"] = tools.collect();
    }
    if let Some(shape) = &request.answer {
        let strict = schema::is_strict(&shape.schema);
        let format = json!({ "type": "json_schema", "name": shape.name, "schema": shape.schema, "strict": strict });
        body["text"] = json!({ "format": format });
    }
    body
}

fn said(role: &str, kind: &str, text: &str) -> Value {
    json!({ "type": "message", "role": role, "content": [{ "type": kind, "text": text }] })
}

fn part(part: &Part) -> Option<Value> {
    match part {
        Part::Text { text } => Some(said("assistant", "output_text", text)),
        Part::ToolCall { id, name, arguments } => {
            Some(json!({ "type": "function_call", "call_id": id, "name": name, "arguments": arguments }))
        }
        // Without its encrypted content it would name something that was not kept.
        Part::Opaque { wire: Wire::OpenaiResponses, value } => {
            lenient::word(value, "encrypted_content").map(|_| value.clone())
        }
        Part::Opaque { .. } => None,
    }
}

/// Whether a model thinks: others refuse to be asked for what they thought. `o3`, `gpt-5`, `gpt-6.1-sol`, not `gpt-4o`.
fn thinks(id: &str) -> bool {
    let id = id.rsplit('/').next().unwrap_or(id);
    let digit = |rest: &str, least: u32| {
        let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
        number.parse::<u32>().is_ok_and(|number| number >= least)
    };
    id.strip_prefix('o').is_some_and(|rest| digit(rest, 1))
        || id.strip_prefix("gpt-").is_some_and(|rest| digit(rest, 5))
}
