//! `/v1/chat`: a message and its answer. The same under `/api/chat`, for clients that expect it there.

mod stream;

pub use stream::*;

use super::{
    App,
    body::JsonBytes,
    error::{ApiError, Code},
    jobs::idempotency_key,
};
use crate::{
    chat::{Seen, Turn, posted},
    telemetry,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
};
use flotilla_jobs::api::{ChatAnswer, ChatRequest};
use flotilla_workers::producer::{ChatError, NewChat};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, timeout_at};

/// How long an answer is waited for where the client does not say.
const WAIT: u64 = 20;
/// The longest that a client may ask for.
const MAX_WAIT: u64 = 300;
/// Of the time that a request may take, what is left for all but waiting.
const MARGIN: Duration = Duration::from_secs(2);

/// Posts a message, and waits for the answer.
///
/// With its `client_id` (or `Idempotency-Key`) sent again a message is the same one, and its answer too.
#[utoipa::path(
    post, path = "/v1/chat", tag = "chat", request_body = ChatRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "The message's `client_id`.")),
    responses(
        (status = 200, description = "The turn is over: `state` says how, and `reply` is the answer of one that is \
            completed.", body = ChatAnswer),
        (status = 202, description = "The message is on record and not answered yet. `Location` names the job, `events` \
            the stream of its answer.", body = ChatAnswer),
    )
)]
pub async fn chat(State(app): State<Arc<App>>, headers: HeaderMap, body: JsonBytes) -> Result<Response, ApiError> {
    let request = read(&headers, &body)?;
    let wait = request.wait.unwrap_or(WAIT);
    if wait > MAX_WAIT {
        return Err(ApiError::new(Code::InvalidField, format!("use 0 to {MAX_WAIT} seconds")).field("wait"));
    }
    // A body is not needed any more while its answer is waited for.
    drop(body);
    let most = app.limits.timeout.saturating_sub(MARGIN.min(app.limits.timeout / 2));
    let until = Instant::now() + Duration::from_secs(wait).min(most);
    let at = post(&app, &headers, request).await?;
    let mut turn = Turn::new(Arc::clone(&app.store), Arc::clone(&app.followers), at, Seen::default());
    let ended = async {
        while turn.next().await.transpose()?.is_some() {}
        Ok::<_, ApiError>(())
    };
    let ended = tokio::select! {
        ended = timeout_at(until, ended) => ended,
        () = app.closing.cancelled() => Ok(Ok(())),
    };
    if let Ok(ended) = ended {
        ended?;
    }
    let over = turn.is_over() && turn.at().state.is_terminal();
    let at = turn.at().clone();
    let status = if over { StatusCode::OK } else { StatusCode::ACCEPTED };
    let location = [(LOCATION, format!("/v1/jobs/{}", at.turn()))];
    Ok((status, location, Json(at)).into_response())
}

/// `POST /v1/chat` under another name.
#[utoipa::path(
    post, path = "/api/chat", tag = "chat", request_body = ChatRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "The message's `client_id`.")),
    responses(
        (status = 200, description = "As of `/v1/chat`.", body = ChatAnswer),
        (status = 202, description = "As of `/v1/chat`.", body = ChatAnswer),
    )
)]
pub async fn api_chat(app: State<Arc<App>>, headers: HeaderMap, body: JsonBytes) -> Result<Response, ApiError> {
    chat(app, headers, body).await
}

fn read(headers: &HeaderMap, body: &JsonBytes) -> Result<ChatRequest, ApiError> {
    let mut request: ChatRequest = body.parse()?;
    if let Some(key) = idempotency_key(headers)? {
        if request.client_id.as_ref().is_some_and(|own| *own != key) {
            let message = "differs from the Idempotency-Key header; use one of them";
            return Err(ApiError::new(Code::InvalidField, message).field("client_id"));
        }
        request.client_id = Some(key);
    }
    Ok(request)
}

async fn post(app: &App, headers: &HeaderMap, request: ChatRequest) -> Result<ChatAnswer, ApiError> {
    let chat = NewChat { trace: telemetry::current(headers), ..request.into() };
    Ok(app.producer.post_chat(chat).await.map(posted)?)
}

impl From<ChatError> for ApiError {
    fn from(error: ChatError) -> Self {
        let code = match error {
            ChatError::Refused(refused) => {
                let refused = Self::from(refused);
                // The job's input is what the client knows as its message.
                let field = refused.field.as_deref().map(|field| field.trim_start_matches("payload.").to_owned());
                return Self { field, ..refused };
            }
            ChatError::Submit(error) => return error.into(),
            ChatError::Busy { .. } => Code::SessionBusy,
            ChatError::Full(_) => Code::SessionFull,
            ChatError::NoSession(_) => Code::SessionNotFound,
        };
        Self::new(code, error.to_string()).field("session")
    }
}
