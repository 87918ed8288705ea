//! A setting is wrong: which, where it was set, and what would be right.

use super::Origin;

/// A setting that does not hold up.
#[derive(Debug, thiserror::Error)]
#[error("{}{}{message}", self.place(), self.key_part())]
pub struct Error {
    pub origin: Option<Origin>,
    pub key: String,
    pub message: String,
}

impl Error {
    pub fn new(origin: Option<Origin>, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { origin, key: key.into(), message: message.into() }
    }

    fn place(&self) -> String {
        self.origin.as_ref().filter(|o| **o != Origin::Default).map(|origin| format!("{origin}: ")).unwrap_or_default()
    }

    fn key_part(&self) -> String {
        if self.key.is_empty() { String::new() } else { format!("{}: ", self.key) }
    }
}
