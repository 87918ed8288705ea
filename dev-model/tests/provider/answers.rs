//! Whole answers: text, tools and JSON on every wire, by the script and by itself.

use crate::client::{WIRES, call, request, server};
use flotilla_dev_model::{Counts, Script, Then, Thinking, When, Wire};
use serde_json::{Value, json};

fn text_of(wire: Wire, body: &Value) -> String {
    let text = match wire {
        Wire::OpenaiChat => &body["choices"][0]["message"]["content"],
        Wire::OpenaiResponses => &body["output"][0]["content"][0]["text"],
        Wire::Anthropic => &body["content"][0]["text"],
    };
    text.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn text_is_answered_on_every_wire() {
    let server = server(Script::default().rule(When::default().contains("hello"), Then::text("Hello there!"))).await;
    for wire in WIRES {
        let body = call(&server, wire, &request(wire, "say hello", false)).await.json();
        assert_eq!(text_of(wire, &body), "Hello there!");
        let (stop, usage) = match wire {
            Wire::OpenaiChat => (body["choices"][0]["finish_reason"].clone(), &body["usage"]["completion_tokens"]),
            Wire::OpenaiResponses => (body["status"].clone(), &body["usage"]["output_tokens"]),
            Wire::Anthropic => (body["stop_reason"].clone(), &body["usage"]["output_tokens"]),
        };
        assert!(["stop", "completed", "end_turn"].contains(&stop.as_str().unwrap()), "{stop}");
        assert_eq!(usage, 3);
    }
    let models = server.calls().iter().map(|call| (call.wire, call.model.clone())).collect::<Vec<_>>();
    assert_eq!(models, WIRES.map(|wire| (wire, "m".to_owned())));
}

#[tokio::test]
async fn without_a_rule_it_says_that_it_is_scripted() {
    let server = server(Script::default()).await;
    for wire in WIRES {
        let body = call(&server, wire, &request(wire, "what is the meaning of life?", false)).await.json();
        let text = text_of(wire, &body);
        assert!(text.contains("scripted") && text.ends_with("what is the meaning of life?"), "{text}");
    }
}

/// Each vendor counts in its own way; the counters say the same.
#[tokio::test]
async fn cached_tokens_are_inside_or_beside_the_input() {
    let usage = Counts {
        input: Some(80),
        cache_read: Some(15),
        cache_write: Some(5),
        output: Some(9),
        reasoning: Some(4),
        ..Counts::default()
    };
    let then = Then { usage, ..Then::text("hi") };
    let server = server(Script::default().rule(When::default(), then)).await;
    let bodies = [
        call(&server, WIRES[0], &request(WIRES[0], "x", false)).await.json()["usage"].clone(),
        call(&server, WIRES[1], &request(WIRES[1], "x", false)).await.json()["usage"].clone(),
        call(&server, WIRES[2], &request(WIRES[2], "x", false)).await.json()["usage"].clone(),
    ];
    assert_eq!((&bodies[0]["prompt_tokens"], &bodies[0]["total_tokens"]), (&json!(100), &json!(109)));
    assert_eq!(bodies[0]["prompt_tokens_details"]["cached_tokens"], 15);
    assert_eq!(bodies[0]["completion_tokens_details"]["reasoning_tokens"], 4);
    assert_eq!(
        (&bodies[1]["input_tokens"], &bodies[1]["input_tokens_details"]["cache_write_tokens"]),
        (&json!(100), &json!(5))
    );
    assert_eq!(bodies[1]["output_tokens_details"]["reasoning_tokens"], 4);
    assert_eq!((&bodies[2]["input_tokens"], &bodies[2]["cache_read_input_tokens"]), (&json!(80), &json!(15)));
    assert_eq!((&bodies[2]["cache_creation_input_tokens"], &bodies[2]["output_tokens"]), (&json!(5), &json!(9)));
}

fn findings_schema() -> Value {
    json!({ "type": "object", "required": ["findings"], "properties": { "findings": { "type": "array" } } })
}

/// Asks for an answer of a named shape, as each wire does.
fn shaped(wire: Wire, name: &str, schema: &Value, text: &str) -> Value {
    let mut body = request(wire, text, false);
    match wire {
        Wire::OpenaiChat => {
            body["response_format"] =
                json!({ "type": "json_schema", "json_schema": { "name": name, "strict": true, "schema": schema } });
        }
        Wire::OpenaiResponses => {
            body["text"] =
                json!({ "format": { "type": "json_schema", "name": name, "strict": true, "schema": schema } });
        }
        Wire::Anthropic => {
            body["tools"] = json!([{ "name": name, "description": "answer", "input_schema": schema }]);
            body["tool_choice"] = json!({ "type": "tool", "name": name });
        }
    }
    body
}

async fn structured(server: &flotilla_dev_model::Server, wire: Wire, name: &str, schema: &Value, text: &str) -> Value {
    let body = call(server, wire, &shaped(wire, name, schema, text)).await.json();
    match wire {
        Wire::Anthropic => {
            assert_eq!((&body["stop_reason"], &body["content"][0]["name"]), (&json!("tool_use"), &json!(name)));
            body["content"][0]["input"].clone()
        }
        _ => serde_json::from_str(&text_of(wire, &body)).unwrap(),
    }
}

#[tokio::test]
async fn findings_verdicts_and_any_shape_are_answered() {
    let server = server(Script::default()).await;
    let prompt =
        "## File: 'src/a.rs'\n\n@@ -1,1 +1,2 @@\n__new hunk__\n1   fn a() {\n2 +     b.unwrap();\n__old hunk__\n";
    let other =
        json!({ "type": "object", "required": ["n"], "properties": { "n": { "type": "integer", "minimum": 2 } } });
    for wire in WIRES {
        let found = structured(&server, wire, "review_findings", &findings_schema(), prompt).await;
        let finding = &found["findings"][0];
        let expected = (&json!("src/a.rs"), &json!("    b.unwrap();"), &json!(2));
        assert_eq!((&finding["path"], &finding["existing_code"], &finding["start_line"]), expected);
        assert!(finding["body"].as_str().unwrap().contains("scripted"));
        let verdict = structured(&server, wire, "verify_finding", &other, "The lines it is about:\n> // TODO\n").await;
        assert_eq!(verdict["verdict"], "discard");
        assert_eq!(structured(&server, wire, "anything", &other, "x").await, json!({ "n": 2 }));
    }
}

fn tools(wire: Wire) -> Value {
    let schema = json!({ "type": "object", "required": ["path"], "properties": { "path": { "type": "string" } } });
    match wire {
        Wire::OpenaiChat => json!([{ "type": "function", "function": { "name": "read_file", "parameters": schema } }]),
        Wire::OpenaiResponses => json!([{ "type": "function", "name": "read_file", "parameters": schema }]),
        Wire::Anthropic => json!([{ "name": "read_file", "input_schema": schema }]),
    }
}

/// The conversation after a tool was called and answered.
fn with_result(wire: Wire, mut body: Value, answer: &Value) -> Value {
    match wire {
        Wire::OpenaiChat => {
            let message = answer["choices"][0]["message"].clone();
            let id = message["tool_calls"][0]["id"].clone();
            let messages = body["messages"].as_array_mut().unwrap();
            messages.extend([message, json!({ "role": "tool", "tool_call_id": id, "content": "found" })]);
        }
        Wire::OpenaiResponses => {
            let item = answer["output"][0].clone();
            let id = item["call_id"].clone();
            let input = body["input"].as_array_mut().unwrap();
            input.extend([item, json!({ "type": "function_call_output", "call_id": id, "output": "found" })]);
        }
        Wire::Anthropic => {
            let id = answer["content"][0]["id"].clone();
            let result = json!({ "type": "tool_result", "tool_use_id": id, "content": "found" });
            let messages = body["messages"].as_array_mut().unwrap();
            messages.push(json!({ "role": "assistant", "content": answer["content"] }));
            messages.push(json!({ "role": "user", "content": [result] }));
        }
    }
    body
}

#[tokio::test]
async fn a_tool_is_called_once_where_the_user_says_so() {
    let script = Script::default().rule(When::default().tool_results(1), Then::text("thanks"));
    let server = server(script).await;
    for wire in WIRES {
        let mut body = request(wire, "please use a tool", false);
        body["tools"] = tools(wire);
        let first = call(&server, wire, &body).await.json();
        let arguments = match wire {
            Wire::OpenaiChat => first["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"].clone(),
            Wire::OpenaiResponses => first["output"][0]["arguments"].clone(),
            Wire::Anthropic => first["content"][0]["input"].to_string().into(),
        };
        assert_eq!(arguments, "{\"path\":\"scripted\"}");
        let second = call(&server, wire, &with_result(wire, body.clone(), &first)).await;
        assert_eq!(text_of(wire, &second.json()), "thanks");
        // A call without its result is the client's mistake.
        let mut broken = with_result(wire, body, &first);
        let list = if wire == Wire::OpenaiResponses { "input" } else { "messages" };
        broken[list].as_array_mut().unwrap().pop();
        let refused = call(&server, wire, &broken).await;
        assert_eq!(refused.status, 400, "{}", refused.text());
    }
}

#[tokio::test]
async fn a_thought_must_come_back_with_its_signature() {
    let thinking = vec![Thinking { text: "let me look".into(), signature: "sig-1".into() }];
    let then = Then { thinking, ..Then::tool("read_file", json!({ "path": "a" })) };
    let script = Script::default().rule(When::default().tool_results(0), then);
    let server = server(script).await;
    let wire = Wire::Anthropic;
    let mut body = request(wire, "look", false);
    body["tools"] = tools(wire);
    let answer = call(&server, wire, &body).await.json();
    assert_eq!(answer["content"][0], json!({ "type": "thinking", "thinking": "let me look", "signature": "sig-1" }));
    let ask = |content: Value| {
        let mut body = body.clone();
        let result = json!({ "type": "tool_result", "tool_use_id": answer["content"][1]["id"], "content": "found" });
        let turns =
            [json!({ "role": "assistant", "content": content }), json!({ "role": "user", "content": [result] })];
        body["messages"].as_array_mut().unwrap().extend(turns);
        body
    };
    assert_eq!(call(&server, wire, &ask(answer["content"].clone())).await.status, 200);
    let forgotten = call(&server, wire, &ask(json!([answer["content"][1]]))).await;
    assert!(forgotten.status == 400 && forgotten.text().contains("Expected `thinking`"), "{}", forgotten.text());
    let mut forged = answer["content"].clone();
    forged[0]["signature"] = "sig-2".into();
    let forged = call(&server, wire, &ask(forged)).await;
    assert!(forged.status == 400 && forged.text().contains("Invalid `signature`"), "{}", forged.text());
}
