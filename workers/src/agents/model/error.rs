//! How a call of a model fails, in the classes that decide what to do next.

use crate::admission::Told;
use flotilla_jobs::Usage;
use std::time::Duration;

/// A call that gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{provider} {message}")]
pub struct ModelError {
    /// Which provider.
    pub provider: String,
    #[allow(missing_docs)]
    pub class: Class,
    /// What it said or did: no secret, no prompt, at most 1 KiB.
    pub message: String,
    #[allow(missing_docs)]
    pub status: Option<u16>,
    /// How long the provider asks to wait.
    pub retry_after: Option<Duration>,
    /// `x-should-retry`, which goes before the class.
    pub should_retry: Option<bool>,
    /// What it counted before it failed, where it said.
    pub usage: Option<Usage>,
    /// Whether it had begun to answer.
    pub begun: bool,
    /// Its name for the call.
    pub request_id: Option<String>,
    /// What it said is left of its limits.
    pub told: Box<Told>,
}

impl ModelError {
    /// A failure of which no more is known.
    pub fn new(provider: impl Into<String>, class: Class, message: impl Into<String>) -> Self {
        Self {
            provider: provider.into(),
            class,
            message: message.into(),
            status: None,
            retry_after: None,
            should_retry: None,
            usage: None,
            begun: false,
            request_id: None,
            told: Box::default(),
        }
    }
}

/// What sort of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// No connection, or no answer's first byte in time.
    Unreachable,
    /// 408, 409, 500, 502, 503, 504, 529, or an error event of that sort in a stream.
    Overloaded,
    /// 429 that will pass.
    RateLimited,
    /// Money or quota is used up: waiting does not help.
    Exhausted,
    /// 401, 403: the key is wrong.
    Denied,
    /// The request is larger than the model's context.
    TooLong,
    /// 400, 404, 413, 422: the request is wrong.
    Invalid,
    /// The stream ended or went silent in the middle, or said what cannot be understood.
    Cut,
    /// The caller wanted no more.
    Cancelled,
}

impl Class {
    /// The code on record and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Overloaded => "overloaded",
            Self::RateLimited => "rate_limited",
            Self::Exhausted => "exhausted",
            Self::Denied => "denied",
            Self::TooLong => "too_long",
            Self::Invalid => "invalid",
            Self::Cut => "cut",
            Self::Cancelled => "cancelled",
        }
    }
}
