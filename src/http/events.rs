//! `GET /v1/jobs/{id}/events`: a job's state, progress and output as server-sent events.

use super::{
    App,
    body::Id,
    error::ApiError,
    streams::{Slot, last_seen, sse},
};
use crate::chat::END;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response, sse::Event},
};
use flotilla_jobs::JobEvent;
use futures_util::StreamExt;
use std::sync::Arc;

/// News of a job until it has ended: `state`, `progress`, `output`, `text`, `reset` and `cut`, each with a [`JobEvent`] as data.
///
/// Every event carries an `id`, that of `text` and `reset` is `STEP.ATTEMPT.N`; a client that comes back with it as `Last-Event-ID` misses nothing, and gets 204 where
/// it has seen the end.
#[utoipa::path(
    get, path = "/v1/jobs/{id}/events", tag = "jobs",
    params(
        ("id" = String, Path, description = "The job's id."),
        ("Last-Event-ID" = Option<String>, Header, description = "Go on after this event."),
    ),
    responses(
        (status = 200, description = "A stream of events.", body = JobEvent, content_type = "text/event-stream"),
        (status = 204, description = "The job has ended, and the client has seen it."),
    )
)]
pub async fn events(State(app): State<Arc<App>>, Id(id): Id, headers: HeaderMap) -> Result<Response, ApiError> {
    let seen = last_seen(&headers)?.unwrap_or_default();
    let job = app.store.get(id).await?.ok_or_else(|| ApiError::no_job(id))?;
    if job.state.is_terminal() && seen.end {
        // It has seen the end: this answer keeps a browser from asking for ever.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let slot = Slot::take(&app)?;
    let mut last = seen.after;
    let news = app
        .followers
        .follow(id, seen.after)
        // A stream that breaks is followed again by the client, from where it was.
        .take_while(move |news| {
            if let Err(error) = news {
                tracing::error!(job.id = %id, %error, "a job can no longer be followed");
            }
            std::future::ready(news.is_ok())
        })
        .filter_map(move |news| {
            let event = news.ok().and_then(|news| {
                last = news.seq().unwrap_or(last);
                encode(&news, last)
            });
            std::future::ready(event)
        });
    Ok(sse(&app, slot, news))
}

fn encode(news: &JobEvent, last: u64) -> Option<Event> {
    let end = if news.is_last() { END } else { "" };
    Event::default().event(news.name()).id(format!("{}{end}", news.id(last))).json_data(news).ok()
}
