//! Reads a request for a chat completion.

use crate::ask::{Asked, Called, Shape, Tool, Turn, list, text_field, text_of, text_or_empty};
use serde_json::{Value, json};

pub(in crate::wire) fn read(body: &Value) -> Result<Asked, String> {
    let mut asked = Asked {
        model: text_field(body, "model")?,
        stream: body["stream"] == true,
        include_usage: body["stream_options"]["include_usage"] == true,
        max_output: body["max_completion_tokens"].as_u64().or_else(|| body["max_tokens"].as_u64()),
        tools: tools(body)?,
        must_call: body["tool_choice"] == "required",
        ..Asked::default()
    };
    for message in list(body, "messages")? {
        let text = text_of(message.get("content"));
        match message["role"].as_str() {
            Some("system" | "developer") => asked.system.push_str(&text),
            Some("user") => asked.turns.push(Turn::User(text)),
            Some("assistant") => {
                let calls = called(message)?;
                asked.turns.push(Turn::Assistant(crate::ask::Said { text, calls, thoughts: Vec::new() }));
            }
            Some("tool") => asked.turns.push(Turn::Result { id: text_field(message, "tool_call_id")?, text }),
            other => return Err(format!("`role` is {other:?}; use system, developer, user, assistant or tool")),
        }
    }
    asked.shape = shape(body, &asked.tools);
    Ok(asked.complete())
}

fn tools(body: &Value) -> Result<Vec<Tool>, String> {
    let Some(tools) = body.get("tools").filter(|tools| !tools.is_null()) else { return Ok(Vec::new()) };
    let tools = tools.as_array().ok_or("`tools` is no list")?;
    tools
        .iter()
        .map(|tool| {
            let function = tool.get("function").ok_or("`tools[].function` is missing")?;
            Ok(Tool { name: text_field(function, "name")?, parameters: function["parameters"].clone() })
        })
        .collect()
}

fn called(message: &Value) -> Result<Vec<Called>, String> {
    let calls = message["tool_calls"].as_array().map(Vec::as_slice).unwrap_or_default();
    calls
        .iter()
        .map(|call| {
            let function = &call["function"];
            if !function["arguments"].is_string() {
                return Err("`tool_calls[].function.arguments` is no text".to_owned());
            }
            let text = text_or_empty(function, "name") + &text_or_empty(function, "arguments");
            Ok(Called { id: text_field(call, "id")?, text })
        })
        .collect()
}

/// What `response_format` or a named `tool_choice` asks for.
fn shape(body: &Value, tools: &[Tool]) -> Option<Shape> {
    if let Some(name) = body["tool_choice"]["function"]["name"].as_str() {
        let schema = tools.iter().find(|tool| tool.name == name)?.parameters.clone();
        return Some(Shape { name: name.to_owned(), schema, by_tool: true });
    }
    let format = &body["response_format"];
    match format["type"].as_str()? {
        "json_schema" => {
            let schema = &format["json_schema"];
            Some(Shape { name: text_or_empty(schema, "name"), schema: schema["schema"].clone(), by_tool: false })
        }
        "json_object" => {
            Some(Shape { name: "json_object".to_owned(), schema: json!({ "type": "object" }), by_tool: false })
        }
        _ => None,
    }
}
