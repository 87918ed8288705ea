//! What agents did for a job, as people and programs read it.

use crate::{Invalid, MicroUsd, Usage};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A place among all that agents did for a job, in the order of the record: by run, thread, step and call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[allow(missing_docs)]
pub struct StepPlace {
    pub run: u32,
    pub thread: u32,
    pub seq: u32,
    pub attempt: u32,
}

/// A call made for a step of an agent; a step that needed none is there once, as call 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobStep {
    /// Number of the run within the job, from 0. A job has more than one where its agent changed meanwhile.
    pub run: u32,
    #[allow(missing_docs)]
    pub agent: String,
    /// Whether another run took the place of this one.
    pub superseded: bool,
    /// The conversation that the step belongs to.
    pub thread: u32,
    /// Number of the step within its thread, from 0.
    pub seq: u32,
    /// Number of the call within its step, from 1; 0 where the step needed none.
    pub attempt: u32,
    /// `decision`, `llm` (a call of a model), `tool`, or `effect` (a tool that changes something).
    pub kind: String,
    /// `llm:review`, `tool:read_file`, ….
    pub name: String,
    /// `open`, `done`, `lost` (its worker died or lost the job), or the code that the call failed with.
    pub outcome: String,
    /// Whether what it gave is what the step has on record.
    pub kept: bool,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[allow(missing_docs)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    #[allow(missing_docs)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// As the provider counts; absent where it did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// In micro-dollars; absent where it is not known, or nothing is paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<MicroUsd>,
    /// Whether the answer came from the cache: no provider was called, and nothing was paid.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cached: bool,
    /// What an answer from the cache would have cost otherwise, in micro-dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<MicroUsd>,
    #[allow(missing_docs)]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub started_at: Timestamp,
    #[allow(missing_docs)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub finished_at: Option<Timestamp>,
}

/// One page of what agents did for a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobSteps {
    #[allow(missing_docs)]
    pub steps: Vec<JobStep>,
    /// Ask for what comes after this; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "0.1.4.1"))]
    pub next: Option<StepPlace>,
}

/// Who says something in a transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Speaker {
    /// What the agent's file says to the model before all else.
    System,
    /// We, or whom we speak for.
    User,
    /// The model.
    Assistant,
    /// The model, which wants a tool to be called with these arguments.
    Call,
    /// A tool that was called.
    Tool,
}

/// Something said in a run of an agent. Thinking that only its provider can read is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TranscriptMessage {
    /// Number of the run within the job, from 0.
    pub run: u32,
    /// The conversation.
    pub thread: u32,
    /// Number of the step within its thread.
    pub seq: u32,
    /// Name of the step: `llm:review`, `tool:read_file`, ….
    pub step: String,
    #[allow(missing_docs)]
    pub role: Speaker,
    /// The model that speaks, or the tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[allow(missing_docs)]
    pub text: String,
    /// Whether the tool failed.
    #[serde(default)]
    pub failed: bool,
    /// Bytes left out at the end of the text: a message is shown up to 256 KiB.
    #[serde(default)]
    pub cut: u64,
}

/// One page of what was said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Transcript {
    #[allow(missing_docs)]
    pub messages: Vec<TranscriptMessage>,
    /// Ask for what comes after this; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "0.1.4.1"))]
    pub next: Option<StepPlace>,
}

impl JobStep {
    #[allow(missing_docs)]
    pub const fn place(&self) -> StepPlace {
        let Self { run, thread, seq, attempt, .. } = *self;
        StepPlace { run, thread, seq, attempt }
    }
}

impl fmt::Display for StepPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}.{}", self.run, self.thread, self.seq, self.attempt)
    }
}

impl FromStr for StepPlace {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new("after", format!("`{text}` is no place; use `next` of the page before"));
        let numbers: Vec<u32> = text
            .split('.')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map_err(|_: std::num::ParseIntError| invalid())?;
        match numbers[..] {
            [run, thread, seq, attempt] => Ok(Self { run, thread, seq, attempt }),
            _ => Err(invalid()),
        }
    }
}

impl TryFrom<String> for StepPlace {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<StepPlace> for String {
    fn from(place: StepPlace) -> Self {
        place.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_is_written() {
        let place = StepPlace { run: 1, thread: 2, seq: 3, attempt: 4 };
        assert_eq!(place.to_string(), "1.2.3.4");
        assert_eq!("1.2.3.4".parse(), Ok(place));
        assert_eq!(serde_json::from_str::<StepPlace>("\"1.2.3.4\"").unwrap(), place);
        for wrong in ["", "1.2.3", "1.2.3.4.5", "1.2.3.-4", "a.b.c.d", "1.2.3.4294967296"] {
            assert!(wrong.parse::<StepPlace>().is_err(), "{wrong}");
        }
    }
}
