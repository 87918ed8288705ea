//! When something holds, and what then.

use super::then::Then;
use crate::{ask::Asked, wire::Wire};
use serde::{Deserialize, Serialize};

/// One rule of a script.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Rule {
    pub when: When,
    pub then: Then,
}

/// Conditions; all that are set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    #[allow(missing_docs)]
    pub wire: Option<Wire>,
    #[allow(missing_docs)]
    pub model: Option<String>,
    /// Somewhere in the last thing that the user said.
    pub contains: Option<String>,
    /// Somewhere in the system prompt.
    pub system: Option<String>,
    /// How many results of tools the conversation holds.
    pub tool_results: Option<usize>,
    /// The name of the JSON Schema that the answer must have, or of the tool that must be called.
    pub schema: Option<String>,
    /// The n-th call for which everything else here holds, from 1.
    pub call: Option<u64>,
}

impl When {
    /// Only calls of this model.
    #[must_use]
    pub fn model(self, model: impl Into<String>) -> Self {
        Self { model: Some(model.into()), ..self }
    }

    /// Only where the user's last words hold this.
    #[must_use]
    pub fn contains(self, text: impl Into<String>) -> Self {
        Self { contains: Some(text.into()), ..self }
    }

    /// Only with so many results of tools.
    #[must_use]
    pub fn tool_results(self, n: usize) -> Self {
        Self { tool_results: Some(n), ..self }
    }

    /// Only where an answer of this name is wanted.
    #[must_use]
    pub fn schema(self, name: impl Into<String>) -> Self {
        Self { schema: Some(name.into()), ..self }
    }

    /// Only the n-th of the calls for which the rest holds.
    #[must_use]
    pub fn call(self, n: u64) -> Self {
        Self { call: Some(n), ..self }
    }

    /// Whether all but `call` holds.
    pub(crate) fn holds(&self, wire: Wire, asked: &Asked) -> bool {
        let schema = asked.shape.as_ref().map(|shape| shape.name.as_str());
        self.wire.is_none_or(|w| w == wire)
            && self.model.as_ref().is_none_or(|model| *model == asked.model)
            && self.contains.as_ref().is_none_or(|text| asked.last_user.contains(text.as_str()))
            && self.system.as_ref().is_none_or(|text| asked.system.contains(text.as_str()))
            && self.tool_results.is_none_or(|n| n == asked.tool_results)
            && self.schema.as_ref().is_none_or(|name| schema == Some(name.as_str()))
    }
}
