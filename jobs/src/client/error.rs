//! What can go wrong between a producer and the server.

use crate::{Invalid, api::Problem};

/// A request failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The client cannot be made.
    #[error("{0}")]
    Setup(String),
    /// The input does not hold up; nothing was sent.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The server does not answer. What was sent may have arrived: repeat it with an idempotency key.
    #[error("the server does not answer: {0}")]
    Unreachable(String),
    /// The server said no.
    #[error("{message}")]
    Refused {
        /// Of HTTP.
        status: u16,
        /// Stable: see the API's description.
        code: String,
        /// For people.
        message: String,
        /// The part of the request that is wrong.
        field: Option<String>,
        /// The request's id in the server's log.
        request_id: String,
    },
    /// The answer is not what this version of the client knows.
    #[error("the server's answer cannot be read: {0}")]
    Unreadable(String),
}

impl Error {
    /// Whether the same request may work later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused { status, .. } => matches!(status, 429 | 502..=504),
            _ => false,
        }
    }

    pub(super) fn unreachable(error: reqwest::Error) -> Self {
        // The address may hold a password; the reasons below it do not.
        let error = error.without_url();
        let mut words = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(reason) = source {
            words = format!("{words}: {reason}");
            source = reason.source();
        }
        Self::Unreachable(words)
    }

    pub(super) fn refused(status: u16, body: &[u8]) -> Self {
        match serde_json::from_slice::<Problem>(body) {
            Ok(Problem { error }) => Self::Refused {
                status,
                code: error.code,
                message: error.message,
                field: error.field,
                request_id: error.request_id,
            },
            Err(_) => Self::Refused {
                status,
                code: "unknown".to_owned(),
                message: format!("answered with status {status}; is it a flotilla server?"),
                field: None,
                request_id: String::new(),
            },
        }
    }
}
