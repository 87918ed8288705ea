//! What all streams of events have in common: how many there may be, and that they end with the server.

use super::{
    App,
    error::{ApiError, Code},
};
use crate::chat::Seen;
use axum::{
    http::{HeaderMap, HeaderName, HeaderValue},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{Stream, StreamExt};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::sync::OwnedSemaphorePermit;

/// Below the half minute after which proxies and clients call a silent connection dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A proxy that gathers an answer before it passes it on makes no stream of it.
const UNBUFFERED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

/// The right to one stream.
pub struct Slot(#[allow(dead_code, reason = "given back when it is dropped")] OwnedSemaphorePermit);

impl Slot {
    /// Takes one, if there is one.
    pub fn take(app: &App) -> Result<Self, ApiError> {
        Arc::clone(&app.streams).try_acquire_owned().map(Self).map_err(|_| {
            let message = "this server has as many streams as http.max_streams allows; try again, or elsewhere";
            ApiError::new(Code::TooManyStreams, message)
        })
    }
}

/// The last event that a client saw, by the header in which it says so; `None` where it says nothing.
pub fn last_seen(headers: &HeaderMap) -> Result<Option<Seen>, ApiError> {
    let Some(id) = headers.get("last-event-id") else { return Ok(None) };
    let seen = id.to_str().ok().and_then(Seen::parse);
    let wrong = || ApiError::new(Code::InvalidField, "use the id of the last event you saw").field("last-event-id");
    seen.map(Some).ok_or_else(wrong)
}

/// The answer that says these events until they end, or the server does.
pub fn sse(app: &App, slot: Slot, events: impl Stream<Item = Event> + Send + 'static) -> Response {
    let closing = app.closing.clone();
    let events = events.take_until(async move { closing.cancelled().await }).map(move |event| {
        let _held = &slot;
        Ok::<_, Infallible>(event)
    });
    ([UNBUFFERED], Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))).into_response()
}
