//! `drill`: a job that behaves as it is told, to rehearse failures on a real fleet.

use crate::{Invalid, Job};
use serde::{Deserialize, Serialize};

/// Steps done one after the other. A worker knows the kind only where `worker.drills` is set: a drill can kill it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Drill {
    /// At most 100.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Step {
    /// What to do.
    #[serde(flatten)]
    pub act: Act,
    /// Only in this run of the job, counted from 1; in every run where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_attempt: Option<u32>,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[allow(missing_docs)]
pub enum Act {
    /// Waits. Told to stop it hands the job over, and the next run waits for what is left; told to cancel it returns.
    Sleep { ms: u64 },
    /// Writes to the live output.
    Say { text: String },
    /// Says how far the job is.
    Progress { done: u64, total: Option<u64>, message: Option<String> },
    /// Fails for good.
    Fail { message: String },
    /// Fails this attempt.
    Retry { message: String, after_ms: Option<u64> },
    /// Panics.
    Panic { message: String },
    /// Kills the worker.
    Abort,
    /// Takes and touches this much memory, and keeps it until the step after.
    ExhaustMemory { mib: u64 },
    /// Calls itself until the stack ends, which kills the worker.
    OverflowStack,
    /// Blocks a thread of the runtime.
    Block { ms: u64 },
    /// Waits, whatever it is told.
    IgnoreCancel { ms: u64 },
}

/// What a drill has to say at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DrillReport {
    /// Steps done in this run.
    pub steps: u32,
    /// Which run of the job this was, from 1.
    pub run: u32,
}

impl Drill {
    /// Most steps of one drill.
    pub const MAX_STEPS: usize = 100;
    /// Most memory that a step takes, in MiB.
    pub const MAX_MIB: u64 = 64 * 1024;
    /// Longest step, in milliseconds: a day.
    pub const MAX_MS: u64 = 24 * 60 * 60 * 1_000;
}

impl Act {
    fn check(&self) -> Result<(), (&'static str, String)> {
        let range = |field, value: u64, most: u64| {
            if value <= most { Ok(()) } else { Err((field, format!("is {value}; use at most {most}"))) }
        };
        match self {
            Self::Sleep { ms } | Self::Block { ms } | Self::IgnoreCancel { ms } => range("ms", *ms, Drill::MAX_MS),
            Self::Retry { after_ms: Some(ms), .. } => range("after_ms", *ms, Drill::MAX_MS),
            Self::ExhaustMemory { mib } => range("mib", *mib, Drill::MAX_MIB),
            _ => Ok(()),
        }
    }
}

impl Job for Drill {
    const KIND: &'static str = "drill";
    type Output = DrillReport;

    fn validate(&self) -> Result<(), Invalid> {
        if self.steps.len() > Self::MAX_STEPS {
            return Err(Invalid::new("steps", format!("are {}; use at most {}", self.steps.len(), Self::MAX_STEPS)));
        }
        for (number, step) in self.steps.iter().enumerate() {
            step.act.check().map_err(|(field, message)| Invalid::new(format!("steps[{number}].{field}"), message))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drill(json: &str) -> Drill {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn steps_are_short_to_write() {
        let drill = drill(r#"{"steps":[{"do":"sleep","ms":5},{"do":"abort","only_attempt":1}]}"#);
        assert_eq!(drill.steps[0], Step { act: Act::Sleep { ms: 5 }, only_attempt: None });
        assert_eq!(drill.steps[1], Step { act: Act::Abort, only_attempt: Some(1) });
        drill.validate().unwrap();
    }

    #[test]
    fn a_step_beyond_its_limit_is_named() {
        let invalid = drill(r#"{"steps":[{"do":"abort"},{"do":"block","ms":99999999999}]}"#).validate().unwrap_err();
        assert_eq!(
            (invalid.field.as_str(), invalid.message.as_str()),
            ("steps[1].ms", "is 99999999999; use at most 86400000")
        );
    }
}
