//! The three wire formats: how each asks, answers, streams and fails.

mod anthropic;
mod chat;
mod responses;
mod sse;

pub(crate) use sse::Frame;

use crate::{
    answer::{Answer, Bit},
    ask::{Asked, Broken},
    counts::Usage,
    refusal::Kind,
    script::{Failure, Then},
};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wire {
    /// `POST /v1/chat/completions`.
    OpenaiChat,
    /// `POST /v1/responses`.
    OpenaiResponses,
    /// `POST /v1/messages`.
    Anthropic,
}

/// What an answer is wrapped in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope<'a> {
    /// The number of the call, from 1: ids are made of it.
    pub call: usize,
    pub asked: &'a Asked,
    pub then: &'a Then,
    /// What is stated; `None` where the rule wants none.
    pub usage: Usage,
}

impl Wire {
    /// Reads a request.
    pub(crate) fn read(self, body: &Value) -> Result<Asked, String> {
        match self {
            Self::OpenaiChat => chat::ask::read(body),
            Self::OpenaiResponses => responses::ask::read(body),
            Self::Anthropic => anthropic::ask::read(body),
        }
    }

    /// The key of a request.
    pub(crate) fn key(self, headers: &HeaderMap) -> Option<&str> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = || text("authorization")?.strip_prefix("Bearer ");
        match self {
            Self::OpenaiChat | Self::OpenaiResponses => bearer(),
            // The vendor's own client 2.12 sends the second.
            Self::Anthropic => text("x-api-key").or_else(bearer),
        }
    }

    /// What is wrong with the headers of a request.
    pub(crate) fn refuse_headers(self, headers: &HeaderMap) -> Result<(), (Kind, &'static str)> {
        if self != Self::Anthropic {
            return Ok(());
        }
        if self.key(headers).is_none() {
            return Err((Kind::Denied, "x-api-key header is required"));
        }
        if !headers.contains_key("anthropic-version") {
            return Err((Kind::Invalid, "anthropic-version: header is required"));
        }
        Ok(())
    }

    /// What is wrong with the order of calls and results, in the vendor's words.
    pub(crate) fn refuse_order(self, asked: &Asked) -> Result<(), String> {
        asked.whole(self != Self::OpenaiResponses).map_err(|broken| match (self, broken) {
            (Self::OpenaiChat, Broken::Unanswered(ids)) => format!(
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each \
                 'tool_call_id'. The following tool_call_ids did not have response messages: {}",
                ids.join(", ")
            ),
            (Self::OpenaiChat, Broken::Unasked(_)) => {
                "Invalid parameter: messages with role 'tool' must be a response to a preceding message with \
                 'tool_calls'."
                    .to_owned()
            }
            (Self::OpenaiResponses, Broken::Unanswered(ids)) => {
                format!("No tool output found for function call {}.", ids.join(", "))
            }
            (Self::OpenaiResponses, Broken::Unasked(id)) => {
                format!("No tool call found for function call output with call_id {id}.")
            }
            (Self::Anthropic, Broken::Unanswered(ids)) => format!(
                "messages: `tool_use` ids were found without `tool_result` blocks immediately after: {}. Each \
                 `tool_use` block must have a corresponding `tool_result` block in the next message.",
                ids.join(", ")
            ),
            (Self::Anthropic, Broken::Unasked(id)) => format!(
                "messages: unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each `tool_result` block \
                 must have a corresponding `tool_use` block in the previous message."
            ),
        })
    }

    /// A whole answer.
    pub(crate) fn whole(self, envelope: Envelope<'_>, answer: &Answer) -> Value {
        match self {
            Self::OpenaiChat => chat::whole(envelope, answer),
            Self::OpenaiResponses => responses::whole(envelope, answer),
            Self::Anthropic => anthropic::whole(envelope, answer),
        }
    }

    /// A streamed answer, event by event.
    pub(crate) fn frames(self, envelope: Envelope<'_>, answer: &Answer, bits: &[Bit]) -> Vec<Frame> {
        match self {
            Self::OpenaiChat => chat::frames(envelope, answer, bits),
            Self::OpenaiResponses => responses::frames(envelope, answer, bits),
            Self::Anthropic => anthropic::frames(envelope, answer, bits),
        }
    }

    /// An event that only says that the connection lives; `None` where the wire has none.
    pub(crate) fn ping(self) -> Option<Frame> {
        (self == Self::Anthropic).then(anthropic::ping)
    }

    /// An event that tells a failure in the middle of a stream.
    pub(crate) fn midway(self, envelope: Envelope<'_>, failure: &Failure, events: usize) -> Frame {
        let body = failure.kind.body(self, failure, "the answer cannot be finished");
        match self {
            Self::OpenaiChat => Frame::data(&body),
            Self::OpenaiResponses => responses::failed(envelope, &body, events),
            Self::Anthropic => Frame::named("error", &body),
        }
    }

    /// Where `Server` answers it.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::OpenaiChat => "/v1/chat/completions",
            Self::OpenaiResponses => "/v1/responses",
            Self::Anthropic => "/v1/messages",
        }
    }
}
