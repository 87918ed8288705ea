//! Reads a request for a response.

use crate::ask::{Asked, Called, Shape, Tool, Turn, text_field, text_of, text_or_empty};
use serde_json::{Value, json};

pub(in crate::wire) fn read(body: &Value) -> Result<Asked, String> {
    let mut asked = Asked {
        model: text_field(body, "model")?,
        stream: body["stream"] == true,
        include_usage: true,
        system: text_or_empty(body, "instructions"),
        max_output: body["max_output_tokens"].as_u64(),
        tools: tools(body)?,
        must_call: body["tool_choice"] == "required",
        ..Asked::default()
    };
    match body.get("input") {
        Some(Value::String(text)) => asked.turns.push(Turn::User(text.clone())),
        Some(Value::Array(items)) => items.iter().try_for_each(|item| add(&mut asked, item))?,
        _ => return Err("`input` is neither text nor a list".to_owned()),
    }
    if body["previous_response_id"].is_string() {
        return Err("`previous_response_id`: no response is kept here; send the whole conversation".to_owned());
    }
    asked.shape = shape(body, &asked.tools);
    Ok(asked.complete())
}

/// Adds one item; what is ours in a row is one turn.
fn add(asked: &mut Asked, item: &Value) -> Result<(), String> {
    let content = || text_of(item.get("content"));
    match item["type"].as_str().unwrap_or("message") {
        "message" => match item["role"].as_str() {
            Some("system" | "developer") => asked.system.push_str(&content()),
            Some("user") => asked.turns.push(Turn::User(content())),
            Some("assistant") => asked.assistant(|said| said.text.push_str(&content())),
            other => return Err(format!("`role` is {other:?}; use system, developer, user or assistant")),
        },
        "function_call" => {
            let text = text_field(item, "name")? + &text_field(item, "arguments")?;
            let id = text_field(item, "call_id")?;
            asked.assistant(|said| said.calls.push(Called { id, text }));
        }
        "function_call_output" => {
            let text = item["output"].as_str().map_or_else(|| text_of(item.get("output")), str::to_owned);
            asked.turns.push(Turn::Result { id: text_field(item, "call_id")?, text });
        }
        "reasoning" => {
            let thought = (text_of(item.get("summary")), text_or_empty(item, "encrypted_content"));
            asked.assistant(|said| said.thoughts.push(thought));
        }
        other => return Err(format!("`type` is `{other}`, which is not known here")),
    }
    Ok(())
}

fn tools(body: &Value) -> Result<Vec<Tool>, String> {
    let Some(tools) = body.get("tools").filter(|tools| !tools.is_null()) else { return Ok(Vec::new()) };
    let tools = tools.as_array().ok_or("`tools` is no list")?;
    let functions = tools.iter().filter(|tool| tool["type"] == "function");
    functions.map(|tool| Ok(Tool { name: text_field(tool, "name")?, parameters: tool["parameters"].clone() })).collect()
}

/// What `text.format` or a named `tool_choice` asks for.
fn shape(body: &Value, tools: &[Tool]) -> Option<Shape> {
    if let Some(name) = body["tool_choice"]["name"].as_str() {
        let schema = tools.iter().find(|tool| tool.name == name)?.parameters.clone();
        return Some(Shape { name: name.to_owned(), schema, by_tool: true });
    }
    let format = &body["text"]["format"];
    match format["type"].as_str()? {
        "json_schema" => {
            Some(Shape { name: text_or_empty(format, "name"), schema: format["schema"].clone(), by_tool: false })
        }
        "json_object" => {
            Some(Shape { name: "json_object".to_owned(), schema: json!({ "type": "object" }), by_tool: false })
        }
        _ => None,
    }
}
