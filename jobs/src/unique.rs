//! Unique keys: a second submit of the same work returns the first job.

use crate::{Invalid, names};
use serde::{Deserialize, Serialize};

/// At most one job for a key, within a scope. The key counts within the job's tenant and kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Unique {
    /// 1 to 256 bytes, no control characters.
    pub key: String,
    /// How long the key stays taken.
    #[serde(default)]
    pub scope: UniqueScope,
}

/// How long a unique key stays taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum UniqueScope {
    /// Until the first job starts: at most one waits behind one that runs.
    Waiting,
    /// Until the first job has its final result.
    #[default]
    Unfinished,
    /// For this many milliseconds from the first submit, whatever becomes of the job.
    WindowMs(u64),
}

impl Unique {
    /// Longest window: 30 days.
    pub const MAX_WINDOW_MS: u64 = 30 * 86_400_000;

    pub(crate) fn validate(&self) -> Result<(), Invalid> {
        names::key("unique.key", &self.key)?;
        match self.scope {
            UniqueScope::WindowMs(ms) if ms == 0 || ms > Self::MAX_WINDOW_MS => Err(Invalid::new(
                "unique.scope.window_ms",
                format!("is {ms}; use 1 to {} (30 days)", Self::MAX_WINDOW_MS),
            )),
            _ => Ok(()),
        }
    }
}
