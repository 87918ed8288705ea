//! One connection: how long and how large its requests' heads may be, and an end that lets the client read the answer.

use super::stall::{Unstalled, WRITE_TIMEOUT};
use axum::{Router, body::Body, extract::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{future::poll_fn, pin::pin, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Largest head of a request: its first line and its headers. A larger one, or more than 100 headers, gets 431.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// How long what a client still sends is read and thrown away after the last answer: closing at once would reset the
/// connection, and the client might never see why.
const LINGER: Duration = Duration::from_secs(1);
/// Read at once while lingering.
const PIECE: usize = 16 * 1024;
/// The answer to a connection too many.
const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\nconnection: close\r\n\
    content-type: text/plain\r\ncontent-length: 50\r\n\r\nmore connections than http.max_connections allows\n";

/// What connections may cost.
#[derive(Clone, Copy, Debug)]
pub struct Connections {
    /// Most at once.
    pub max: usize,
    /// How long one may take to send the head of a request, counted from its first moment or from the last answer.
    pub header_timeout: Duration,
}

/// Serves one connection until its client, a limit or `close` ends it.
pub async fn serve(stream: TcpStream, router: Router, limits: Connections, close: CancellationToken) {
    // Answers are written whole, so waiting for more to send with them only costs time.
    let _ = stream.set_nodelay(true);
    let service =
        service_fn(move |request: Request<Incoming>| Box::pin(router.clone().oneshot(request.map(Body::new))));
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_header_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(Unstalled::new(stream, WRITE_TIMEOUT)), service);
    let mut closing = pin!(close.cancelled());
    let mut told = false;
    let ended = loop {
        tokio::select! {
            ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => break ended,
            () = &mut closing, if !told => {
                told = true;
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
    let mut stream = connection.into_parts().io.into_inner();
    if told {
        let _ = stream.shutdown().await;
    } else {
        linger(stream).await;
    }
}

/// Answers a connection too many.
pub async fn refuse(mut stream: TcpStream) {
    if let Ok(Ok(())) = timeout(LINGER, stream.write_all(REFUSAL)).await {
        linger(stream).await;
    }
}

async fn linger(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let rest = async {
        stream.shutdown().await?;
        let mut piece = vec![0; PIECE];
        while stream.read(&mut piece).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    // Whatever goes wrong now, the connection is over.
    let _ = timeout(LINGER, rest).await;
}
