//! How the process ends, and what it says when that is not well.

use crate::config;
use flotilla_jobs::{Invalid, client};
use flotilla_workers::{producer, store};
use std::{fmt, process::ExitCode};

/// Documented in `flotilla --help` and in README.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Ok = 0,
    /// A review has findings, a job failed, or something asked about is not well.
    Findings = 1,
    /// The command or the configuration is wrong.
    Usage = 2,
    /// The store or the server does not answer.
    Unavailable = 3,
    /// There is no such job, or session.
    NotFound = 4,
    /// A queue is full: try again later.
    QueueFull = 5,
    /// Ctrl-C, or told to stop and not done in time.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command ended early, and with which code.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    pub message: String,
}

impl Failure {
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// The caller asked for something that makes no sense.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Something outside does not work.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Exit::Unavailable, message)
    }

    /// There is no job of that id.
    pub fn no_job(id: flotilla_jobs::JobId) -> Self {
        Self::new(Exit::NotFound, format!("there is no job {id}"))
    }

    /// There is no session of that id.
    pub fn no_session(id: flotilla_jobs::SessionId) -> Self {
        Self::new(Exit::NotFound, format!("there is no session {id}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<config::Error> for Failure {
    fn from(error: config::Error) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<Invalid> for Failure {
    fn from(error: Invalid) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        let exit = match &error {
            store::Error::Invalid(_) | store::Error::IdempotencyMismatch(_) | store::Error::Archived(_) => Exit::Usage,
            store::Error::Unavailable { .. } | store::Error::Unwritable { .. } | store::Error::Corrupt { .. } => {
                Exit::Unavailable
            }
        };
        Self::new(exit, error.to_string())
    }
}

impl From<producer::Error> for Failure {
    fn from(error: producer::Error) -> Self {
        match error {
            producer::Error::QueueFull(full) => Self::new(Exit::QueueFull, full.to_string()),
            producer::Error::Store(error) => error.into(),
        }
    }
}

impl From<producer::ChatError> for Failure {
    fn from(error: producer::ChatError) -> Self {
        let exit = match error {
            producer::ChatError::Submit(error) => return error.into(),
            producer::ChatError::Busy { .. } | producer::ChatError::Refused(_) => Exit::Usage,
            producer::ChatError::Full(_) => Exit::QueueFull,
            producer::ChatError::NoSession(_) => Exit::NotFound,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<store::OpenError> for Failure {
    fn from(error: store::OpenError) -> Self {
        let exit = match &error {
            store::OpenError::Address { .. } => Exit::Usage,
            _ => Exit::Unavailable,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<client::Error> for Failure {
    fn from(error: client::Error) -> Self {
        let exit = match &error {
            client::Error::Refused { status: 404, .. } => Exit::NotFound,
            client::Error::Refused { code, .. } if matches!(code.as_str(), "queue_full" | "session_full") => {
                Exit::QueueFull
            }
            client::Error::Setup(_) | client::Error::Invalid(_) | client::Error::Refused { status: 400..=499, .. } => {
                Exit::Usage
            }
            _ => Exit::Unavailable,
        };
        let message = match error {
            client::Error::Refused { message, code, .. } if code == "queue_full" => message,
            client::Error::Refused { message, field: Some(field), .. } => format!("{field}: {message}"),
            client::Error::Refused { message, code, .. } if code == "unauthorized" => {
                format!("{message}; set server.token (FLOTILLA_SERVER__TOKEN)")
            }
            other => other.to_string(),
        };
        Self::new(exit, message)
    }
}

/// Output nobody reads any more is no failure worth a word; everything else about stdout is.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::new(Exit::Ok, "");
        }
        Self::new(Exit::Unavailable, format!("cannot write: {error}"))
    }
}
