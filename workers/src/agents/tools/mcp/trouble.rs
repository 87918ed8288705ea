//! Why a server gave nothing.

use crate::agents::tool::{ToolError, output};
use rmcp::{ServiceError, model::ErrorData, service::ClientInitializeError};

/// Most bytes of a server's own words about an error.
const MAX_SAID: usize = 1_024;

/// Why a server gave nothing. As text it holds nothing that a server said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    #[error("it cannot be started: {0}")]
    Start(String),
    #[error("{0}")]
    Web(String),
    #[error("it did not answer within {0} s, and was ended")]
    Late(u64),
    #[error("it ended, or broke the protocol, before it answered")]
    Over,
    #[error("it does not greet as the protocol asks")]
    Greeting,
    #[error("its list of tools is longer than anyone would read")]
    List,
    #[error("it answers with error {code}")]
    Said { code: i32, message: String },
    #[error("it does not have this tool any more; the call was not made, go on without it")]
    Gone,
    #[error("it takes other arguments for this tool than when the run began; the call was not made, go on without it")]
    Changed,
    #[error("it asks for more than the call, which it does not get")]
    Asks,
    #[error("it was started {0} times in this run, and is not started again; go on without it")]
    Spent(u32),
}

impl Trouble {
    /// Whether the conversation can go on.
    pub fn is_harmless(&self) -> bool {
        matches!(self, Self::Said { .. } | Self::Gone | Self::Changed | Self::Asks)
    }

    /// What the model is told.
    pub fn told(&self, server: &str) -> ToolError {
        let own = match self {
            Self::Said { message, .. } => format!(": {}", output::cap(message.as_bytes(), MAX_SAID)),
            _ => String::new(),
        };
        ToolError::said(format!("MCP server `{server}`: {self}{own}"))
    }
}

impl From<ErrorData> for Trouble {
    fn from(error: ErrorData) -> Self {
        Self::Said { code: error.code.0, message: error.message.into_owned() }
    }
}

impl From<ServiceError> for Trouble {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::McpError(error) => error.into(),
            _ => Self::Over,
        }
    }
}

impl From<ClientInitializeError> for Trouble {
    fn from(error: ClientInitializeError) -> Self {
        match error {
            ClientInitializeError::JsonRpcError(error) => error.into(),
            ClientInitializeError::ConnectionClosed(_) | ClientInitializeError::TransportError { .. } => Self::Over,
            _ => Self::Greeting,
        }
    }
}
