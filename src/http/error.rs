//! Every error the API answers with, and the one place that turns errors into HTTP.
//!
//! A code is stable: clients may branch on it. The message is for people and may change. What went wrong inside is
//! logged, once, and never sent.

use axum::{
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use flotilla_jobs::Invalid;
use flotilla_workers::{
    producer::{self, Refused},
    store,
};
use std::sync::Arc;

/// Seconds after which a client should try again.
const RETRY_AFTER_SECS: HeaderValue = HeaderValue::from_static("2");

macro_rules! codes {
    ($($name:ident $status:ident $code:literal $meaning:literal),* $(,)?) => {
        /// What went wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $($name),* }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// On the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// Of HTTP.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),* }
            }

            /// For the documentation.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning),* }
            }
        }
    };
}

codes! {
    InvalidJson BAD_REQUEST "invalid_json" "The body is not JSON.",
    InvalidField BAD_REQUEST "invalid_field" "A field, parameter or header does not hold up; `field` says which.",
    UnknownKind BAD_REQUEST "unknown_kind" "No worker of this fleet runs jobs of that kind.",
    BatchSize BAD_REQUEST "batch_size" "No jobs, or more than 1,000, in one request.",
    Unauthorized UNAUTHORIZED "unauthorized" "The bearer token is missing or wrong.",
    ForbiddenOrigin FORBIDDEN "forbidden_origin" "A browser page of another site asked, or the Host is not this machine.",
    ForbiddenPath FORBIDDEN "forbidden_path" "The work tree is not below a directory in http.review_roots.",
    JobNotFound NOT_FOUND "job_not_found" "There is no job of that id.",
    SessionNotFound NOT_FOUND "session_not_found" "There is no session of that id, or it is another tenant's.",
    EntryNotFound NOT_FOUND "entry_not_found" "The session has no such entry, or it is a message that waits for its turn.",
    RouteNotFound NOT_FOUND "route_not_found" "There is nothing at that path.",
    ApprovalNotFound NOT_FOUND "approval_not_found" "There is no approval of that id.",
    MethodNotAllowed METHOD_NOT_ALLOWED "method_not_allowed" "The path exists, the method does not.",
    Conflict CONFLICT "conflict" "The job is in a state in which this makes no sense.",
    SessionArchived CONFLICT "session_archived" "The session's entries are in an archive that this server does not know: sessions.archive_url.",
    NoArchive CONFLICT "no_archive" "This server has no archive: sessions.archive_url is not set.",
    IdempotencyMismatch CONFLICT "idempotency_mismatch" "The idempotency key was used for another job.",
    SessionBusy CONFLICT "session_busy" "The session takes no message while a turn is unfinished; the message names its job.",
    PayloadTooLarge PAYLOAD_TOO_LARGE "payload_too_large" "The body is larger than http.max_body_bytes.",
    UnsupportedMediaType UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" "The body is not declared as application/json.",
    BodyTimeout REQUEST_TIMEOUT "body_timeout" "The body did not arrive within http.body_timeout_ms.",
    QueueFull TOO_MANY_REQUESTS "queue_full" "As many jobs wait in the queue as its max_waiting allows; none of the request was accepted.",
    SessionFull TOO_MANY_REQUESTS "session_full" "As many messages wait in the session as may, or it has as many entries as it may.",
    TooManyStreams SERVICE_UNAVAILABLE "too_many_streams" "This server has as many streams of events as http.max_streams allows.",
    Busy SERVICE_UNAVAILABLE "busy" "Bodies of other requests take all of http.max_bodies_bytes now; try again.",
    Timeout SERVICE_UNAVAILABLE "timeout" "The request took too long. It may have been done: repeat it with an idempotency key.",
    Unavailable SERVICE_UNAVAILABLE "unavailable" "The store does not answer now. It may have been done: repeat it with an idempotency key.",
    Internal INTERNAL_SERVER_ERROR "internal" "A mistake of the server; its log has the request's id.",
}

/// An answer that is not a success. `request` writes its body, since that holds the request's id.
#[derive(Clone, Debug)]
pub struct ApiError {
    pub code: Code,
    pub message: String,
    pub field: Option<String>,
    /// For the log only.
    pub detail: Option<String>,
}

impl ApiError {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: None, detail: None }
    }

    /// The part of the request it is about.
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    pub fn no_job(id: flotilla_jobs::JobId) -> Self {
        Self::new(Code::JobNotFound, format!("there is no job {id}")).field("id")
    }

    pub fn no_session(id: flotilla_jobs::SessionId) -> Self {
        Self::new(Code::SessionNotFound, format!("there is no session {id}")).field("id")
    }

    /// A mistake of ours.
    pub fn internal(detail: impl Into<String>) -> Self {
        let message = "something went wrong here; the server's log says what, under this request_id";
        Self { detail: Some(detail.into()), ..Self::new(Code::Internal, message) }
    }
}

impl From<Invalid> for ApiError {
    fn from(invalid: Invalid) -> Self {
        Self::new(Code::InvalidField, invalid.message).field(invalid.field)
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let code = match &refused {
            Refused::UnknownKind { .. } => Code::UnknownKind,
            Refused::Invalid(_) => Code::InvalidField,
        };
        Self { code, ..Self::from(Invalid::from(refused)) }
    }
}

impl From<producer::Error> for ApiError {
    fn from(error: producer::Error) -> Self {
        match error {
            producer::Error::QueueFull(full) => Self::new(Code::QueueFull, full.to_string()).field("options.queue"),
            producer::Error::Store(error) => error.into(),
        }
    }
}

impl From<store::Error> for ApiError {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Invalid(invalid) => invalid.into(),
            store::Error::IdempotencyMismatch(_) => {
                Self::new(Code::IdempotencyMismatch, error.to_string()).field("idempotency_key")
            }
            store::Error::Unavailable { .. } => Self {
                detail: Some(error.to_string()),
                ..Self::new(Code::Unavailable, "the store does not answer now; try again")
            },
            store::Error::Unwritable { trouble, .. } => Self {
                detail: Some(error.to_string()),
                ..Self::new(Code::Unavailable, format!("{trouble}; try again once that is put right"))
            },
            store::Error::Archived(_) => Self::new(Code::SessionArchived, error.to_string()).field("id"),
            store::Error::Corrupt { .. } => Self::internal(error.to_string()),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        if matches!(self.code.status(), StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_SECS);
        }
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}
