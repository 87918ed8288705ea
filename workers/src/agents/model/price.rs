//! What tokens cost: whole micro-dollars per million tokens, from a dated table or from the configuration.

mod table;

pub use table::{Known, PRICES_DATE, known};

use flotilla_jobs::{Invalid, MicroUsd, Usage};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Tokens that rates are for.
const MILLION: u128 = 1_000_000;

/// What a model costs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    #[allow(missing_docs)]
    #[serde(flatten)]
    pub rates: Rates,
    /// Other rates for large prompts, the smallest first. All of a call's tokens are charged by the tier of its prompt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
}

/// Micro-dollars per million tokens, for each counter of [`Usage`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Rates {
    pub input: u64,
    pub cache_read: u64,
    pub cache_write: u64,
    pub cache_write_1h: u64,
    pub output: u64,
}

/// Rates of prompts with more than `above` tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Tier {
    pub above: u64,
    #[serde(flatten)]
    pub rates: Rates,
}

impl Price {
    /// Costs nothing: a model of one's own.
    pub const FREE: Self = Self {
        rates: Rates { input: 0, cache_read: 0, cache_write: 0, cache_write_1h: 0, output: 0 },
        tiers: Vec::new(),
    };

    /// What a call cost, rounded half up once.
    pub fn cost(&self, usage: &Usage) -> MicroUsd {
        let rates = self.rates_for(usage.prompt());
        let charged = [
            (usage.input, rates.input),
            (usage.cache_read, rates.cache_read),
            (usage.cache_write, rates.cache_write),
            (usage.cache_write_1h, rates.cache_write_1h),
            (usage.output, rates.output),
        ];
        rounded(charged.into_iter().map(|(tokens, rate)| u128::from(tokens) * u128::from(rate)))
    }

    /// Most that a call with these tokens can cost, whatever of its prompt a cache takes or gives.
    pub fn most(&self, input: u64, output: u64) -> MicroUsd {
        let rates = self.rates_for(input);
        let dearest = rates.input.max(rates.cache_read).max(rates.cache_write);
        rounded(
            [(input, dearest), (output, rates.output)].into_iter().map(|(n, rate)| u128::from(n) * u128::from(rate)),
        )
    }

    fn rates_for(&self, prompt: u64) -> &Rates {
        self.tiers.iter().rev().find(|tier| prompt > tier.above).map_or(&self.rates, |tier| &tier.rates)
    }
}

/// The sum of tokens × rates, in micro-dollars. It fits: five products of 64 bits each fit 128 with room, as long as none
/// is near the top, and one that is saturates.
fn rounded(products: impl Iterator<Item = u128>) -> MicroUsd {
    let sum = products.fold(0u128, u128::saturating_add);
    MicroUsd(u64::try_from(sum.saturating_add(MILLION / 2) / MILLION).unwrap_or(u64::MAX))
}

/// Dollars per million tokens, as people write them. What a cache takes and gives costs as much as input where nothing
/// is said.
pub(super) fn from_dollars(pairs: &BTreeMap<String, String>) -> Result<Price, Invalid> {
    let known = ["input", "cache_read", "cache_write", "cache_write_1h", "output"];
    if let Some(name) = pairs.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(Invalid::new("price", format!("`{name}` has no price; use {}", known.join(", "))));
    }
    let rate = |name: &str| -> Result<Option<u64>, Invalid> {
        pairs.get(name).map(|text| text.parse::<MicroUsd>().map(|MicroUsd(rate)| rate)).transpose()
    };
    let missing = |name: &str| Invalid::new("price", format!("has no `{name}`; say dollars per million tokens"));
    let input = rate("input")?.ok_or_else(|| missing("input"))?;
    let output = rate("output")?.ok_or_else(|| missing("output"))?;
    let cache_write = rate("cache_write")?.unwrap_or(input);
    let rates = Rates {
        input,
        cache_read: rate("cache_read")?.unwrap_or(input),
        cache_write,
        cache_write_1h: rate("cache_write_1h")?.unwrap_or(cache_write),
        output,
    };
    Ok(Price { rates, tiers: Vec::new() })
}

#[cfg(test)]
mod tests;
