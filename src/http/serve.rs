//! Listens, serves, and ends when told to, with the requests under way.

use super::connection::{self, Connections};
use crate::{
    config::{Listen, may_listen},
    exit::{Exit, Failure},
};
use axum::Router;
use std::{net::SocketAddr, time::Duration};
use tokio::{
    net::TcpListener,
    task::JoinSet,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

/// Connections beyond the limit that are told so at once; more are closed without a word.
const MAX_REFUSED: usize = 64;
/// At most one log line about refused connections in this time.
const SAY_EVERY: Duration = Duration::from_secs(10);
/// After an accept that failed, which most often is the process's limit of open files.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Listens on an address; `None` for nowhere. Where `elsewhere` is fine, a taken port is no failure.
pub async fn bind(
    key: &'static str,
    listen: Listen,
    has_token: bool,
    elsewhere: bool,
) -> Result<Option<TcpListener>, Failure> {
    let Listen::On(address) = listen else { return Ok(None) };
    may_listen(key, address, has_token).map_err(|(key, message)| Failure::usage(format!("{key}: {message}")))?;
    let bound = match TcpListener::bind(address).await {
        Err(error) if elsewhere && error.kind() == std::io::ErrorKind::AddrInUse => {
            TcpListener::bind(SocketAddr::new(address.ip(), 0)).await
        }
        bound => bound,
    };
    bound.map(Some).map_err(|error| {
        let message = format!("cannot listen on {address}: {error}; set {key} to a free address");
        Failure::new(Exit::Unavailable, message)
    })
}

/// Serves until `close`; then accepts nothing and gives requests under way `drain` to end, or until `hard`.
///
/// A connection beyond `limits.max` is answered with 503 and closed, so that what is open stays bounded.
pub async fn run(
    listener: TcpListener,
    router: Router,
    limits: Connections,
    close: &CancellationToken,
    hard: &CancellationToken,
    drain: Duration,
) {
    let (mut open, mut refused) = (JoinSet::new(), JoinSet::new());
    let mut said: Option<Instant> = None;
    loop {
        let accepted = tokio::select! {
            biased;
            () = close.cancelled() => break,
            Some(_) = open.join_next() => continue,
            Some(_) = refused.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        if open.len() < limits.max {
            open.spawn(connection::serve(stream, router.clone(), limits, close.clone()));
            continue;
        }
        if said.is_none_or(|at| at.elapsed() >= SAY_EVERY) {
            said = Some(Instant::now());
            tracing::warn!(limit = limits.max, "more connections than http.max_connections: the others are refused");
        }
        if refused.len() < MAX_REFUSED {
            refused.spawn(connection::refuse(stream));
        }
    }
    drop(listener);
    let ended = async { while open.join_next().await.is_some() {} };
    tokio::select! {
        () = ended => {}
        _ = timeout(drain, hard.cancelled()) => {
            tracing::warn!("requests are still under way; their connections are cut");
        }
    }
    open.shutdown().await;
    refused.shutdown().await;
}
