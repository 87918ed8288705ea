//! Reads JSON bodies, parameters and names of paths, with errors that say where.

use super::{
    App,
    error::{ApiError, Code},
    state::Limits,
};
use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{
        HeaderName,
        header::{CONTENT_LENGTH, CONTENT_TYPE},
        request::Parts,
    },
};
use flotilla_jobs::{JobId, SessionId};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// A body that is declared as JSON, not parsed yet, and its share of the memory that bodies may take.
pub struct JsonBytes {
    pub bytes: Vec<u8>,
    /// Given back with the body.
    room: Option<OwnedSemaphorePermit>,
}

impl FromRequest<Arc<App>> for JsonBytes {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiError> {
        // A form of another site cannot send this type without asking first.
        let declared = text(&request, CONTENT_TYPE).unwrap_or_default();
        if !declared.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
            let message = "send JSON, and say so: `content-type: application/json`";
            return Err(ApiError::new(Code::UnsupportedMediaType, message).field("content-type"));
        }
        let limits = &app.limits;
        let length = text(&request, CONTENT_LENGTH).and_then(|length| length.parse().ok());
        if length.is_some_and(|length: u64| length > limits.body_bytes as u64) {
            return Err(too_large(limits));
        }
        let read = read(request.into_body(), limits, &app.bodies);
        timeout(limits.body_timeout, read).await.unwrap_or_else(|_| {
            let ms = limits.body_timeout.as_millis();
            let message = format!("the body did not arrive within {ms} ms (http.body_timeout_ms)");
            Err(ApiError::new(Code::BodyTimeout, message))
        })
    }
}

fn text(request: &Request, name: HeaderName) -> Option<&str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

/// Takes room for each piece as it comes: one that only announces much, or sends it slowly, holds nothing up.
async fn read(body: Body, limits: &Limits, bodies: &Arc<Semaphore>) -> Result<JsonBytes, ApiError> {
    let mut pieces = body.into_data_stream();
    let mut read = JsonBytes { bytes: Vec::new(), room: None };
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| ApiError::new(Code::InvalidJson, "the body broke off"))?;
        if read.bytes.len() + piece.len() > limits.body_bytes {
            return Err(too_large(limits));
        }
        let more = Arc::clone(bodies).try_acquire_many_owned(piece.len() as u32).map_err(|_| {
            let message = "the bodies of all requests are more than http.max_bodies_bytes at this moment; try again";
            ApiError::new(Code::Busy, message)
        })?;
        match &mut read.room {
            Some(room) => room.merge(more),
            none => *none = Some(more),
        }
        read.bytes.extend_from_slice(&piece);
    }
    Ok(read)
}

fn too_large(limits: &Limits) -> ApiError {
    let limit = limits.body_bytes;
    ApiError::new(Code::PayloadTooLarge, format!("the body is larger than {limit} bytes (http.max_body_bytes)"))
}

impl JsonBytes {
    /// The body as this type.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        let mut json = serde_json::Deserializer::from_slice(&self.bytes);
        let parsed = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = error.path().to_string();
            let error = error.into_inner();
            let code = if error.is_data() { Code::InvalidField } else { Code::InvalidJson };
            let wrong = ApiError::new(code, error.to_string());
            if path == "." || code == Code::InvalidJson { wrong } else { wrong.field(path) }
        })?;
        json.end().map_err(|error| ApiError::new(Code::InvalidJson, error.to_string()))?;
        Ok(parsed)
    }
}

/// The job id of a path.
pub struct Id(pub JobId);

impl FromRequestParts<Arc<App>> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        Ok(Self(part(parts, app, "id").await?.parse()?))
    }
}

/// The session id of a path.
pub struct OfSession(pub SessionId);

impl FromRequestParts<Arc<App>> for OfSession {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let id: SessionId = part(parts, app, "id").await?.parse()?;
        Ok(Self(id))
    }
}

/// The queue's name in a path.
pub struct Name(pub String);

impl FromRequestParts<Arc<App>> for Name {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        part(parts, app, "name").await.map(Self)
    }
}

async fn part(parts: &mut Parts, app: &Arc<App>, field: &str) -> Result<String, ApiError> {
    let found = Path::<String>::from_request_parts(parts, app).await;
    found.map(|Path(text)| text).map_err(|error| ApiError::new(Code::InvalidField, error.body_text()).field(field))
}

/// What stands behind the question mark.
pub struct Parameters<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Parameters<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let found = Query::<T>::from_request_parts(parts, app).await;
        found.map(|Query(found)| Self(found)).map_err(|error| ApiError::new(Code::InvalidField, error.body_text()))
    }
}
