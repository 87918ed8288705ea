//! `GET /v1/jobs/{id}/events`: a job's state, progress and output as server-sent events.

use super::{
    App,
    body::Id,
    error::{ApiError, Code},
};
use crate::follow::follow;
use axum::{
    extract::State,
    http::HeaderMap,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use flotilla_jobs::JobEvent;
use futures_util::StreamExt;
use std::{convert::Infallible, sync::Arc, time::Duration};

/// Below the half minute after which proxies and clients call a silent connection dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// News of a job until it has ended: `state`, `progress`, `output` and `cut`, each with a [`JobEvent`] as data.
///
/// All but `state` carry an `id`; a client that comes back with it as `Last-Event-ID` misses nothing.
#[utoipa::path(
    get, path = "/v1/jobs/{id}/events", tag = "jobs",
    params(
        ("id" = String, Path, description = "The job's id."),
        ("Last-Event-ID" = Option<u64>, Header, description = "Go on after this event."),
    ),
    responses((status = 200, description = "A stream of events.", body = JobEvent, content_type = "text/event-stream"))
)]
pub async fn events(State(app): State<Arc<App>>, Id(id): Id, headers: HeaderMap) -> Result<Response, ApiError> {
    let after = match headers.get("last-event-id") {
        None => 0,
        Some(value) => value.to_str().ok().and_then(|text| text.parse().ok()).ok_or_else(|| {
            ApiError::new(Code::InvalidField, "use the id of the last event you saw").field("last-event-id")
        })?,
    };
    if app.store.get(id).await?.is_none() {
        return Err(ApiError::no_job(id));
    }
    let closing = app.closing.clone();
    let news = follow(Arc::clone(&app.store), id, after)
        // A stream that breaks is followed again by the client, from where it was.
        .take_while(move |news| {
            if let Err(error) = news {
                tracing::error!(job.id = %id, %error, "a job can no longer be followed");
            }
            std::future::ready(news.is_ok())
        })
        .filter_map(|news| std::future::ready(news.ok().and_then(|news| encode(&news)).map(Ok::<_, Infallible>)))
        .take_until(async move { closing.cancelled().await });
    Ok(Sse::new(news).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

fn encode(news: &JobEvent) -> Option<Event> {
    let event = Event::default().event(news.name()).json_data(news).ok()?;
    Some(match news.seq() {
        Some(seq) => event.id(seq.to_string()),
        None => event,
    })
}
