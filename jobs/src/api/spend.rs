//! What was spent.

use crate::{Invalid, MicroUsd, Usage};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Which spending, and in what rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpendQuery {
    /// First day, UTC; today unless set.
    pub since: Option<Date>,
    /// Last day, inclusive; today unless set.
    pub until: Option<Date>,
    /// Only this tenant's.
    pub tenant: Option<String>,
    /// Only this agent's.
    pub agent: Option<String>,
    /// Only this model's.
    pub model: Option<String>,
    /// A row for each of these; one row for all where none is named.
    pub by: Vec<SpendBy>,
}

/// What rows differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[allow(missing_docs)]
pub enum SpendBy {
    Day,
    Tenant,
    Agent,
    Model,
}

impl SpendBy {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Day, Self::Tenant, Self::Agent, Self::Model];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Tenant => "tenant",
            Self::Agent => "agent",
            Self::Model => "model",
        }
    }
}

impl FromStr for SpendBy {
    type Err = Invalid;

    fn from_str(name: &str) -> Result<Self, Invalid> {
        let known = Self::ALL.into_iter().find(|by| by.as_str() == name);
        known.ok_or_else(|| Invalid::new("by", format!("`{name}`: use some of day, tenant, agent, model")))
    }
}

/// Calls of models and what they cost. Only what the rows were asked to differ in is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SpendRow {
    /// The day the calls began, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = Date))]
    pub day: Option<Date>,
    #[allow(missing_docs)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    #[allow(missing_docs)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    #[allow(missing_docs)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Calls made, with those that failed or were lost.
    pub calls: u64,
    /// Calls whose worker died or lost its job before their end was known; the provider may have charged them.
    pub lost: u64,
    /// Calls whose cost is not known: they are not part of `cost`.
    pub unknown: u64,
    /// Calls whose provider did not say what they used: all that was held for them is in `cost`.
    #[serde(default)]
    pub estimated: u64,
    #[allow(missing_docs)]
    pub usage: Usage,
    /// In micro-dollars.
    pub cost: MicroUsd,
    /// Held by calls that are being made, in micro-dollars.
    pub held: MicroUsd,
    /// Answers that came from the cache: they are no calls, and cost nothing.
    #[serde(default)]
    pub cached: u64,
    /// What those would have cost otherwise, in micro-dollars.
    #[serde(default)]
    pub saved: MicroUsd,
}

/// The answer to a [`SpendQuery`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Spend {
    /// Newest day first, then the dearest.
    pub rows: Vec<SpendRow>,
}

/// A budget and how full it is. Amounts of money are in micro-dollars.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BudgetState {
    /// Whose it is and for what time, in words: `tenant acme, per day`.
    pub budget: String,
    /// The most it allows; `None` for any.
    pub most: Option<MicroUsd>,
    /// The most tokens it allows, in and out; `None` for any.
    pub most_tokens: Option<u64>,
    #[allow(missing_docs)]
    pub spent: MicroUsd,
    #[allow(missing_docs)]
    pub spent_tokens: u64,
    /// By calls that are being made.
    pub held: MicroUsd,
    /// By calls that are being made.
    pub held_tokens: u64,
}

/// Budgets that are limited: those of the fleet, of tenants with a limit of their own, and of tenants that spent today.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BudgetStates {
    #[allow(missing_docs)]
    pub budgets: Vec<BudgetState>,
}
