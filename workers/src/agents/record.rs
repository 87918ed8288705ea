//! What the rows of a run's journal hold.
//!
//! Messages are append-only: a model's step holds what is new since the one before. What tools said is in their own
//! steps, and a model's step only names those; so the journal grows with the conversation, not with its square.

use super::{
    halt::Halt,
    model::{Message, Reply, Shape, ToolSpec},
};
use crate::journal::Step;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::{RawValue, to_raw_value};

/// What is new in the input of a model's step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum New {
    /// The beginning of a conversation.
    Opening(Opening),
    /// The results of the tools that were called in these steps of the same thread, in this order.
    Results(Vec<u32>),
    /// Something that we say.
    Said(String),
    /// One of these, and what people said meanwhile.
    Heard(Box<New>, Vec<String>),
}

/// All that is known of a conversation before its first answer, but for the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Opening {
    pub system: String,
    pub prompt: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolSpec>,
    pub max_output: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Shape>,
    /// What was said before, where it is a history; then there is no prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<History>,
}

/// Entries of a session that a conversation goes on with. They never change, so they are not in the journal again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The newest one.
    pub leaf: u64,
    /// The oldest one that is told; what was before is told by a summary, if at all.
    pub from: u64,
    /// How many messages they make.
    pub messages: u64,
    /// The newest message of a user.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub newest: String,
}

/// What people said meanwhile: messages up to one, told from a step on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Heard {
    /// The number of the model's step that is told of them.
    pub at: u32,
    pub upto: u64,
}

/// What a model's step gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Said {
    /// The model that answered, by our name for it.
    pub by: String,
    pub reply: Reply,
}

/// A call of a tool, as the model made it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Called {
    pub id: String,
    pub arguments: String,
}

/// What a tool's step gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Gave {
    pub text: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub failed: bool,
}

impl Gave {
    /// As the model is told of it.
    pub fn message(&self, id: &str) -> Message {
        Message::Tool { id: id.to_owned(), text: self.text.clone(), failed: self.failed }
    }
}

/// Bodies of tool results that are no longer sent, from a step on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Compacted {
    /// The number of the model's step that they are dropped before.
    pub at: u32,
    /// Which messages of the conversation.
    pub messages: Vec<usize>,
}

/// A value for a row.
pub(super) fn write(value: &impl Serialize) -> Result<Box<RawValue>, Halt> {
    to_raw_value(value).map_err(|error| Halt::fail("journal", format!("a step cannot be written as JSON: {error}")))
}

/// The result of a step on record.
pub(super) fn read<T: DeserializeOwned>(step: &Step) -> Result<T, Halt> {
    serde_json::from_str(step.response.get()).map_err(|error| {
        let (thread, seq) = (step.key.thread, step.key.seq);
        let what = format!(
            "step {thread}/{seq} ({}) is on record in a form that this version cannot read: {error}; retry the job with \
             the version that began it, or submit it anew",
            step.name
        );
        Halt::fail("journal_unreadable", what)
    })
}
