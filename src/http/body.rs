//! Reads JSON bodies and ids of paths, with errors that say where.

use super::{
    App,
    error::{ApiError, Code},
};
use axum::{
    body::{Bytes, to_bytes},
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{header::CONTENT_TYPE, request::Parts},
};
use flotilla_jobs::JobId;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// A body that is declared as JSON, not parsed yet.
pub struct JsonBytes(pub Bytes);

impl FromRequest<Arc<App>> for JsonBytes {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiError> {
        // A form of another site cannot send this type without asking first.
        let declared = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !declared.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
            let message = "send JSON, and say so: `content-type: application/json`";
            return Err(ApiError::new(Code::UnsupportedMediaType, message).field("content-type"));
        }
        let limit = app.limits.body_bytes;
        let declared = request.headers().get("content-length").and_then(|value| value.to_str().ok()?.parse().ok());
        let too_large = || ApiError::new(Code::PayloadTooLarge, format!("the body is larger than {limit} bytes"));
        if declared.is_some_and(|length: usize| length > limit) {
            return Err(too_large());
        }
        let body = to_bytes(request.into_body(), limit).await;
        body.map(Self).map_err(|error| match std::error::Error::source(&error) {
            Some(source) if source.to_string().contains("length limit") => too_large(),
            _ => ApiError::new(Code::InvalidJson, "the body broke off"),
        })
    }
}

impl JsonBytes {
    /// The body as this type.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        let mut json = serde_json::Deserializer::from_slice(&self.0);
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
        let Path(text) = Path::<String>::from_request_parts(parts, app)
            .await
            .map_err(|error| ApiError::new(Code::InvalidField, error.body_text()).field("id"))?;
        Ok(Self(text.parse()?))
    }
}
