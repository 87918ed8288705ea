//! Attempts are counted by cause: only one cause spends the job's own budget of attempts.

use crate::JobState;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a run of a job ended without a final result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Cause {
    /// The handler failed, panicked or ran out of time. The only cause that spends `max_attempts`.
    Failure,
    /// The lease ran out: its worker died, froze or was cut off.
    Crash,
    /// The worker shut down and gave the job back.
    Handover,
    /// A provider asked to wait, or the handler did.
    Throttle,
    /// A budget was out.
    Budget,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 5] = [Self::Failure, Self::Crash, Self::Handover, Self::Throttle, Self::Budget];

    /// The name on the wire, in the record and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Crash => "crash",
            Self::Handover => "handover",
            Self::Throttle => "throttle",
            Self::Budget => "budget",
        }
    }

    /// The cause of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.as_str() == text)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How often a job ran without a final result, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Attempts {
    #[allow(missing_docs)]
    pub failure: u32,
    #[allow(missing_docs)]
    pub crash: u32,
    #[allow(missing_docs)]
    pub handover: u32,
    #[allow(missing_docs)]
    pub throttle: u32,
    #[allow(missing_docs)]
    pub budget: u32,
}

impl Attempts {
    /// Crashes after which a job is quarantined: it has then taken down two workers.
    pub const MAX_CRASHES: u32 = 2;

    /// The count of one cause.
    pub const fn of(&self, cause: Cause) -> u32 {
        match cause {
            Cause::Failure => self.failure,
            Cause::Crash => self.crash,
            Cause::Handover => self.handover,
            Cause::Throttle => self.throttle,
            Cause::Budget => self.budget,
        }
    }

    /// The counters after one more run that ended by `cause`.
    #[must_use]
    pub const fn plus(mut self, cause: Cause) -> Self {
        let count = match cause {
            Cause::Failure => &mut self.failure,
            Cause::Crash => &mut self.crash,
            Cause::Handover => &mut self.handover,
            Cause::Throttle => &mut self.throttle,
            Cause::Budget => &mut self.budget,
        };
        *count = count.saturating_add(1);
        self
    }

    /// Whether another failure would be one too many.
    pub const fn is_last(&self, max_attempts: u32) -> bool {
        self.failure.saturating_add(1) >= max_attempts
    }

    /// Whether another crash quarantines the job.
    pub const fn crash_quarantines(&self) -> bool {
        self.crash.saturating_add(1) >= Self::MAX_CRASHES
    }

    /// The counters of a job in this state: the crash that quarantines a job is its result, and counts too.
    #[must_use]
    pub const fn at_end(self, state: JobState) -> Self {
        if matches!(state, JobState::Quarantined) { self.plus(Cause::Crash) } else { self }
    }

    /// The number people see: 1 for the first run, and one more for each failure or crash.
    pub const fn number(&self) -> u32 {
        self.failure.saturating_add(self.crash).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_failures_spend_attempts() {
        let mut a = Attempts::default();
        for cause in [Cause::Handover, Cause::Throttle, Cause::Budget, Cause::Crash] {
            a = a.plus(cause);
        }
        assert!(!a.is_last(2));
        assert!(a.plus(Cause::Failure).is_last(2));
    }

    #[test]
    fn the_second_crash_quarantines() {
        assert!(!Attempts::default().crash_quarantines());
        assert!(Attempts::default().plus(Cause::Crash).crash_quarantines());
    }

    #[test]
    fn names_round_trip() {
        for cause in Cause::ALL {
            assert_eq!(Cause::parse(cause.as_str()), Some(cause));
        }
    }
}
