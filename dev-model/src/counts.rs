//! Tokens of a call in counters that do not overlap, and what they cost.

use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// Tokens, in counters that do not overlap whatever the wire's own do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Usage {
    /// Read at the full price.
    pub input: u64,
    /// Read from the cache.
    pub cache_read: u64,
    /// Written to the cache, for minutes.
    pub cache_write: u64,
    /// Written to the cache, for an hour.
    pub cache_write_1h: u64,
    /// Given out, with what was thought.
    pub output: u64,
    /// How many of `output` were thinking.
    pub reasoning: u64,
}

impl Usage {
    /// All that went in.
    pub const fn prompt(&self) -> u64 {
        self.input + self.cache_read + self.cache_write + self.cache_write_1h
    }

    /// The same where the answer ended after so many tokens.
    #[must_use]
    pub fn ended_after(self, tokens: u64) -> Self {
        let output = self.output.min(tokens);
        Self { output, reasoning: self.reasoning.min(output), ..self }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input += other.input;
        self.cache_read += other.cache_read;
        self.cache_write += other.cache_write;
        self.cache_write_1h += other.cache_write_1h;
        self.output += other.output;
        self.reasoning += other.reasoning;
    }
}

/// What a million tokens of each counter cost, in micro-dollars. Thinking costs what output costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Prices {
    pub input: u64,
    pub cache_read: u64,
    pub cache_write: u64,
    pub cache_write_1h: u64,
    pub output: u64,
}

impl Prices {
    /// What a call costs in micro-dollars, rounded half up once.
    pub fn cost(&self, usage: &Usage) -> u64 {
        let lines = [
            (usage.input, self.input),
            (usage.cache_read, self.cache_read),
            (usage.cache_write, self.cache_write),
            (usage.cache_write_1h, self.cache_write_1h),
            (usage.output, self.output),
        ];
        let sum: u128 = lines.iter().map(|(tokens, price)| u128::from(*tokens) * u128::from(*price)).sum();
        u64::try_from((sum + 500_000) / 1_000_000).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_rounded_half_up_once() {
        let prices = Prices { input: 1_250_000, output: 10_000_000, cache_read: 125_000, ..Prices::default() };
        let usage = Usage { input: 3, cache_read: 2, output: 1, reasoning: 1, ..Usage::default() };
        // 3.75 + 0.25 + 10
        assert_eq!(prices.cost(&usage), 14);
        let half = Prices { input: 500_000, ..Prices::default() };
        assert_eq!([1, 2, 3].map(|input| half.cost(&Usage { input, ..Usage::default() })), [1, 1, 2]);
    }
}
