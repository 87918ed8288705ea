//! Why an agent's run does not go on now, and what its job should do about it.

use crate::{journal, ledger::Refused};
use flotilla_jobs::{Fault, Outcome};
use std::time::Duration;

/// Why a run does not go on now. What is on record stays, and whoever runs the job next goes on after it.
#[derive(Debug)]
pub enum Halt {
    /// Something outside needs time: go on after it, without spending an attempt.
    Snooze {
        #[allow(missing_docs)]
        after: Duration,
        /// For people and the log.
        why: String,
    },
    /// A budget has no room.
    Pause(Refused),
    /// A person has to agree to a call first; why, for people.
    Approval(String),
    /// The job is someone else's now.
    LeaseLost,
    /// The job must end now.
    Cancelled,
    /// The worker shuts down: another one goes on.
    Stopping,
    /// This attempt failed; another one may not.
    Retry(Fault, Option<Duration>),
    /// Trying again would not help.
    Fail(Fault),
}

impl Halt {
    /// A failure for good.
    pub fn fail(code: &str, message: impl Into<String>) -> Self {
        Self::Fail(Fault::new(code, message))
    }

    /// What the job's handler answers.
    ///
    /// Where the job was cancelled or its lease is lost the engine knows why and goes by that, whatever is said here.
    pub fn outcome<T>(self) -> Outcome<T> {
        match self {
            Self::Snooze { after, .. } => Outcome::Snooze(after),
            Self::Pause(refused) => Outcome::Pause(refused.to_string()),
            Self::Approval(why) => Outcome::Pause(why),
            Self::LeaseLost | Self::Cancelled | Self::Stopping => Outcome::Snooze(Duration::ZERO),
            Self::Retry(fault, after) => Outcome::Retry { fault, after },
            Self::Fail(fault) => Outcome::Fail(fault),
        }
    }
}

/// An error of a store that asking again would not mend.
impl From<journal::Error> for Halt {
    fn from(error: journal::Error) -> Self {
        if error.is_transient() {
            return Self::Snooze { after: Duration::from_secs(5), why: error.to_string() };
        }
        Self::fail("journal", format!("the journal of the run cannot be used: {error}"))
    }
}
