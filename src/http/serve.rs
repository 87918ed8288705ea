//! Listens, serves, and ends when told to, with the requests under way.

use super::stall::Door;
use crate::{
    config::{Listen, may_listen},
    exit::{Exit, Failure},
};
use axum::Router;
use std::{net::SocketAddr, time::Duration};
use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;

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
pub async fn run(
    listener: TcpListener,
    router: Router,
    close: &CancellationToken,
    hard: &CancellationToken,
    drain: Duration,
) {
    let closed = close.clone();
    let server = axum::serve(Door(listener), router).with_graceful_shutdown(async move { closed.cancelled().await });
    let deadline = async {
        close.cancelled().await;
        let _ = timeout(drain, hard.cancelled()).await;
    };
    tokio::select! {
        ended = server => {
            if let Err(error) = ended {
                tracing::error!(%error, "the listener failed");
            }
        }
        () = deadline => tracing::warn!("requests are still under way; their connections are cut"),
    }
}
