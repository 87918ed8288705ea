//! One message to a server at an address, and what comes back for it.

use crate::agents::{model::client::sse, tools::mcp::MESSAGES};
use futures_util::{StreamExt as _, TryStreamExt as _};
use reqwest::{
    Client, Response, StatusCode, Url,
    header::{ACCEPT, CONTENT_TYPE, LOCATION},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use std::{
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::mpsc::Sender;

/// Most redirects that are followed.
const REDIRECTS: usize = 5;
/// Longest name of a conversation.
const MAX_SESSION: usize = 512;
const SESSION: &str = "mcp-session-id";
const VERSION: &str = "mcp-protocol-version";

pub(super) struct Post {
    client: Client,
    url: Url,
    token: Option<SecretString>,
    max_bytes: usize,
    agreed: Mutex<Agreed>,
}

/// What the greeting came to, which goes with all that follows.
#[derive(Clone, Default)]
struct Agreed {
    session: Option<String>,
    version: Option<String>,
}

/// What is sent, and who waits for what.
struct Asked<'a> {
    /// Of a request: its answer has the same.
    id: Option<String>,
    greets: bool,
    tell: &'a Sender<String>,
}

impl Post {
    pub fn new(client: Client, url: Url, token: Option<SecretString>, max_bytes: usize) -> Self {
        Self { client, url, token, max_bytes, agreed: Mutex::default() }
    }

    /// Sends a message, and tells what comes back until that is the answer to it.
    pub async fn send(
        &self,
        message: String,
        id: Option<String>,
        greets: bool,
        tell: &Sender<String>,
    ) -> Result<(), String> {
        let asked = Asked { id, greets, tell };
        let response = self.ask(message).await?;
        let status = response.status();
        if !status.is_success() {
            return Err(format!("it answers with status {}", status.as_u16()));
        }
        if greets {
            let session = response.headers().get(SESSION).and_then(|value| value.to_str().ok());
            self.agreed().session = session.filter(|name| name.len() <= MAX_SESSION).map(str::to_owned);
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_lowercase();
        let answered = match kind.as_str() {
            _ if asked.id.is_none() || status == StatusCode::ACCEPTED => true,
            "application/json" => {
                let body = self.body(response).await?;
                self.tell(&body, &asked).await?
            }
            "text/event-stream" => self.events(response, &asked).await?,
            _ => return Err("it answers with what is neither JSON nor a stream of events".to_owned()),
        };
        if answered { Ok(()) } else { Err("its answer broke off".to_owned()) }
    }

    /// One request, redirects within the host included.
    async fn ask(&self, message: String) -> Result<Response, String> {
        let mut url = self.url.clone();
        let agreed = self.agreed().clone();
        for _ in 0..=REDIRECTS {
            let mut request = self.client.post(url.clone()).body(message.clone());
            request =
                request.header(CONTENT_TYPE, "application/json").header(ACCEPT, "application/json, text/event-stream");
            let agreed = [(SESSION, &agreed.session), (VERSION, &agreed.version)];
            for (name, value) in agreed.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
                request = request.header(name, value);
            }
            if let Some(token) = &self.token {
                request = request.bearer_auth(token.expose_secret());
            }
            let response = request.send().await.map_err(|error| format!("it does not answer: {}", cause(&error)))?;
            if !response.status().is_redirection() {
                return Ok(response);
            }
            let keeps = [StatusCode::TEMPORARY_REDIRECT, StatusCode::PERMANENT_REDIRECT].contains(&response.status());
            let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok()).and_then(|to| url.join(to).ok());
            // Its token and what is asked are for this host.
            url = to.filter(|to| keeps && to.origin() == self.url.origin()).ok_or(
                "it redirects to another host, or to another kind of request, which is not followed: correct its `url`",
            )?;
        }
        Err(format!("it redirects more than {REDIRECTS} times"))
    }

    async fn body(&self, mut response: Response) -> Result<String, String> {
        let mut body = Vec::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|error| format!("its answer broke off: {}", cause(&error)))?
        {
            if body.len() + chunk.len() > self.max_bytes {
                return Err(self.too_large());
            }
            body.extend_from_slice(&chunk);
        }
        String::from_utf8(body).map_err(|_| "its answer is no text".to_owned())
    }

    /// Tells what the events hold; whether the answer was among them.
    async fn events(&self, response: Response, asked: &Asked<'_>) -> Result<bool, String> {
        let (mut said, most) = (0, self.max_bytes * MESSAGES);
        let bytes = response.bytes_stream().map_err(|error| cause(&error)).map(move |chunk| {
            let chunk = chunk?;
            said += chunk.len();
            if said > most { Err("it is longer than anyone would read".to_owned()) } else { Ok(chunk.to_vec()) }
        });
        let mut events = pin!(sse::events(&[], bytes));
        while let Some(event) = events.next().await {
            let event = event.map_err(|broken| match broken {
                sse::Broken::Transport(why) => format!("its answer broke off: {why}"),
                broken => format!("it answers with {broken}"),
            })?;
            if event.data.len() > self.max_bytes {
                return Err(self.too_large());
            }
            if !event.data.is_empty() && self.tell(&event.data, asked).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Tells a message, or several; whether the answer was among them.
    async fn tell(&self, text: &str, asked: &Asked<'_>) -> Result<bool, String> {
        let value: Value = serde_json::from_str(text).map_err(|_| "it answers with what is no JSON".to_owned())?;
        let all = if let Value::Array(all) = value { all } else { vec![value] };
        let mut answered = false;
        for one in all {
            let id = one.get("id").map(Value::to_string);
            if one.get("method").is_none() && id.is_some() && id == asked.id {
                answered = true;
                if asked.greets {
                    let version = one.pointer("/result/protocolVersion").and_then(Value::as_str);
                    self.agreed().version = version.filter(|text| fits(text)).map(str::to_owned);
                }
            }
            // In one line, however it was written. Nobody listens any more where this fails.
            let _ = asked.tell.send(one.to_string()).await;
        }
        Ok(answered)
    }

    fn too_large(&self) -> String {
        format!("it answers with more than {} bytes", self.max_bytes)
    }

    fn agreed(&self) -> MutexGuard<'_, Agreed> {
        self.agreed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a text can be a header as it is.
fn fits(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// The innermost cause: what is around it repeats the address.
fn cause(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(next) = inner.source() {
        inner = next;
    }
    if std::error::Error::source(error).is_none() { "the request failed".to_owned() } else { inner.to_string() }
}
