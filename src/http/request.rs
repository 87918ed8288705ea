//! What happens to every request: an id, a time limit, one log line, and errors in one envelope.

use super::{
    App,
    error::{ApiError, Code},
};
use crate::telemetry;
use axum::{
    Json,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
    response::{IntoResponse, Response},
};
use flotilla_jobs::api::{Problem, ProblemBody};
use futures_util::FutureExt;
use std::{any::Any, panic::AssertUnwindSafe, sync::Arc};
use tokio::time::{Instant, timeout};
use tracing::{Instrument as _, field::Empty};
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The outermost layer.
pub async fn request(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let id = request_id(request.headers());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str).to_owned();
    let quiet = matches!(path.as_str(), "/live" | "/ready" | "/health" | "/metrics");

    let span = tracing::info_span!(
        target: flotilla_workers::trace::TARGET, "request", otel.name = format!("{method} {route}"), otel.kind = "server",
        http.request.method = %method, url.path = path, http.route = route, http.response.status_code = Empty,
    );
    telemetry::follow(&span, request.headers());

    // The limit covers the time to the first byte: a stream of events may go on.
    let answer =
        timeout(app.limits.timeout, AssertUnwindSafe(next.run(request).instrument(span.clone())).catch_unwind()).await;
    let response = match answer {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => ApiError::internal(format!("panic: {}", panic_message(&*panic))).into_response(),
        Err(_) => ApiError::new(Code::Timeout, "the request took too long; try again").into_response(),
    };
    let error = response.extensions().get::<Arc<ApiError>>().cloned();
    let mut response = match &error {
        Some(error) => envelope(error, &id, &response),
        None => response,
    };
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }

    let status = response.status().as_u16();
    span.record("http.response.status_code", status);
    let duration_ms = start.elapsed().as_millis() as u64;
    let code = error.as_ref().map(|error| error.code.as_str());
    match error.as_ref().and_then(|error| error.detail.as_deref()) {
        Some(why) => tracing::error!(request_id = id, %method, path, status, duration_ms, code, why, "request failed"),
        None if quiet => tracing::debug!(request_id = id, %method, path, status, duration_ms, "request"),
        None => tracing::info!(request_id = id, %method, path, status, duration_ms, code, "request"),
    }
    response
}

/// Nothing is at this path.
pub async fn no_route(request: Request) -> ApiError {
    let (method, path) = (request.method(), request.uri().path());
    ApiError::new(
        Code::RouteNotFound,
        format!("there is no {method} {path}; GET /openapi.json describes what there is"),
    )
}

/// Something is at this path, but not for this method.
pub async fn no_method(path: Option<MatchedPath>, request: Request) -> ApiError {
    let path = path.as_ref().map_or_else(|| request.uri().path(), MatchedPath::as_str);
    ApiError::new(Code::MethodNotAllowed, format!("{path} knows no {}", request.method()))
}

/// The caller's id for the request, so that its log and ours can be joined, or a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let given = given.filter(|id| {
        (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    });
    given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

fn envelope(error: &ApiError, id: &str, bare: &Response) -> Response {
    let body = Problem {
        error: ProblemBody {
            code: error.code.as_str().to_owned(),
            message: error.message.clone(),
            field: error.field.clone(),
            request_id: id.to_owned(),
        },
    };
    let mut response = (bare.status(), Json(body)).into_response();
    for (name, value) in bare.headers() {
        if !matches!(name.as_str(), "content-length" | "content-type") {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("of an unknown kind")
}
