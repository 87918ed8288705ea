//! A request of Messages.
//!
//! Turns alternate there, so what several of our messages say may become one. The cache is told to keep what comes before
//! two places: the end of system and tools, and the end of all.

use crate::agents::model::{Message, Model, Part, Request, Shape, Wire};
use serde_json::{Value, json};

pub fn request(model: &Model, request: &Request) -> Value {
    let mut body = json!({
        "model": model.id,
        "max_tokens": request.max_output,
        "messages": messages(&request.messages),
        "stream": true,
    });
    if let Some(temperature) = request.temperature.or(model.temperature) {
        // The scale ends at 1 there.
        body["temperature"] = json!(temperature.min(1.0));
    }
    let mut tools: Vec<Value> = request
        .tools
        .iter()
        .map(|tool| json!({ "name": tool.name, "description": tool.description, "input_schema": tool.parameters }))
        .collect();
    if let Some(shape) = &request.answer {
        body["tool_choice"] = match request.tools.len() {
            0 => json!({ "type": "tool", "name": shape.name }),
            // It may still call others first.
            _ => json!({ "type": "any" }),
        };
        tools.push(answer(shape));
    }
    if request.system.is_empty() {
        if let Some(last) = tools.last_mut() {
            keep(last);
        }
    } else {
        let mut system = json!({ "type": "text", "text": &*request.system });
        keep(&mut system);
        body["system"] = json!([system]);
    }
    if !tools.is_empty() {
        body["tools"] = json!(tools);
    }
    body
}

/// A tool whose arguments are the answer.
fn answer(shape: &Shape) -> Value {
    json!({
        "name": shape.name,
        "description": "Gives the answer. Call it exactly once, when the answer is complete.",
        "input_schema": shape.schema,
    })
}

fn keep(block: &mut Value) {
    block["cache_control"] = json!({ "type": "ephemeral" });
}

fn messages(messages: &[Message]) -> Vec<Value> {
    let mut turns: Vec<(&'static str, Vec<Value>)> = Vec::with_capacity(messages.len());
    for message in messages {
        let (role, blocks) = match message {
            Message::User { text } => ("user", text_block(text).into_iter().collect()),
            Message::Tool { id, text, failed } => ("user", vec![result(id, text, *failed)]),
            Message::Assistant { parts } => ("assistant", parts.iter().filter_map(part).collect::<Vec<_>>()),
        };
        match turns.last_mut() {
            Some((last, said)) if *last == role => said.extend(blocks),
            _ if blocks.is_empty() => {}
            _ => turns.push((role, blocks)),
        }
    }
    if let Some(block) = turns.last_mut().and_then(|(_, blocks)| blocks.last_mut()).filter(|block| may_keep(block)) {
        keep(block);
    }
    turns.into_iter().map(|(role, content)| json!({ "role": role, "content": content })).collect()
}

/// Thinking cannot be marked.
fn may_keep(block: &Value) -> bool {
    matches!(block["type"].as_str(), Some("text" | "tool_use" | "tool_result"))
}

/// Empty ones are refused.
fn text_block(text: &str) -> Option<Value> {
    (!text.trim().is_empty()).then(|| json!({ "type": "text", "text": text }))
}

fn result(id: &str, text: &str, failed: bool) -> Value {
    let mut block = json!({ "type": "tool_result", "tool_use_id": identifier(id) });
    if !text.is_empty() {
        block["content"] = json!(text);
    }
    if failed {
        block["is_error"] = json!(true);
    }
    block
}

fn part(part: &Part) -> Option<Value> {
    match part {
        Part::Text { text } => text_block(text),
        Part::ToolCall { id, name, arguments } => {
            let parsed: Option<Value> = serde_json::from_str(arguments).ok().filter(Value::is_object);
            // Only an object is allowed there; what the model wrote stays in sight.
            let input = parsed.unwrap_or_else(|| json!({ "not_json": arguments }));
            Some(json!({ "type": "tool_use", "id": identifier(id), "name": name, "input": input }))
        }
        Part::Opaque { wire: Wire::Anthropic, value } => Some(value.clone()),
        Part::Opaque { .. } => None,
    }
}

/// Other providers name calls in letters that are refused there.
fn identifier(id: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    id.chars().map(|c| if allowed(c) { c } else { '_' }).collect()
}
