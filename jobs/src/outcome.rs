//! What a handler may say about the job it ran. Handlers return it; the engine does it.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How a run of a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// The job is completed with this output.
    Done(T),
    /// This attempt failed; run again while attempts last, not before `after` if given.
    Retry {
        /// What went wrong.
        fault: Fault,
        /// A wait the other side asked for; back-off applies beside it.
        after: Option<Duration>,
    },
    /// The job failed and trying again would not help.
    Fail(Fault),
    /// The job is cancelled, and why.
    Cancel(String),
    /// Run again after this wait, without spending an attempt.
    Snooze(Duration),
    /// Wait until an operator or the next budget period resumes the job, and why.
    Pause(String),
}

/// What went wrong, in words for the person who reads the job's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[error("{message}")]
pub struct Fault {
    /// A stable, machine-readable code such as `timeout`, `panic`, `invalid_payload`, `handler`.
    pub code: String,
    /// What happened and what to do; no secrets, no stack.
    pub message: String,
}

impl Fault {
    /// Longest message that is recorded, in bytes; a longer one is cut.
    pub const MAX_MESSAGE: usize = 8 * 1024;

    /// A fault with its message cut to [`Self::MAX_MESSAGE`].
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if message.len() > Self::MAX_MESSAGE {
            let end = message.floor_char_boundary(Self::MAX_MESSAGE - 4);
            message.truncate(end);
            message.push_str(" […]");
        }
        Self { code: code.to_owned(), message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut_at_a_character() {
        let fault = Fault::new("handler", "é".repeat(Fault::MAX_MESSAGE));
        assert!(fault.message.len() <= Fault::MAX_MESSAGE + 4);
        assert!(fault.message.ends_with("[…]"));
    }
}
