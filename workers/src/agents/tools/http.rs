//! `http_get`: a page of a host that the configuration names.
//!
//! Hosts are compared whole, port and scheme among it. Their addresses are looked up once, all of them are checked to be
//! public, and the connection goes to one of those and nowhere else; so a name that is pointed at this machine, its
//! neighbors or its cloud's metadata leads nowhere, and neither does one that is pointed elsewhere in between. Each
//! redirect is checked like the first address. No credentials, cookies or proxies are used.

mod address;
mod hosts;

pub use hosts::{BadHost, Hosts};

use super::{read_arguments, spec};
use crate::agents::{
    model::ToolSpec,
    tool::{Arguments, Pure, Role, Tool, ToolError, Toolbox},
};
use async_trait::async_trait;
use reqwest::{
    Client, Response, Url,
    header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, LOCATION},
    redirect::Policy,
};
use rustls::crypto::ring;
use serde::Deserialize;
use serde_json::json;
use std::{
    error::Error as _,
    fmt::Write as _,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::time::timeout;

/// Longest address, in bytes.
const MAX_URL: usize = 2_048;
/// Most addresses that a name may have.
const MAX_ADDRESSES: usize = 32;
/// What `http_get` may do.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Nothing is fetched from others.
    pub hosts: Hosts,
    /// Most bytes of a page that are read.
    pub max_bytes: usize,
    /// For all of it: names, redirects, the page.
    pub timeout: Duration,
    /// Most redirects that are followed.
    pub redirects: usize,
}

/// The tool, for agents with the role `network:read`.
pub fn http_get(settings: HttpSettings) -> Toolbox {
    let tool = HttpGet { settings, lookup: Arc::new(System), may: address::is_public };
    Toolbox::default().with_role(Tool::Pure(Arc::new(tool)), Role::NetworkRead)
}

/// Finds the addresses of a name.
#[async_trait]
trait Lookup: Send + Sync {
    async fn lookup(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// As this machine does.
struct System;

#[async_trait]
impl Lookup for System {
    async fn lookup(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((name, port)).await?.collect())
    }
}

struct HttpGet {
    settings: HttpSettings,
    lookup: Arc<dyn Lookup>,
    may: fn(IpAddr) -> bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    url: String,
}

#[async_trait]
impl Pure for HttpGet {
    fn spec(&self) -> ToolSpec {
        let properties =
            json!({"url": {"type": "string", "description": format!("below one of: {}", self.settings.hosts)}});
        spec("http_get", "Reads a text page over HTTP.", &properties, &["url"])
    }

    async fn call(&self, arguments: &Arguments) -> Result<Vec<u8>, ToolError> {
        let wanted: Wanted = read_arguments(arguments)?;
        let limit = self.settings.timeout;
        let late = || Err(ToolError::said(format!("the page was not there within {} ms", limit.as_millis())));
        timeout(limit, self.get(&wanted.url)).await.unwrap_or_else(|_| late())
    }
}

impl HttpGet {
    async fn get(&self, text: &str) -> Result<Vec<u8>, ToolError> {
        let unfit = |error| ToolError::said(format!("the URL cannot be read: {error}"));
        if text.len() > MAX_URL {
            return Err(ToolError::said(format!("the URL is longer than {MAX_URL} bytes")));
        }
        let mut url = Url::parse(text).map_err(unfit)?;
        for _ in 0..=self.settings.redirects {
            let response = self.ask(&url).await?;
            let status = response.status();
            let to = response.headers().get(LOCATION).filter(|_| status.is_redirection());
            let Some(to) = to else { return self.read(response).await };
            let to = to.to_str().map_err(|_| ToolError::said("it redirects to what is no URL"))?;
            if to.len() > MAX_URL {
                return Err(ToolError::said(format!("it redirects to a URL of more than {MAX_URL} bytes")));
            }
            url = url.join(to).map_err(unfit)?;
        }
        Err(ToolError::said(format!("it redirects more than {} times", self.settings.redirects)))
    }

    /// One request, at an address that was checked.
    async fn ask(&self, url: &Url) -> Result<Response, ToolError> {
        let (name, port) = self.settings.hosts.check(url).map_err(ToolError::said)?;
        let found = self.lookup.lookup(&name, port).await;
        let found = found.map_err(|error| ToolError::said(format!("`{name}` has no address: {error}")))?;
        if found.is_empty() || found.len() > MAX_ADDRESSES {
            let what = format!("`{name}` has {} addresses; 1 to {MAX_ADDRESSES} are taken", found.len());
            return Err(ToolError::said(what));
        }
        if !found.iter().all(|address| (self.may)(address.ip())) {
            return Err(ToolError::said(format!("`{name}` leads to an address that is not public")));
        }
        let failed = |error: reqwest::Error| ToolError::said(format!("`{name}` does not answer: {}", cause(&error)));
        let response =
            self.client(url, &name, &found).map_err(failed)?.get(url.clone()).header(ACCEPT, "text/*, */*;q=0.1");
        let response = response.send().await.map_err(failed)?;
        match response.remote_addr() {
            Some(at) if found.iter().any(|address| address.ip() == at.ip()) => Ok(response),
            _ => Err(ToolError::said(format!("`{name}` was reached at an address that was not checked"))),
        }
    }

    /// A client for one request: it knows no other addresses, and no connection outlives it.
    fn client(&self, url: &Url, name: &str, addresses: &[SocketAddr]) -> reqwest::Result<Client> {
        // Where the process has chosen a provider of cryptography already, that one is used.
        let _ = ring::default_provider().install_default();
        let builder = Client::builder()
            .user_agent(concat!("flotilla/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .http1_only()
            .referer(false)
            .pool_max_idle_per_host(0)
            .connect_timeout(self.settings.timeout)
            .resolve_to_addrs(name, addresses);
        // A machine without certificates can still speak http.
        let builder = if url.scheme() == "http" { builder.tls_certs_only([]) } else { builder };
        builder.build()
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, ToolError> {
        let status = response.status();
        if !status.is_success() {
            return Err(ToolError::said(format!("it answers with status {}", status.as_u16())));
        }
        let head = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        if head(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            return Err(ToolError::said("the page is compressed, which was not asked for"));
        }
        let kind = head(CONTENT_TYPE).unwrap_or_default().split(';').next().unwrap_or_default().trim().to_lowercase();
        if !is_text(&kind) {
            let what = "the page is not said to be text; text/*, JSON, XML, YAML and TOML are read";
            return Err(ToolError::said(what));
        }
        let max = self.settings.max_bytes;
        let mut body = Vec::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|error| ToolError::said(format!("the page broke off: {}", cause(&error))))?
        {
            let room = max - body.len();
            if chunk.len() > room {
                body.extend_from_slice(&chunk[..room]);
                let mut note = String::new();
                // Writing to a string does not fail.
                let _ = write!(note, "\n[only the first {max} bytes are read]\n");
                body.extend_from_slice(note.as_bytes());
                break;
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

fn is_text(kind: &str) -> bool {
    let Some((kind, rest)) = kind.split_once('/') else { return false };
    let known = ["json", "xml", "yaml", "toml", "x-yaml", "javascript", "x-ndjson"];
    kind == "text"
        || (kind == "application" && (known.contains(&rest) || rest.ends_with("+json") || rest.ends_with("+xml")))
}

/// The innermost cause: what is around it repeats the address.
fn cause(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(next) = inner.source() {
        inner = next;
    }
    if error.source().is_none() { error.to_string() } else { inner.to_string() }
}

#[cfg(test)]
mod tests;
