//! A server at an address: messages go there one request each, and what comes back, at once or as a stream of events,
//! becomes lines, as those of a program are.
//!
//! Only the host that the operator wrote is asked, whatever it redirects to, with no cookies and no proxy; so its token
//! goes nowhere else. It may be this machine or its neighbor, since an operator chose it.

mod post;

use super::trouble::Trouble;
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use post::Post;
use reqwest::{Client, Url, redirect::Policy};
use rustls::crypto::ring;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, duplex, split},
    sync::mpsc,
    task::JoinHandle,
};

/// Bytes that lie between the two sides.
const BETWEEN: usize = 64 << 10;
/// Messages of the server that wait to be read.
const WAITING: usize = 16;

/// Carries messages, until it is dropped.
#[derive(Debug)]
pub(super) struct Pump {
    task: JoinHandle<()>,
    fault: Arc<Mutex<Option<String>>>,
}

/// What is looked at of our own messages.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    method: Option<&'a str>,
}

/// Opens a conversation: what is written to the stream goes to the server.
pub(super) fn open(
    url: &Url,
    token: Option<&SecretString>,
    max_bytes: usize,
    timeout: Duration,
) -> Result<(Pump, DuplexStream), Trouble> {
    let client = client(url, timeout).map_err(|error| Trouble::Web(format!("it cannot be asked: {error}")))?;
    let (ours, mut theirs) = duplex(BETWEEN);
    let fault = Arc::new(Mutex::new(None));
    let post = Arc::new(Post::new(client, url.clone(), token.cloned(), max_bytes));
    let noted = Arc::clone(&fault);
    let task = tokio::spawn(async move {
        // What went wrong is known before the stream ends.
        if let Err(why) = carry(&mut theirs, &post).await {
            *noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        }
    });
    Ok((Pump { task, fault }, ours))
}

impl Pump {
    /// Why it ended.
    pub fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn client(url: &Url, timeout: Duration) -> reqwest::Result<Client> {
    // Where the process has chosen a provider of cryptography already, that one is used.
    let _ = ring::default_provider().install_default();
    let builder = Client::builder()
        .user_agent(concat!("flotilla/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .http1_only()
        .referer(false)
        .connect_timeout(timeout);
    // A machine without certificates can still speak http.
    let builder = if url.scheme() == "http" { builder.tls_certs_only([]) } else { builder };
    builder.build()
}

/// Carries messages both ways until our side is gone, or says what went wrong.
async fn carry(stream: &mut DuplexStream, post: &Arc<Post>) -> Result<(), String> {
    let (read, mut write) = split(stream);
    let mut lines = BufReader::new(read).lines();
    let (tell, mut told) = mpsc::channel::<String>(WAITING);
    let mut asking = FuturesUnordered::new();
    loop {
        tokio::select! {
            Some(mut line) = told.recv() => {
                line.push('\n');
                if write.write_all(line.as_bytes()).await.is_err() {
                    return Ok(());
                }
            }
            Some(asked) = asking.next(), if !asking.is_empty() => {
                let asked: Result<(), String> = asked;
                asked?;
            }
            line = lines.next_line() => {
                let Ok(Some(line)) = line else { return Ok(()) };
                let head: Head<'_> = serde_json::from_str(&line).map_err(|_| "a message of ours is no JSON".to_owned())?;
                let is_request = head.id.is_some() && head.method.is_some();
                let id = head.id.map(|id| id.get().to_owned());
                let greets = head.method == Some("initialize");
                let (post, tell) = (Arc::clone(post), tell.clone());
                let sent = async move { post.send(line, id.filter(|_| is_request), greets, &tell).await };
                if is_request {
                    asking.push(sent);
                } else {
                    // What follows may rest on it.
                    sent.await?;
                }
            }
        }
    }
}
