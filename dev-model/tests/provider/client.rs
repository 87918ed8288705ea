//! A client that hides nothing: status, headers, the parts of a body as they arrive, and how it ends.

use flotilla_dev_model::{Options, Script, Server, Wire};
use serde_json::{Value, json};
use std::time::Duration;

pub const SOON: Duration = Duration::from_secs(20);
pub const WIRES: [Wire; 3] = [Wire::OpenaiChat, Wire::OpenaiResponses, Wire::Anthropic];

/// What came back.
pub struct Seen {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    /// As they arrived.
    pub parts: Vec<Vec<u8>>,
    /// How the body ended, where that was not well.
    pub error: Option<String>,
}

pub async fn server(script: Script) -> Server {
    Server::start(Options { script, ..Options::default() }).await.unwrap()
}

/// A request for `text`, streamed or not.
pub fn request(wire: Wire, text: &str, stream: bool) -> Value {
    match wire {
        Wire::OpenaiChat => json!({ "model": "m", "stream": stream, "stream_options": { "include_usage": true },
            "messages": [{ "role": "system", "content": "be brief" }, { "role": "user", "content": text }] }),
        Wire::OpenaiResponses => json!({ "model": "m", "stream": stream, "store": false, "instructions": "be brief",
            "input": [{ "role": "user", "content": [{ "type": "input_text", "text": text }] }] }),
        Wire::Anthropic => json!({ "model": "m", "stream": stream, "max_tokens": 1000, "system": "be brief",
            "messages": [{ "role": "user", "content": [{ "type": "text", "text": text }] }] }),
    }
}

pub fn post(server: &Server, wire: Wire, body: &Value) -> reqwest::RequestBuilder {
    let path = match wire {
        Wire::OpenaiChat => "/v1/chat/completions",
        Wire::OpenaiResponses => "/v1/responses",
        Wire::Anthropic => "/v1/messages",
    };
    let request = http().post(server.url() + path).json(body).timeout(SOON);
    match wire {
        Wire::Anthropic => request.header("x-api-key", "k").header("anthropic-version", "2023-06-01"),
        _ => request.bearer_auth("k"),
    }
}

pub fn http() -> reqwest::Client {
    // Other crates of the workspace make reqwest want one, though nothing here is encrypted; the second time it is there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

pub async fn call(server: &Server, wire: Wire, body: &Value) -> Seen {
    let mut response = post(server, wire, body).send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let (mut parts, mut error) = (Vec::new(), None);
    loop {
        match response.chunk().await {
            Ok(Some(part)) => parts.push(part.to_vec()),
            Ok(None) => break,
            Err(e) => {
                error = Some(format!("{e:?}"));
                break;
            }
        }
    }
    Seen { status, headers, parts, error }
}

/// Asks for `text` as a stream.
pub async fn stream(server: &Server, wire: Wire, text: &str) -> Seen {
    call(server, wire, &request(wire, text, true)).await
}

impl Seen {
    pub fn text(&self) -> String {
        String::from_utf8(self.parts.concat()).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.parts.concat()).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Names and data of all events, read by hand.
    pub fn events(&self) -> Vec<(String, String)> {
        let text = self.text().replace("\r\n", "\n");
        let mut events = Vec::new();
        for block in text.split("\n\n") {
            let field = |name: &str| {
                let lines: Vec<&str> =
                    block.lines().filter_map(|line| line.strip_prefix(name)).map(str::trim_start).collect();
                lines.join("\n")
            };
            let data = field("data:");
            if !data.is_empty() {
                events.push((field("event:"), data));
            }
        }
        events
    }

    /// The data of all events that are JSON.
    pub fn data(&self) -> Vec<Value> {
        self.events().iter().filter_map(|(_, data)| serde_json::from_str(data).ok()).collect()
    }

    /// All text, whatever the wire.
    pub fn said(&self) -> String {
        let pieces: Vec<String> = self
            .data()
            .iter()
            .filter_map(|event| {
                let chat = event["choices"][0]["delta"]["content"].as_str();
                let responses = event["delta"].as_str().filter(|_| event["type"] == "response.output_text.delta");
                chat.or(responses).or(event["delta"]["text"].as_str()).map(str::to_owned)
            })
            .collect();
        pieces.concat()
    }
}
