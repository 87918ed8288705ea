//! What looking at a message found.

use serde::{Deserialize, Serialize};

/// A rule that a message fits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// Its name: never a word of the message.
    pub rule: String,
    /// How often.
    pub count: u64,
}

/// What is to become of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What is put on record in its place.
    pub text: String,
    /// In the order of the rules' names.
    pub hits: Vec<Hit>,
    /// Invisible characters that were in it.
    pub characters: u64,
    /// Passages that people would not see.
    pub passages: u64,
    /// Why it is not taken, where it is not.
    pub refused: Option<String>,
}

impl Verdict {
    /// Whether there is anything to say of it.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.hits.is_empty() && self.characters == 0 && self.passages == 0 && self.refused.is_none()
    }
}
