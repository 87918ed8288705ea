//! What the provider says and how it behaves: a TOML or JSON file, or values in a test.

mod read;
mod rule;
mod then;

pub use read::ScriptError;
pub use rule::{Rule, When};
pub use then::{Counts, Cut, Failure, How, Midway, Quirk, Stall, Then, Thinking, ToolCall};

use crate::counts::{Prices, Usage};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Stands for every model that has no price of its own.
const ANY_MODEL: &str = "*";

/// All of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// By model; `*` for every other one. A model without a price has calls of unknown cost.
    pub prices: BTreeMap<String, Prices>,
    /// How fast it speaks; 0 for at once.
    pub tokens_per_second: u32,
    /// From the head of an answer to its first token.
    pub first_token_ms: u64,
    /// The keys that it knows; empty for all.
    pub keys: Vec<String>,
    /// The longest prompt with its answer, in tokens; 0 for no limit.
    pub context_tokens: u64,
    /// Of each key.
    pub limits: Limits,
    /// The first whose conditions hold decides; with none, the provider answers by itself.
    pub rules: Vec<Rule>,
}

/// What a key may have in a minute, and at once; 0 for no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Limits {
    pub requests_per_minute: u64,
    pub input_tokens_per_minute: u64,
    pub output_tokens_per_minute: u64,
    /// Answers under way.
    pub streams: u64,
}

impl Default for Script {
    fn default() -> Self {
        let prices = Prices {
            input: 1_000_000,
            cache_read: 100_000,
            cache_write: 1_250_000,
            cache_write_1h: 2_000_000,
            output: 5_000_000,
        };
        Self {
            prices: BTreeMap::from([(ANY_MODEL.to_owned(), prices)]),
            tokens_per_second: 0,
            first_token_ms: 0,
            keys: Vec::new(),
            context_tokens: 0,
            limits: Limits::default(),
            rules: Vec::new(),
        }
    }
}

impl Script {
    /// The same, with one more rule after the others.
    #[must_use]
    pub fn rule(mut self, when: When, then: Then) -> Self {
        self.rules.push(Rule { when, then });
        self
    }

    /// What a call of a model costs in micro-dollars; `None` where the model has no price.
    pub fn cost(&self, model: &str, usage: &Usage) -> Option<u64> {
        self.prices.get(model).or_else(|| self.prices.get(ANY_MODEL)).map(|prices| prices.cost(usage))
    }
}
