//! The description is true: every route is in it, and answers have what it says they have.

use super::{
    super::{error::Code, openapi, routes},
    sessions::say,
    support::{Server, server},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn document() -> Value {
    serde_json::to_value(openapi::document()).unwrap()
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let document = document();
    let described: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| item.as_object().unwrap().keys().map(move |method| (method.clone(), path.clone())))
        .collect();
    let served: BTreeSet<(String, String)> =
        routes::api_routes().iter().map(|route| (route.method.to_owned(), route.path.to_owned())).collect();
    assert_eq!(described, served);
}

#[test]
fn every_reference_leads_somewhere_and_every_code_is_described() {
    let document = document();
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
    let text = document["paths"]["/v1/jobs"]["post"]["responses"]["default"]["description"].as_str().unwrap();
    for code in Code::ALL {
        assert!(text.contains(&format!("`{}`", code.as_str())), "{text}");
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            references.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| collect(value, references));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

/// Asks, and holds the answer against the schema of this operation and status.
async fn hold(
    server: &Server,
    document: &Value,
    method: Method,
    path: &str,
    described: &str,
    body: Option<Value>,
) -> Value {
    let mut request = server.request(method.clone(), path);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16().to_string();
    let answer: Value = response.json().await.unwrap();
    let responses = &document["paths"][described][method.as_str().to_lowercase()]["responses"];
    let response = responses.get(&status).unwrap_or(&responses["default"]);
    let schema = &response["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{method} {described} {status} has no schema: {response}");
    check(document, schema, &answer, &format!("{method} {path}")).unwrap_or_else(|wrong| panic!("{wrong}\n{answer}"));
    answer
}

/// Whether required fields are there, and no others than those described.
fn check(document: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        return check(document, document.pointer(reference.trim_start_matches('#')).unwrap(), value, at);
    }
    if let Some(choices) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        let tried: Vec<_> = choices.iter().map(|choice| check(document, choice, value, at)).collect();
        return if tried.iter().any(Result::is_ok) { Ok(()) } else { Err(format!("{at}: no choice fits: {tried:?}")) };
    }
    if let Some(items) = schema.get("items") {
        let found = value.as_array().ok_or_else(|| format!("{at} is no array"))?;
        return found.iter().try_for_each(|item| check(document, items, item, &format!("{at}[]")));
    }
    let Some(properties) = schema["properties"].as_object() else { return Ok(()) };
    let found = value.as_object().ok_or_else(|| format!("{at} is no object"))?;
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !found.contains_key(name) {
            return Err(format!("{at} lacks `{name}`"));
        }
    }
    for (name, value) in found {
        let schema = properties.get(name).ok_or_else(|| format!("{at} has `{name}`, which is not described"))?;
        check(document, schema, value, &format!("{at}.{name}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn answers_are_as_described() {
    let server = server().await;
    let (_, document) = server.get("/openapi.json").await;
    let job = json!({ "kind": "talk", "payload": { "lines": 1 } });
    let (get, post, put) = (Method::GET, Method::POST, Method::PUT);

    let accepted = hold(&server, &document, post.clone(), "/v1/jobs", "/v1/jobs", Some(job.clone())).await;
    hold(&server, &document, post.clone(), "/v1/jobs", "/v1/jobs", Some(json!([job]))).await;
    hold(&server, &document, post.clone(), "/v1/jobs", "/v1/jobs", Some(json!({}))).await;
    hold(&server, &document, get.clone(), "/v1/jobs?limit=1", "/v1/jobs", None).await;
    let one = format!("/v1/jobs/{}", accepted["id"].as_str().unwrap());
    hold(&server, &document, get.clone(), &one, "/v1/jobs/{id}", None).await;
    for (what, described) in [("steps", "/v1/jobs/{id}/steps"), ("transcript", "/v1/jobs/{id}/transcript")] {
        hold(&server, &document, get.clone(), &format!("{one}/{what}"), described, None).await;
        hold(&server, &document, get.clone(), &format!("{one}/{what}?limit=0"), described, None).await;
    }
    hold(&server, &document, post.clone(), &format!("{one}/cancel"), "/v1/jobs/{id}/cancel", None).await;
    hold(&server, &document, post.clone(), &format!("{one}/retry"), "/v1/jobs/{id}/retry", None).await;
    hold(&server, &document, post.clone(), &format!("{one}/resume"), "/v1/jobs/{id}/resume", None).await;
    for action in ["cancel", "retry", "resume"] {
        let path = format!("/v1/jobs/{action}");
        hold(&server, &document, post.clone(), &format!("{path}?all=true"), &path, Some(json!({}))).await;
    }
    let opened = hold(&server, &document, post.clone(), "/v1/sessions", "/v1/sessions", Some(json!({}))).await;
    let id = opened["id"].as_str().unwrap();
    say(&server, id, "hello").await;
    hold(&server, &document, get.clone(), "/v1/sessions", "/v1/sessions", None).await;
    let (one, described) = (format!("/v1/sessions/{id}"), "/v1/sessions/{id}");
    let title = Some(json!({ "title": "plans" }));
    hold(&server, &document, Method::PATCH, &one, described, title).await;
    hold(&server, &document, get.clone(), &one, described, None).await;
    for (method, part, body) in [
        (get.clone(), "entries", None),
        (post.clone(), "fork", Some(json!({ "entry": 1 }))),
        (post.clone(), "archive", None),
        (post.clone(), "restore", None),
    ] {
        hold(&server, &document, method, &format!("{one}/{part}"), &format!("{described}/{part}"), body).await;
    }
    let idle = Some(json!({ "idle_days": 1 }));
    hold(&server, &document, post.clone(), "/v1/sessions/archive", "/v1/sessions/archive", idle).await;
    hold(&server, &document, get.clone(), "/v1/queues", "/v1/queues", None).await;
    hold(&server, &document, get.clone(), "/v1/providers", "/v1/providers", None).await;
    let cap = Some(json!({ "cap": 2 }));
    hold(&server, &document, put, "/v1/queues/default", "/v1/queues/{name}", cap).await;
    for action in ["pause", "resume"] {
        let (path, described) = (format!("/v1/queues/default/{action}"), format!("/v1/queues/{{name}}/{action}"));
        hold(&server, &document, post.clone(), &path, &described, None).await;
    }
    hold(&server, &document, get.clone(), "/v1/approvals", "/v1/approvals", None).await;
    for action in ["approve", "deny"] {
        let path = format!("/v1/approvals/{}/{action}", accepted["id"].as_str().unwrap());
        hold(&server, &document, post.clone(), &path, &format!("/v1/approvals/{{id}}/{action}"), Some(json!({}))).await;
    }
    for path in ["/v1/spend", "/v1/budgets"] {
        hold(&server, &document, get.clone(), path, path, None).await;
    }
    hold(&server, &document, get.clone(), "/v1/spend?by=week", "/v1/spend", None).await;
    for probe in ["/live", "/ready", "/health"] {
        hold(&server, &document, get.clone(), probe, probe, None).await;
    }
    server.end().await;
}
