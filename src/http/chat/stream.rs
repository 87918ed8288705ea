//! `/v1/chat/stream`: the answer to a message as it grows, as server-sent events.

use super::{
    super::{
        App,
        body::{JsonBytes, Parameters},
        error::{ApiError, Code},
        streams::{Slot, last_seen, sse},
    },
    post, read,
};
use crate::chat::{Seen, Turn, of};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response, sse::Event},
};
use flotilla_jobs::{
    JobId,
    api::{ChatAnswer, ChatEvent, ChatRequest},
};
use futures_util::stream;
use std::sync::Arc;

/// The data of what ends a stream.
const DONE: &str = "[DONE]";

/// Posts a message, and streams its answer.
///
/// First comes `posted`, which names session and job; then `state`, `progress`, `text` and `reset` (what was said of that
/// step and later ones is void), `cut` where more was said than is kept, and `joined` where the message is answered in another
/// job's turn, whose events follow. Then `answer` has the whole reply from the record, or `error` says why there is none, and
/// `data: [DONE]` ends the stream.
///
/// Events carry ids: `STEP.ATTEMPT.N` for `text` and `reset`, `N` for the others, behind the job's id in a turn that was
/// joined. Whoever sends the message again with its `client_id`, and the last id as `Last-Event-ID`, gets the rest, from any
/// server, without a gap or a repeat; 204 where it has seen the end. A client that goes away does not cancel the turn, unless
/// it said `cancel_on_leave`.
#[utoipa::path(
    post, path = "/v1/chat/stream", tag = "chat", request_body = ChatRequest,
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "The message's `client_id`."),
        ("Last-Event-ID" = Option<String>, Header, description = "Go on after this event."),
    ),
    responses(
        (status = 200, description = "A stream of events.", body = ChatEvent, content_type = "text/event-stream"),
        (status = 204, description = "The turn is over, and the client has seen it."),
    )
)]
pub async fn chat_stream(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: JsonBytes,
) -> Result<Response, ApiError> {
    let request = read(&headers, &body)?;
    drop(body);
    let seen = last_seen(&headers)?.unwrap_or_default();
    let slot = Slot::take(&app)?;
    let cancel = request.cancel_on_leave;
    let at = post(&app, &headers, request).await?;
    Ok(answer(&app, at, seen, slot, cancel))
}

/// `POST /v1/chat/stream` under another name.
#[utoipa::path(
    post, path = "/api/chat/stream", tag = "chat", request_body = ChatRequest,
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "The message's `client_id`."),
        ("Last-Event-ID" = Option<String>, Header, description = "Go on after this event."),
    ),
    responses(
        (status = 200, description = "As of `/v1/chat/stream`.", body = ChatEvent, content_type = "text/event-stream"),
        (status = 204, description = "As of `/v1/chat/stream`."),
    )
)]
pub async fn api_chat_stream(app: State<Arc<App>>, headers: HeaderMap, body: JsonBytes) -> Result<Response, ApiError> {
    chat_stream(app, headers, body).await
}

/// Streams the answer to a message that was posted before, also after its end: the same events, with the same ids.
#[utoipa::path(
    get, path = "/v1/chat/stream", tag = "chat",
    params(
        ("job" = String, Query, description = "The job that was submitted with the message."),
        ("after" = Option<String>, Query, description = "Go on after the event of this id; `Last-Event-ID` goes before it."),
        ("cancel_on_leave" = Option<bool>, Query, description = "Cancel the turn when this client goes away."),
        ("Last-Event-ID" = Option<String>, Header, description = "Go on after this event."),
    ),
    responses(
        (status = 200, description = "A stream of events.", body = ChatEvent, content_type = "text/event-stream"),
        (status = 204, description = "The turn is over, and the client has seen it."),
    )
)]
pub async fn resume_stream(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Parameters(pairs): Parameters<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let wrong = |name: &str, message: &str| ApiError::new(Code::InvalidField, message).field(name);
    let (mut job, mut seen, mut cancel) = (None, Seen::default(), false);
    for (name, value) in pairs {
        match name.as_str() {
            "job" => job = Some(value.parse::<JobId>()?),
            "after" => seen = Seen::parse(&value).ok_or_else(|| wrong("after", "use the id of an event"))?,
            "cancel_on_leave" => {
                cancel = value.parse().map_err(|_| wrong("cancel_on_leave", "use true or false"))?;
            }
            _ => return Err(wrong(&name, "is not known; use some of: job, after, cancel_on_leave")),
        }
    }
    let job = job.ok_or_else(|| wrong("job", "is missing; it is in the first event, `posted`"))?;
    seen = last_seen(&headers)?.unwrap_or(seen);
    let slot = Slot::take(&app)?;
    let message = app.store.message_of(job).await?.ok_or_else(|| {
        ApiError::new(Code::JobNotFound, format!("there is no message that job {job} answers")).field("job")
    })?;
    let at = of(message, job);
    Ok(answer(&app, at, seen, slot, cancel))
}

/// A turn that a client reads. Dropped before its end, the client went away.
struct Reading {
    turn: Turn,
    app: Arc<App>,
    cancel_on_leave: bool,
    done: bool,
}

impl Drop for Reading {
    fn drop(&mut self) {
        let left = !self.turn.is_over() && !self.app.closing.is_cancelled();
        // What a turn that was joined answers is not this client's alone.
        if self.cancel_on_leave && left && self.turn.at().joined.is_none() {
            self.app.leaving.cancel(self.turn.at().job);
        }
    }
}

fn answer(app: &Arc<App>, at: ChatAnswer, seen: Seen, slot: Slot, cancel_on_leave: bool) -> Response {
    if seen.end {
        return StatusCode::NO_CONTENT.into_response();
    }
    let turn = Turn::new(Arc::clone(&app.store), Arc::clone(&app.followers), at, seen);
    let reading = Reading { turn, app: Arc::clone(app), cancel_on_leave, done: false };
    let events = stream::unfold(reading, |mut reading| async move {
        let event = reading.next().await?;
        Some((event, reading))
    });
    sse(app, slot, events)
}

impl Reading {
    async fn next(&mut self) -> Option<Event> {
        match self.turn.next().await {
            Some(Ok((id, event))) => Some(encode(id, &event)),
            Some(Err(error)) => {
                tracing::error!(job.id = %self.turn.at().job, %error, "a turn can no longer be followed");
                None
            }
            // Where the answer was said, nothing follows; otherwise the client has to come back.
            None if self.turn.at().state.is_terminal() && !self.done => {
                self.done = true;
                Some(Event::default().data(DONE))
            }
            None => None,
        }
    }
}

fn encode(id: Option<String>, event: &ChatEvent) -> Event {
    let encoded = Event::default().event(event.name());
    let encoded = match id {
        Some(id) => encoded.id(id),
        None => encoded,
    };
    // What came out of the record as JSON goes into JSON again.
    encoded.json_data(event).unwrap_or_default()
}
