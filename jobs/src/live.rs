//! What a follower of a job is told.

use crate::{Attempts, Fault, JobRecord, JobState, Progress};
use serde::{Deserialize, Serialize};

/// One piece of news about a job: an event of `GET /v1/jobs/{id}/events`.
///
/// All but the state are numbered from 1 without a gap; a follower that gives the last number it saw misses
/// nothing. The state is told at first and whenever it changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[allow(missing_docs, reason = "seq is described above, the rest at its types")]
pub enum JobEvent {
    /// Where it is now. A terminal one is the last event.
    State(StateChange),
    /// How far it is.
    Progress {
        seq: u64,
        #[serde(flatten)]
        progress: Progress,
    },
    /// A piece of output.
    Output { seq: u64, text: String },
    /// A piece of what a model says in a step: `text` goes on where the piece before ended.
    Text { seq: u64, step: u32, attempt: u32, text: String },
    /// A new try begins at this step: what was said of it, and of steps after it, is void.
    Reset { seq: u64, step: u32, attempt: u32 },
    /// Events after this one were not kept.
    Cut { seq: u64 },
}

/// A job's state and what explains it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[allow(missing_docs, reason = "the fields are those of JobRecord")]
pub struct StateChange {
    pub state: JobState,
    pub attempts: Attempts,
    #[serde(default)]
    pub cancel_requested: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Fault>,
}

impl From<&JobRecord> for StateChange {
    fn from(job: &JobRecord) -> Self {
        Self {
            state: job.state,
            attempts: job.attempts,
            cancel_requested: job.cancel_requested,
            reason: job.reason.clone(),
            error: job.error.clone(),
        }
    }
}

impl JobEvent {
    /// Its number, where it has one.
    pub fn seq(&self) -> Option<u64> {
        match self {
            Self::State(_) => None,
            Self::Progress { seq, .. }
            | Self::Output { seq, .. }
            | Self::Text { seq, .. }
            | Self::Reset { seq, .. }
            | Self::Cut { seq } => Some(*seq),
        }
    }

    /// Its id where one is needed: `STEP.ATTEMPT.N` for what a model says, else `N`. `N` is its number, or `last` where it
    /// has none of its own; [`JobEvent::number_of`] reads it.
    pub fn id(&self, last: u64) -> String {
        let n = self.seq().unwrap_or(last);
        match self {
            Self::Text { step, attempt, .. } | Self::Reset { step, attempt, .. } => format!("{step}.{attempt}.{n}"),
            _ => n.to_string(),
        }
    }

    /// The number in an id.
    pub fn number_of(id: &str) -> Option<u64> {
        id.rsplit('.').next()?.parse().ok()
    }

    /// Its name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::State(_) => "state",
            Self::Progress { .. } => "progress",
            Self::Output { .. } => "output",
            Self::Text { .. } => "text",
            Self::Reset { .. } => "reset",
            Self::Cut { .. } => "cut",
        }
    }

    /// Whether nothing follows.
    pub fn is_last(&self) -> bool {
        matches!(self, Self::State(change) if change.state.is_terminal())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_where_to_go_on() {
        let text = JobEvent::Text { seq: 7, step: 2, attempt: 1, text: "a".to_owned() };
        assert_eq!(text.id(0), "2.1.7");
        assert_eq!(JobEvent::Cut { seq: 8 }.id(7), "8");
        assert_eq!(["2.1.7", "8", "2.1.", "x"].map(JobEvent::number_of), [Some(7), Some(8), None, None]);
    }
}
