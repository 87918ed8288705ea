//! `chat-turn`: one message of a user in a session, answered by an agent.

use crate::{Group, Invalid, Job, Options, names};
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatReply {
    /// The whole answer.
    pub text: String,
    /// The model that wrote it.
    pub model: String,
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
