//! The states of a job and the one table of legal transitions.
//!
//! ```text
//!              due                 claimed                       completed
//!  scheduled ───────▶ pending ───────────────▶ running ─────────────────────▶ completed
//!      ▲                ▲ ▲                     │ │ │ │
//!      │ retry, snooze  │ │ handed over, crash  │ │ │ └── failed for good ──▶ failed ──┐
//!      └────────────────┼─┼─────────────────────┘ │ └──── crashed twice ────▶ quarantined
//!                       │ └───────────────────────┤                              │  │
//!                resume │                         │ out of budget                │  │
//!                     paused ◀────────────────────┘         operator's retry ◀───┘──┘
//!
//!  cancel: scheduled, pending, running, paused ──▶ cancelled        (completed, cancelled: final)
//! ```

use serde::{Deserialize, Serialize};
use std::fmt;

/// Where a job is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum JobState {
    /// Waits for its time: submitted with `run_at`, or between two attempts.
    Scheduled,
    /// Waits for a worker, or for its group's turn.
    Pending,
    /// A worker holds it under a lease.
    Running,
    /// A budget was out, or its handler asked to be paused; someone must resume it.
    Paused,
    /// Done, with an output.
    Completed,
    /// Ended with a fault; an operator may retry it.
    Failed,
    /// Cancelled; it never runs again.
    Cancelled,
    /// Took down two workers; an operator may retry it.
    Quarantined,
}

/// What moves a job from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Its time has come.
    Due,
    /// A worker took a lease on it.
    Claim,
    /// The handler finished it.
    Complete,
    /// It failed for good.
    Fail,
    /// It failed and attempts are left; or it was snoozed.
    Reschedule,
    /// Its worker gave it back, or lost it in a first crash.
    GiveBack,
    /// Its worker was lost once too often.
    Quarantine,
    /// Out of budget.
    Pause,
    /// An operator or a new budget period.
    Resume,
    /// Someone asked for it to be cancelled.
    Cancel,
    /// An operator runs it once more.
    Retry,
}

/// Every legal transition; what is not here is refused.
pub const TRANSITIONS: &[(JobState, Event, JobState)] = {
    use Event as E;
    use JobState as S;
    &[
        (S::Scheduled, E::Due, S::Pending),
        (S::Pending, E::Claim, S::Running),
        (S::Running, E::Complete, S::Completed),
        (S::Running, E::Fail, S::Failed),
        (S::Running, E::Reschedule, S::Scheduled),
        (S::Running, E::GiveBack, S::Pending),
        (S::Running, E::Quarantine, S::Quarantined),
        (S::Running, E::Pause, S::Paused),
        (S::Paused, E::Resume, S::Pending),
        (S::Scheduled, E::Cancel, S::Cancelled),
        (S::Pending, E::Cancel, S::Cancelled),
        (S::Running, E::Cancel, S::Cancelled),
        (S::Paused, E::Cancel, S::Cancelled),
        (S::Failed, E::Retry, S::Pending),
        (S::Quarantined, E::Retry, S::Pending),
    ]
};

impl JobState {
    /// Every state, in the order people list them.
    pub const ALL: [Self; 8] = [
        Self::Scheduled,
        Self::Pending,
        Self::Running,
        Self::Paused,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::Quarantined,
    ];

    /// Every state that a job ends in.
    pub const TERMINAL: [Self; 4] = [Self::Completed, Self::Failed, Self::Cancelled, Self::Quarantined];

    /// The state after `event`, or `None` where that is not legal.
    pub fn after(self, event: Event) -> Option<Self> {
        TRANSITIONS.iter().find(|(from, on, _)| *from == self && *on == event).map(|(_, _, to)| *to)
    }

    /// Whether a result is recorded and nothing more happens by itself.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::Quarantined)
    }

    /// The name on the wire and in the record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Quarantined => "quarantined",
        }
    }

    /// The state of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transition_has_one_target() {
        for (i, (from, on, _)) in TRANSITIONS.iter().enumerate() {
            assert!(!TRANSITIONS[i + 1..].iter().any(|(f, o, _)| f == from && o == on), "{from} {on:?}");
        }
    }

    #[test]
    fn nothing_leaves_completed_or_cancelled() {
        assert!(TRANSITIONS.iter().all(|(from, _, _)| !matches!(from, JobState::Completed | JobState::Cancelled)));
    }

    #[test]
    fn everything_unfinished_can_be_cancelled() {
        for state in JobState::ALL {
            assert_eq!(state.after(Event::Cancel).is_some(), !state.is_terminal(), "{state}");
        }
    }

    #[test]
    fn every_state_is_reached_and_named() {
        for state in JobState::ALL {
            assert_eq!(JobState::parse(state.as_str()), Some(state));
            let entry = matches!(state, JobState::Scheduled | JobState::Pending);
            assert!(entry || TRANSITIONS.iter().any(|(_, _, to)| *to == state), "{state}");
        }
    }
}
