//! What a rule makes of a call: an answer, a failure, and how either misbehaves.

use crate::{counts::Usage, refusal::Kind};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What happens. Without `text`, `json` or `tools` the provider says what it would say by itself, and the rest of this
/// still holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Then {
    /// Thought before anything is said; Anthropic's wire wants it back with the next call.
    pub thinking: Vec<Thinking>,
    /// Said.
    pub text: Option<String>,
    /// Said as JSON: as text, or as the arguments of the tool that must be called.
    pub json: Option<Value>,
    /// Called.
    pub tools: Vec<ToolCall>,
    /// The reason to stop, in the wire's own word; may be empty.
    pub stop: Option<String>,
    /// Counters to state and to bill instead of those counted.
    pub usage: Counts,
    /// Instead of an answer.
    pub error: Option<Failure>,
    /// Before the head of the answer.
    pub first_byte_ms: u64,
    /// Instead of the script's.
    pub first_token_ms: Option<u64>,
    /// Instead of the script's.
    pub tokens_per_second: Option<u32>,
    /// Silence in the middle of the answer.
    pub stall: Option<Stall>,
    /// The connection ends in the middle of the answer.
    pub cut: Option<Cut>,
    /// A failure is told in the middle of a stream that began well.
    pub midway: Option<Midway>,
    /// An event that is no JSON, after so many pieces of the stream; a whole answer is no JSON at all.
    pub garbage_after: Option<usize>,
    /// The stream is written in parts of so many bytes, whatever they split; 0 for whole events.
    pub split: usize,
    /// So many pings after the start, where the wire has them; else comments.
    pub pings: usize,
    /// While it is silent, a ping or a comment so often; 0 for none.
    pub keep_alive_ms: u64,
    #[allow(missing_docs)]
    pub quirks: Vec<Quirk>,
}

/// A thought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Thinking {
    #[allow(missing_docs)]
    pub text: String,
    /// Proof that it was thought here; made up where it is empty.
    pub signature: String,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    #[allow(missing_docs)]
    pub name: String,
    /// An object; text is sent as it is, whether it is JSON or not.
    #[serde(default)]
    pub arguments: Value,
    /// Made up where there is none.
    #[serde(default)]
    pub id: Option<String>,
}

/// Counters to state; those that are `None` are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Counts {
    pub input: Option<u64>,
    pub cache_read: Option<u64>,
    pub cache_write: Option<u64>,
    pub cache_write_1h: Option<u64>,
    pub output: Option<u64>,
    pub reasoning: Option<u64>,
}

/// An answer that is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Failure {
    /// Decides what is not given below, as the wire's vendor has it.
    pub kind: Kind,
    #[allow(missing_docs)]
    pub status: Option<u16>,
    /// `error.code` of OpenAI's wires, `error.details.error_code` of Anthropic's.
    pub code: Option<String>,
    /// `error.type`.
    #[serde(rename = "type")]
    pub sort: Option<String>,
    #[allow(missing_docs)]
    pub message: Option<String>,
    /// Seconds, or `date+SECONDS` for an HTTP date that far from now.
    pub retry_after: Option<String>,
    #[allow(missing_docs)]
    pub headers: BTreeMap<String, String>,
    /// The whole body, whatever it is.
    pub body: Option<String>,
    #[allow(missing_docs)]
    pub content_type: Option<String>,
}

/// Silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stall {
    /// After so many pieces of text or arguments; a whole answer is late by as much.
    #[serde(default)]
    pub after: usize,
    /// How long, unless [`crate::Server::release`] ends it.
    pub ms: u64,
}

/// The end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// After so many pieces of text or arguments; a whole answer is cut in its middle.
    #[serde(default)]
    pub after: usize,
    #[allow(missing_docs)]
    pub how: How,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// With a TCP reset, in the middle of an event.
    Reset,
    /// With a FIN before the body is whole, in the middle of an event.
    Fin,
    /// As if the body were whole, between two events.
    End,
}

/// An error in a stream whose head said 200.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Midway {
    /// After so many pieces of text or arguments.
    pub after: usize,
    pub kind: Kind,
    pub message: Option<String>,
}

/// What compatible servers, proxies and vendors do to a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quirk {
    /// Lines end in CR LF.
    Crlf,
    /// Comment lines between events.
    Comments,
    /// Events, fields and values that no client knows yet; padding of deltas.
    Unknown,
    /// The pieces of several tool calls take turns.
    Interleaved,
    /// No `[DONE]`, `response.completed`, `message_stop`.
    MissingEnd,
    /// No reason to stop.
    MissingStop,
    /// No usage, though it was asked for.
    MissingUsage,
    /// `usage: {}`.
    EmptyUsage,
    /// Usage comes with the last choice, not after it (OpenAI Chat).
    UsageWithChoice,
    /// `content: null` where there is no text.
    NullContent,
    /// Arguments of tools are an object instead of text (OpenAI's wires).
    ObjectArguments,
}

impl Then {
    /// Says a text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    /// Says JSON.
    pub fn json(value: Value) -> Self {
        Self { json: Some(value), ..Self::default() }
    }

    /// Calls a tool.
    pub fn tool(name: impl Into<String>, arguments: Value) -> Self {
        Self::default().and_tool(name, arguments)
    }

    /// Calls one more tool.
    #[must_use]
    pub fn and_tool(mut self, name: impl Into<String>, arguments: Value) -> Self {
        self.tools.push(ToolCall { name: name.into(), arguments, id: None });
        self
    }

    /// Fails.
    pub fn error(kind: Kind) -> Self {
        Self { error: Some(Failure { kind, ..Failure::default() }), ..Self::default() }
    }

    /// The same, cut after so many pieces.
    #[must_use]
    pub fn cut(self, after: usize, how: How) -> Self {
        Self { cut: Some(Cut { after, how }), ..self }
    }

    /// The same, silent after so many pieces.
    #[must_use]
    pub fn stall(self, after: usize, ms: u64) -> Self {
        Self { stall: Some(Stall { after, ms }), ..self }
    }

    /// The same, with one more quirk.
    #[must_use]
    pub fn quirk(mut self, quirk: Quirk) -> Self {
        self.quirks.push(quirk);
        self
    }

    /// Whether the provider says what it would say by itself; a thought alone changes nothing of that.
    pub(crate) fn says_nothing(&self) -> bool {
        self.text.is_none() && self.json.is_none() && self.tools.is_empty()
    }

    pub(crate) fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }
}

impl Counts {
    /// What is stated and billed for what was counted.
    pub(crate) fn over(&self, counted: Usage) -> Usage {
        Usage {
            input: self.input.unwrap_or(counted.input),
            cache_read: self.cache_read.unwrap_or(counted.cache_read),
            cache_write: self.cache_write.unwrap_or(counted.cache_write),
            cache_write_1h: self.cache_write_1h.unwrap_or(counted.cache_write_1h),
            output: self.output.unwrap_or(counted.output),
            reasoning: self.reasoning.unwrap_or(counted.reasoning),
        }
    }
}
