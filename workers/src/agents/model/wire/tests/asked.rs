//! Requests, as each format writes them.

use super::*;
use crate::agents::model::{Catalog, Message, ModelSettings, ProviderSettings, Settings, ToolSpec};
use std::sync::Arc;

fn catalog(wire: Wire, base_url: &str, id: &str) -> Catalog {
    let provider =
        ProviderSettings { wire: Some(wire), base_url: Some(base_url.to_owned()), ..ProviderSettings::default() };
    let model = ModelSettings {
        provider: "p".to_owned(),
        id: Some(id.to_owned()),
        context: Some(1_000),
        ..ModelSettings::default()
    };
    let (providers, models) = ([("p".to_owned(), provider)].into(), [("m".to_owned(), model)].into());
    Catalog::new(Settings { providers, models, ..Settings::default() }).unwrap()
}

fn asked(wire: Wire, base_url: &str, id: &str, request: &Request) -> Value {
    let catalog = catalog(wire, base_url, id);
    let (provider, model) = catalog.model("m").unwrap();
    body(provider, model, request)
}

const LOCAL: &str = "http://127.0.0.1/v1";

fn request() -> Request {
    let call =
        Part::ToolCall { id: "call:1".to_owned(), name: "read".to_owned(), arguments: "{\"path\":\"a\"}".to_owned() };
    let thought = |wire, value: Value| Part::Opaque { wire, value };
    Request {
        system: Arc::from("Be brief."),
        messages: vec![
            Message::User { text: "Look at a.".to_owned() },
            Message::Assistant {
                parts: vec![
                    thought(Wire::Anthropic, json!({ "type": "thinking", "thinking": "hm", "signature": "s" })),
                    thought(
                        Wire::OpenaiResponses,
                        json!({ "type": "reasoning", "id": "rs", "encrypted_content": "e" }),
                    ),
                    thought(Wire::OpenaiResponses, json!({ "type": "reasoning", "id": "not kept" })),
                    thought(Wire::OpenaiChat, json!({ "reasoning_content": "well" })),
                    Part::Text { text: "Reading.".to_owned() },
                    call,
                ],
            },
            Message::Tool { id: "call:1".to_owned(), text: "no such file".to_owned(), failed: true },
            Message::User { text: "Go on.".to_owned() },
        ],
        tools: Arc::from([ToolSpec {
            name: "read".to_owned(),
            description: "Reads a file".to_owned(),
            parameters: json!({ "type": "object" }),
        }]),
        max_output: 100,
        temperature: Some(0.5),
        answer: None,
    }
}

#[test]
fn of_chat_completions() {
    let tool = json!({ "name": "read", "description": "Reads a file", "parameters": { "type": "object" } });
    let call =
        json!({ "id": "call:1", "type": "function", "function": { "name": "read", "arguments": "{\"path\":\"a\"}" } });
    assert_eq!(
        asked(Wire::OpenaiChat, LOCAL, "llama", &request()),
        json!({
            "model": "llama",
            "messages": [
                { "role": "system", "content": "Be brief." },
                { "role": "user", "content": "Look at a." },
                { "role": "assistant", "content": "Reading.", "tool_calls": [call], "reasoning_content": "well" },
                { "role": "tool", "tool_call_id": "call:1", "content": "no such file" },
                { "role": "user", "content": "Go on." },
            ],
            "stream": true,
            "stream_options": { "include_usage": true },
            "max_tokens": 100,
            "temperature": 0.5,
            "tools": [{ "type": "function", "function": tool }],
        })
    );
    let vendor = asked(Wire::OpenaiChat, "https://api.openai.com/v1", "gpt-5", &request());
    assert_eq!((&vendor["max_completion_tokens"], &vendor["max_tokens"]), (&json!(100), &Value::Null));
}

#[test]
fn of_responses() {
    let said = |role: &str, kind: &str, text: &str| json!({ "type": "message", "role": role, "content": [{ "type": kind, "text": text }] });
    assert_eq!(
        asked(Wire::OpenaiResponses, LOCAL, "gpt-5-mini", &request()),
        json!({
            "model": "gpt-5-mini",
            "input": [
                said("user", "input_text", "Look at a."),
                { "type": "reasoning", "id": "rs", "encrypted_content": "e" },
                said("assistant", "output_text", "Reading."),
                { "type": "function_call", "call_id": "call:1", "name": "read", "arguments": "{\"path\":\"a\"}" },
                { "type": "function_call_output", "call_id": "call:1", "output": "no such file" },
                said("user", "input_text", "Go on."),
            ],
            "stream": true,
            "store": false,
            "max_output_tokens": 100,
            "instructions": "Be brief.",
            "include": ["reasoning.encrypted_content"],
            "temperature": 0.5,
            "tools": [{ "type": "function", "name": "read", "description": "Reads a file", "parameters": { "type": "object" },
                "strict": false }],
        })
    );
    for (id, thinks) in
        [("o3", true), ("gpt-6.1-sol", true), ("openai/gpt-5", true), ("gpt-4o", false), ("olmo", false)]
    {
        let asked = asked(Wire::OpenaiResponses, LOCAL, id, &request());
        assert_eq!(asked.get("include").is_some(), thinks, "{id}");
    }
}

#[test]
fn of_messages() {
    let kept = json!({ "type": "ephemeral" });
    assert_eq!(
        asked(Wire::Anthropic, LOCAL, "claude", &request()),
        json!({
            "model": "claude",
            "max_tokens": 100,
            "system": [{ "type": "text", "text": "Be brief.", "cache_control": kept }],
            "messages": [
                { "role": "user", "content": [{ "type": "text", "text": "Look at a." }] },
                { "role": "assistant", "content": [
                    { "type": "thinking", "thinking": "hm", "signature": "s" },
                    { "type": "text", "text": "Reading." },
                    { "type": "tool_use", "id": "call_1", "name": "read", "input": { "path": "a" } },
                ] },
                { "role": "user", "content": [
                    { "type": "tool_result", "tool_use_id": "call_1", "content": "no such file", "is_error": true },
                    { "type": "text", "text": "Go on.", "cache_control": kept },
                ] },
            ],
            "stream": true,
            "temperature": 0.5,
            "tools": [{ "name": "read", "description": "Reads a file", "input_schema": { "type": "object" } }],
        })
    );
}

#[test]
fn with_an_answer_of_a_shape() {
    let closed = json!({ "type": "object", "properties": {}, "required": [], "additionalProperties": false });
    let mut request = request();
    request.answer = Some(Arc::new(Shape { name: "findings".to_owned(), schema: closed.clone() }));
    let chat = asked(Wire::OpenaiChat, LOCAL, "m", &request);
    let shape = json!({ "name": "findings", "schema": closed, "strict": true });
    assert_eq!(chat["response_format"], json!({ "type": "json_schema", "json_schema": shape }));
    let responses = asked(Wire::OpenaiResponses, LOCAL, "m", &request);
    assert_eq!(responses["text"]["format"]["name"], "findings");

    let messages = asked(Wire::Anthropic, LOCAL, "m", &request);
    assert_eq!(
        (messages["tools"][1]["name"].as_str(), &messages["tool_choice"]),
        (Some("findings"), &json!({ "type": "any" }))
    );
    request.tools = Arc::from([]);
    let messages = asked(Wire::Anthropic, LOCAL, "m", &request);
    assert_eq!(messages["tool_choice"], json!({ "type": "tool", "name": "findings" }));
}

#[test]
fn arguments_that_are_no_object_are_not_refused_there() {
    let mut request = request();
    let call = Part::ToolCall { id: "1".to_owned(), name: "read".to_owned(), arguments: "{\"path\":".to_owned() };
    request.messages = vec![Message::User { text: "a".to_owned() }, Message::Assistant { parts: vec![call] }];
    let messages = asked(Wire::Anthropic, LOCAL, "m", &request);
    assert_eq!(messages["messages"][1]["content"][0]["input"], json!({ "not_json": "{\"path\":" }));
}

#[test]
fn addresses_are_below_the_base() {
    let url = |wire, base: &str| super::super::url(wire, &base.parse().unwrap()).to_string();
    assert_eq!(url(Wire::OpenaiChat, "https://h/v1"), "https://h/v1/chat/completions");
    assert_eq!(url(Wire::OpenaiChat, "https://h/v1/?api-version=2"), "https://h/v1/chat/completions?api-version=2");
    assert_eq!(url(Wire::OpenaiResponses, "https://h"), "https://h/responses");
    assert_eq!(url(Wire::Anthropic, "https://h"), "https://h/v1/messages");
    assert_eq!(url(Wire::Anthropic, "https://h/proxy/v1/"), "https://h/proxy/v1/messages");
    let models = |wire, base: &str| models_url(wire, &base.parse().unwrap()).to_string();
    assert_eq!(models(Wire::Anthropic, "https://h"), "https://h/v1/models");
    assert_eq!(models(Wire::OpenaiChat, "https://h/v1"), "https://h/v1/models");
}
