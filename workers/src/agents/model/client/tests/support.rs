//! A server that takes one connection after the other and does the same steps on each.

use super::*;
use crate::agents::model::{Catalog, Message, ModelSettings, Probe, ProviderSettings, Settings};
use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// What the server does next.
#[derive(Clone)]
pub enum Step {
    Send(String),
    Bytes(Vec<u8>),
    /// The same again and again.
    Forever(String),
    /// Nothing any more.
    Hang,
    /// Closes the connection in the middle.
    Break,
    /// Ends the chunks, and closes it.
    End,
}

/// The head of an answer and then these steps, as chunks; ends well unless a step says otherwise.
pub fn ok(steps: Vec<Step>) -> Vec<Step> {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nx-ratelimit-remaining-requests: 59\r\n\
                x-ratelimit-reset-requests: 1s\r\n\r\n";
    let framed = steps.into_iter().map(|step| match step {
        Step::Send(text) => Step::Bytes(chunk(text.as_bytes())),
        Step::Bytes(bytes) => Step::Bytes(chunk(&bytes)),
        Step::Forever(text) => Step::Forever(String::from_utf8(chunk(text.as_bytes())).unwrap()),
        other => other,
    });
    [Step::Send(head.to_owned())].into_iter().chain(framed).chain([Step::Send("0\r\n\r\n".to_owned())]).collect()
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// A chunk of Chat Completions that says a text.
pub fn chat(text: &str) -> serde_json::Value {
    serde_json::json!({ "id": "c", "choices": [{ "index": 0, "delta": { "content": text } }] })
}

/// The end of one, with what was used.
pub fn finish(reason: &str) -> String {
    let end = serde_json::json!({ "choices": [{ "delta": {}, "finish_reason": reason }] });
    sse(&[end, serde_json::json!({ "choices": [], "usage": { "prompt_tokens": 10, "completion_tokens": 5 } })])
}

pub fn sse(events: &[serde_json::Value]) -> String {
    let events: Vec<String> = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    events.concat()
}

/// The server and its one client.
pub struct World {
    provider: Provider,
    model: Arc<Model>,
    asked: Arc<Mutex<String>>,
    client: Client,
    _server: JoinSet<()>,
}

impl World {
    pub async fn serve(steps: Vec<Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(String::new()));
        let heard = asked.clone();
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut open = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                *heard.lock().unwrap() = read_request(&mut stream).await;
                if play(&mut stream, &steps).await {
                    open.push(stream);
                }
            }
        });
        Self::at(Wire::OpenaiChat, base_url, asked, server)
    }

    /// A client of a server that somebody else runs.
    pub fn of(wire: Wire, base_url: String) -> Self {
        Self::at(wire, base_url, Arc::default(), JoinSet::new())
    }

    fn at(wire: Wire, base_url: String, asked: Arc<Mutex<String>>, server: JoinSet<()>) -> Self {
        let provider = ProviderSettings {
            wire: Some(wire),
            base_url: Some(base_url),
            key: Some("sk-secret-0123456789".into()),
            headers: [("x-team".to_owned(), "reviews".into())].into(),
            ..ProviderSettings::default()
        };
        let model = ModelSettings { provider: "p".to_owned(), context: Some(1_000), ..ModelSettings::default() };
        let (providers, models) = ([("p".to_owned(), provider)].into(), [("m".to_owned(), model)].into());
        let catalog = Catalog::new(Settings { providers, models, ..Settings::default() }).unwrap();
        let (provider, model) = catalog.model("m").unwrap();
        Self { provider: (**provider).clone(), model: model.clone(), asked, client: Client::new(), _server: server }
    }

    /// The same, with another provider.
    pub fn with<R>(mut self, change: impl FnOnce(&mut Provider) -> R) -> Self {
        change(&mut self.provider);
        self
    }

    pub async fn call(&self) -> (Result<Answered, ModelError>, Vec<Event>) {
        let mut events = Vec::new();
        let answered = self.call_with(&CancellationToken::new(), &mut |event| events.push(event)).await;
        (answered, events)
    }

    pub async fn call_with(&self, stop: &CancellationToken, events: Sink<'_>) -> Result<Answered, ModelError> {
        let request = Request {
            system: Arc::from(""),
            messages: vec![Message::User { text: "Hello".to_owned() }],
            tools: Arc::from([]),
            max_output: 100,
            temperature: None,
            answer: None,
        };
        let call = self.client.call(&self.provider, &self.model, &request, stop, events);
        // No test waits for as long as the standard time-outs.
        timeout(Duration::from_secs(30), call).await.expect("the call did not end")
    }

    pub async fn probe(&self) -> Result<Probe, ModelError> {
        self.client.probe(&self.provider).await
    }

    /// The last request, head and body.
    pub fn asked(&self) -> String {
        self.asked.lock().unwrap().clone()
    }
}

/// Whether the connection stays open.
async fn play(stream: &mut TcpStream, steps: &[Step]) -> bool {
    for step in steps {
        let bytes = match step {
            Step::Send(text) => text.as_bytes(),
            Step::Bytes(bytes) => bytes,
            Step::Forever(text) => {
                while stream.write_all(text.as_bytes()).await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                return false;
            }
            Step::Hang => return true,
            Step::Break => return false,
            Step::End => {
                let _ = stream.write_all(b"0\r\n\r\n").await;
                return false;
            }
        };
        if stream.write_all(bytes).await.is_err() {
            return false;
        }
        let _ = stream.flush().await;
    }
    true
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
            if body.len() >= length {
                return text;
            }
        }
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return text,
            Ok(n) => bytes.extend(&piece[..n]),
        }
    }
}
