//! `chat-turn`: one message of a user in a session, answered by an agent.

use crate::{Group, Invalid, Job, JobId, MicroUsd, Options, Usage, names};
use serde::{Deserialize, Serialize};

/// One turn of a chat. Turns of a session run one at a time, in order: submit with [`ChatTurn::options`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatTurn {
    /// The session it belongs to: 1 to 256 bytes.
    pub session: String,
    /// What the user said: 1 byte to 1 MiB.
    pub message: String,
    /// Who said it: 1 to 256 bytes.
    pub user: String,
    /// A model or route the user would like; the agent's own otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Whether the answer is written to the job's live output as it grows.
    #[serde(default)]
    pub stream: bool,
}

/// The answer to a turn.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatReply {
    /// The whole answer: the text of the newest assistant entry that the turn left. Empty where the message was part of
    /// another turn.
    pub text: String,
    /// The model that wrote it; empty where the message was part of another turn.
    pub model: String,
    /// The session it is in.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub session: String,
    /// The numbers of the messages that it answers, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<u64>,
    /// The job whose turn answers this message, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<JobId>,
    /// Whether the answer was cut off at its longest.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// Finished calls of models and tools, those for a summary among them.
    #[serde(default)]
    pub steps: u32,
    /// Tokens of the turn, as far as providers said.
    #[serde(default)]
    pub usage: Usage,
    /// What the turn cost, as far as prices are known.
    #[serde(default)]
    pub cost: MicroUsd,
    /// What a user should know of it: a model that was asked for and is not configured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl ChatTurn {
    /// Longest message, in bytes.
    pub const MAX_MESSAGE: usize = 1024 * 1024;

    /// Options that make this turn wait for the session's earlier ones.
    pub fn options(&self) -> Options {
        Options { group: Some(Group { key: format!("session:{}", self.session), limit: 1 }), ..Options::default() }
    }
}

impl Job for ChatTurn {
    const KIND: &'static str = "chat-turn";
    type Output = ChatReply;

    fn defaults() -> Options {
        Options { timeout_ms: Some(10 * 60_000), ..Options::default() }
    }

    fn validate(&self) -> Result<(), Invalid> {
        names::key("session", &self.session)?;
        names::key("user", &self.user)?;
        if self.message.is_empty() || self.message.len() > Self::MAX_MESSAGE {
            return Err(Invalid::new(
                "message",
                format!("is {} bytes; use 1 to {}", self.message.len(), Self::MAX_MESSAGE),
            ));
        }
        self.model.as_deref().map_or(Ok(()), |m| names::key("model", m))
    }
}
