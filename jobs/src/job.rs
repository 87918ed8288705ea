//! The trait a job kind implements.

use crate::{Invalid, Options};
use serde::{Serialize, de::DeserializeOwned};

/// One kind of job: its input is the type itself, its result is [`Job::Output`].
///
/// Both cross the wire as JSON. A field added later needs `#[serde(default)]`, since old jobs are still
/// waiting when new code starts.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The kind's name, 1 to 63 of `a-z`, `0-9`, `-`, `_`, `.`. It never changes once jobs exist.
    const KIND: &'static str;

    /// What a finished job of this kind returns.
    type Output: Serialize + DeserializeOwned + Send + 'static;

    /// Options of this kind where the producer does not say otherwise.
    fn defaults() -> Options {
        Options::default()
    }

    /// Checks the input beyond its types. It runs at submit and again before the handler.
    fn validate(&self) -> Result<(), Invalid> {
        Ok(())
    }
}
