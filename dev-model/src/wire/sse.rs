//! One server-sent event, before it is bytes.

use serde_json::Value;

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub event: Option<String>,
    pub data: String,
    /// It is a piece of text, of a thought or of arguments: one token.
    pub piece: bool,
    /// It ends the stream for the client.
    pub end: bool,
    /// It says why the answer stopped.
    pub stop: bool,
}

impl Frame {
    /// Data without a name.
    pub fn data(value: &Value) -> Self {
        Self { event: None, data: value.to_string(), piece: false, end: false, stop: false }
    }

    /// Data with a name.
    pub fn named(event: &str, value: &Value) -> Self {
        Self { event: Some(event.to_owned()), ..Self::data(value) }
    }

    /// The same, as a piece of what is said.
    pub fn piece(self) -> Self {
        Self { piece: true, ..self }
    }

    /// The same, as the end.
    pub fn end(self) -> Self {
        Self { end: true, ..self }
    }

    /// The same, as what says why it stopped.
    pub fn stop(self) -> Self {
        Self { stop: true, ..self }
    }

    /// As lines, each with this end.
    pub fn bytes(&self, eol: &str) -> Vec<u8> {
        let event = self.event.as_ref().map(|event| format!("event: {event}{eol}")).unwrap_or_default();
        format!("{event}data: {}{eol}{eol}", self.data).into_bytes()
    }
}
