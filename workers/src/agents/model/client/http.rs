//! Requests and connections.

use super::super::{Class, Provider, Wire, refusal::Complaint, wire};
use reqwest::{
    Request, RequestBuilder, Response,
    header::{ACCEPT, CONTENT_TYPE, HeaderValue},
};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::{
    collections::HashMap,
    error::Error as _,
    fmt,
    future::Future,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// The version of Messages that its wire is written for.
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// Connections to providers that are connected to in the same way.
#[derive(Debug, Default)]
pub struct Pools {
    by_way: Mutex<HashMap<(Duration, bool), reqwest::Client>>,
}

impl Pools {
    /// A call of a model, ready to be sent.
    pub fn post(
        &self,
        provider: &Provider,
        body: &Value,
    ) -> Result<impl Future<Output = reqwest::Result<Response>> + use<>, Complaint> {
        let http = self.of(provider)?;
        let request = http
            .post(wire::url(provider.wire, &provider.base_url))
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "text/event-stream, application/json")
            .body(body.to_string());
        let request = with_key(request, provider)?;
        Ok(async move { http.execute(request).await })
    }

    /// A look at a provider's models.
    pub fn get(
        &self,
        provider: &Provider,
    ) -> Result<impl Future<Output = reqwest::Result<Response>> + use<>, Complaint> {
        let http = self.of(provider)?;
        let request = http.get(wire::models_url(provider.wire, &provider.base_url)).header(ACCEPT, "application/json");
        let request = with_key(request, provider)?;
        Ok(async move { http.execute(request).await })
    }

    fn of(&self, provider: &Provider) -> Result<reqwest::Client, Complaint> {
        let plain = provider.base_url.scheme() == "http";
        let way = (provider.timeouts.connect, plain);
        let mut pools = self.by_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = pools.get(&way) {
            return Ok(client.clone());
        }
        // Where the process has chosen a provider of cryptography already, that one is used.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder()
            .user_agent(concat!("flotilla/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            // On one connection of HTTP/2 answers would wait for each other once there are more than a server lets in.
            .http1_only()
            .connect_timeout(way.0);
        // A machine without certificates can still speak http.
        let builder = if plain { builder.tls_certs_only([]) } else { builder };
        let client = builder
            .build()
            .map_err(|e| Complaint::new(Class::Unreachable, format!("cannot be spoken to from here: {}", Cause(&e))))?;
        pools.insert(way, client.clone());
        Ok(client)
    }
}

/// The key where the wire wants it, and the configured headers, which go before it.
fn with_key(request: RequestBuilder, provider: &Provider) -> Result<Request, Complaint> {
    let unfit = |_| Complaint::new(Class::Invalid, "cannot be asked: a header or the address does not hold up");
    let mut request = request.build().map_err(unfit)?;
    let headers = request.headers_mut();
    if let Some(key) = &provider.key {
        let key = key.expose_secret();
        let (name, text) = match provider.wire {
            Wire::Anthropic => ("x-api-key", key.to_owned()),
            Wire::OpenaiChat | Wire::OpenaiResponses => ("authorization", format!("Bearer {key}")),
        };
        let unfit = |_| Complaint::new(Class::Denied, "cannot be asked: its key is nothing that a header can carry");
        let mut value = HeaderValue::from_str(&text).map_err(unfit)?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    if provider.wire == Wire::Anthropic {
        headers.insert("anthropic-version", HeaderValue::from_static(ANTHROPIC_VERSION));
    }
    for (name, value) in &provider.headers {
        headers.insert(name, value.clone());
    }
    Ok(request)
}

/// Why there is no answer at all.
pub fn complaint(error: &reqwest::Error) -> Complaint {
    Complaint::new(Class::Unreachable, format!("cannot be reached: {}", Cause(error)))
}

/// The innermost cause: what is around it names the address, which may hold a secret.
pub struct Cause<'a>(pub &'a reqwest::Error);

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(mut cause) = self.0.source() else {
            return f.write_str(if self.0.is_timeout() { "timed out" } else { "the connection failed" });
        };
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        write!(f, "{cause}")
    }
}
