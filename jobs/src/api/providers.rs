//! Providers of models, as a fleet uses them now.

use serde::{Deserialize, Serialize};

/// What a fleet makes of one model of a provider by one key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LaneStats {
    #[allow(missing_docs)]
    pub provider: String,
    /// Which key, by a name that gives nothing away.
    pub key: String,
    #[allow(missing_docs)]
    pub model: String,
    /// Calls that go on.
    pub streams: u32,
    /// Calls that wait to be let through.
    pub waiting: u32,
    /// For how long the provider asked for quiet, in milliseconds; absent where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asleep_ms: Option<u64>,
    /// For how long the provider is left alone because it failed, in milliseconds; absent where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker_open_ms: Option<u64>,
}

/// Every provider, model and key that was used in the last day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Providers {
    /// Sorted by provider, key and model.
    pub lanes: Vec<LaneStats>,
}
