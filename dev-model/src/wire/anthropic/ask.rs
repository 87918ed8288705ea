//! Reads a request for a message.

use crate::{
    ask::{Asked, Called, Shape, Tool, Turn, list, text_field, text_of, text_or_empty},
    scripted::is_answer,
};
use serde_json::Value;

pub(in crate::wire) fn read(body: &Value) -> Result<Asked, String> {
    let mut asked = Asked {
        model: text_field(body, "model")?,
        stream: body["stream"] == true,
        include_usage: true,
        system: text_of(body.get("system")),
        max_output: Some(body["max_tokens"].as_u64().filter(|n| *n > 0).ok_or("max_tokens: Field required")?),
        tools: tools(body)?,
        must_call: body["tool_choice"]["type"] == "any",
        ..Asked::default()
    };
    for message in list(body, "messages")? {
        match (message["role"].as_str(), &message["content"]) {
            (Some("user"), Value::String(text)) => asked.turns.push(Turn::User(text.clone())),
            (Some("user"), Value::Array(blocks)) => user(&mut asked, blocks)?,
            (Some("assistant"), Value::String(text)) => asked.assistant(|said| said.text.push_str(text)),
            (Some("assistant"), Value::Array(blocks)) => {
                blocks.iter().try_for_each(|block| assistant(&mut asked, block))?;
            }
            (Some("user" | "assistant"), _) => return Err("messages: `content` is neither text nor a list".to_owned()),
            (other, _) => return Err(format!("messages: unexpected role {other:?}; use `user` or `assistant`")),
        }
    }
    asked.shape = shape(body, &asked.tools);
    Ok(asked.complete())
}

/// Results of tools come first in a message, then what the user says.
fn user(asked: &mut Asked, blocks: &[Value]) -> Result<(), String> {
    let mut texts = Vec::new();
    for block in blocks {
        match block["type"].as_str() {
            Some("tool_result") if texts.is_empty() => {
                let id = text_field(block, "tool_use_id")?;
                asked.turns.push(Turn::Result { id, text: text_of(block.get("content")) });
            }
            Some("tool_result") => return Err("messages: `tool_result` blocks must come before text".to_owned()),
            Some("text") => texts.push(text_field(block, "text")?),
            other => return Err(format!("messages: a block of type {other:?} is not known here")),
        }
    }
    if !texts.is_empty() {
        asked.turns.push(Turn::User(texts.join("\n")));
    }
    Ok(())
}

fn assistant(asked: &mut Asked, block: &Value) -> Result<(), String> {
    match block["type"].as_str() {
        Some("text") => {
            let text = text_field(block, "text")?;
            if text.is_empty() {
                return Err("messages: text content blocks must be non-empty".to_owned());
            }
            asked.assistant(|said| said.text.push_str(&text));
        }
        Some("tool_use") => {
            if !block["input"].is_object() {
                return Err("messages: `tool_use.input`: Input should be a valid dictionary".to_owned());
            }
            let text = text_or_empty(block, "name") + &block["input"].to_string();
            let id = text_field(block, "id")?;
            asked.assistant(|said| said.calls.push(Called { id, text }));
        }
        Some("thinking") => {
            let thought = (text_field(block, "thinking")?, text_field(block, "signature")?);
            asked.assistant(|said| said.thoughts.push(thought));
        }
        other => return Err(format!("messages: a block of type {other:?} is not known here")),
    }
    Ok(())
}

fn tools(body: &Value) -> Result<Vec<Tool>, String> {
    let Some(tools) = body.get("tools").filter(|tools| !tools.is_null()) else { return Ok(Vec::new()) };
    let tools = tools.as_array().ok_or("tools: Input should be a valid list")?;
    tools
        .iter()
        .map(|tool| {
            let parameters = tool.get("input_schema").cloned().ok_or("tools: `input_schema`: Field required")?;
            Ok(Tool { name: text_field(tool, "name")?, parameters })
        })
        .collect()
}

/// What a named `tool_choice` or `output_config.format` asks for; the latter has no name but the schema's title.
fn shape(body: &Value, tools: &[Tool]) -> Option<Shape> {
    let choice = &body["tool_choice"];
    if choice["type"] == "any"
        && let Some(tool) = tools.iter().find(|tool| is_answer(&tool.name))
    {
        // It may call any: unless a script says so, it has seen enough.
        return Some(Shape { name: tool.name.clone(), schema: tool.parameters.clone(), by_tool: true });
    }
    if choice["type"] == "tool" {
        let tool = tools.iter().find(|tool| choice["name"] == tool.name.as_str())?;
        return Some(Shape { name: tool.name.clone(), schema: tool.parameters.clone(), by_tool: true });
    }
    let format = &body["output_config"]["format"];
    let schema = (format["type"] == "json_schema").then(|| format["schema"].clone())?;
    Some(Shape { name: text_or_empty(&schema, "title"), schema, by_tool: false })
}
