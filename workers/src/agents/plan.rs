//! What a run must not read twice: pinned when it begins, on record with it.

use super::{definition::Definition, halt::Halt};
use serde::{Deserialize, Serialize};
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

/// Largest plan, in bytes.
const MAX_PLAN: usize = 1 << 20;

/// A run's plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    pub definition: Definition,
    /// Of the definition.
    pub hash: String,
    /// Those of the route, in its order, by our names.
    pub models: Vec<String>,
    /// A route that whoever opened the run wants instead of the agent's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// What whoever opened the run wants to keep: revisions, settings.
    pub extra: Value,
    /// Why an earlier run of the same job was left, where it was for a step that did not fit its record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diverged: Option<String>,
}

impl Plan {
    /// For the journal.
    pub fn write(&self) -> Result<Box<RawValue>, Halt> {
        let text =
            to_raw_value(self).map_err(|error| Halt::fail("plan", format!("the run's plan is not JSON: {error}")))?;
        let size = text.get().len();
        if size > MAX_PLAN {
            let what = format!("the run's plan has {size} bytes, above the limit of {} MiB", MAX_PLAN >> 20);
            return Err(Halt::fail("plan", what));
        }
        Ok(text)
    }

    /// From the journal; `None` where another version wrote it, which this one cannot go on with.
    pub fn read(text: &RawValue) -> Option<Self> {
        serde_json::from_str(text.get()).ok()
    }
}
