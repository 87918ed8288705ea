//! What a model is asked and what it says, whatever wire it is behind.

mod catalog;
pub(in crate::agents) mod client;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod price;
mod refusal;
pub mod retry;
mod route;
mod settings;
pub mod tokens;
mod wire;

pub use catalog::{Catalog, Model, Provider, Timeouts};
pub use client::{Answered, Client, Probe};
pub use error::{Class, ModelError};
pub use price::Price;
pub use route::{Choice, Complexity, Facts, Route, Rule};
pub use settings::{ChoiceSettings, ModelSettings, PriceSettings, ProviderSettings, RouteSettings, Settings};

use flotilla_jobs::Usage;
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};

/// One call of a model.
#[derive(Clone, Debug)]
pub struct Request {
    /// Said before everything else.
    pub system: Arc<str>,
    /// What was said so far, the oldest first.
    pub messages: Vec<Message>,
    /// What it may call.
    pub tools: Arc<[ToolSpec]>,
    /// Most tokens it may give.
    pub max_output: u32,
    /// `None` leaves it to the provider.
    pub temperature: Option<f64>,
    /// The answer must be JSON of this shape, where the provider can be told so.
    pub answer: Option<Arc<Shape>>,
}

/// Something said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Message {
    /// By us, or by whom we speak for.
    User {
        #[allow(missing_docs)]
        text: String,
    },
    /// By the model.
    Assistant {
        #[allow(missing_docs)]
        parts: Vec<Part>,
    },
    /// By a tool that it called.
    Tool {
        /// Of the [`Part::ToolCall`].
        id: String,
        #[allow(missing_docs)]
        text: String,
        /// Whether the call failed.
        #[serde(default)]
        failed: bool,
    },
}

/// A part of what a model said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    #[allow(missing_docs)]
    Text { text: String },
    /// It wants a tool to be called.
    ToolCall {
        #[allow(missing_docs)]
        id: String,
        #[allow(missing_docs)]
        name: String,
        /// As the model wrote them: meant to be a JSON object, not checked.
        arguments: String,
    },
    /// Something that only its provider understands and wants back as it is: thinking with its signature.
    Opaque {
        #[allow(missing_docs)]
        wire: Wire,
        #[allow(missing_docs)]
        value: serde_json::Value,
    },
}

/// A tool, as a model is told of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ToolSpec {
    pub name: String,
    pub description: String,
    /// JSON Schema of its arguments.
    pub parameters: serde_json::Value,
}

/// A named JSON Schema.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Shape {
    pub name: String,
    pub schema: serde_json::Value,
}

/// The formats that providers speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wire {
    /// `POST {base}/chat/completions`.
    OpenaiChat,
    /// `POST {base}/responses`.
    OpenaiResponses,
    /// `POST {base}/v1/messages`.
    Anthropic,
}

/// Something a model says while it speaks.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// It answers.
    Started {
        /// The provider's name for the call, and the model it says it is.
        id: Option<String>,
        #[allow(missing_docs)]
        model: Option<String>,
    },
    #[allow(missing_docs)]
    Text(String),
    /// Thinking, for people to see that it goes on.
    Thinking(String),
    /// A tool call begins; its arguments follow in pieces, and calls may be interleaved.
    ToolStart {
        #[allow(missing_docs)]
        index: u32,
        #[allow(missing_docs)]
        id: String,
        #[allow(missing_docs)]
        name: String,
    },
    /// A piece of the JSON of a call's arguments.
    ToolArguments {
        #[allow(missing_docs)]
        index: u32,
        #[allow(missing_docs)]
        piece: String,
    },
}

/// Why a model stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// It has said all.
    End,
    /// It may say no more: `max_output`, or its context is full.
    Length,
    /// It waits for tools.
    ToolCalls,
    /// The provider withholds the rest.
    Refused,
    /// In the provider's own word.
    Other(String),
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    #[allow(missing_docs)]
    pub parts: Vec<Part>,
    #[allow(missing_docs)]
    pub stop: Stop,
    /// `None` where the provider did not say.
    pub usage: Option<Usage>,
    /// The model that answered, in the provider's word.
    pub model: Option<String>,
    /// The provider's name for the call.
    pub id: Option<String>,
    /// From the request to the first event that says something; on record for people.
    #[serde(default)]
    pub first_token: Duration,
}

impl Reply {
    /// All text of it.
    pub fn text(&self) -> String {
        text_of(&self.parts)
    }
}

/// All text among the parts of an answer.
pub fn text_of(parts: &[Part]) -> String {
    parts.iter().filter_map(|part| if let Part::Text { text } = part { Some(text.as_str()) } else { None }).collect()
}
