//! The table of prices that comes with the program: `prices.toml`, made by `scripts/prices`.

use super::{Price, Rates, Tier};
use serde::Deserialize;
use std::{collections::BTreeMap, sync::LazyLock};

/// A model of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Known {
    /// Most tokens that go in.
    pub context: u64,
    /// Most tokens that come out.
    pub max_output: u32,
    pub price: Price,
}

#[derive(Deserialize)]
struct Table {
    date: String,
    models: BTreeMap<String, Row>,
}

#[derive(Deserialize)]
struct Row {
    context: u64,
    max_output: u32,
    #[serde(flatten)]
    rates: Rates,
    #[serde(default)]
    tiers: Vec<Tier>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    // The file is part of the program, and a test reads it.
    toml::from_str(include_str!("../prices.toml"))
        .unwrap_or_else(|_| Table { date: String::new(), models: BTreeMap::new() })
});

/// The day the table is of.
pub static PRICES_DATE: LazyLock<&str> = LazyLock::new(|| &TABLE.date);

/// What the table says of a model, by exactly the name its vendor's API knows it by. A model that is not there has no
/// price: one that is like it may cost anything.
pub fn known(id: &str) -> Option<Known> {
    let row = TABLE.models.get(id)?;
    let price = Price { rates: row.rates, tiers: row.tiers.clone() };
    Some(Known { context: row.context, max_output: row.max_output, price })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert!(TABLE.models.len() >= 60, "{} models", TABLE.models.len());
        assert!(PRICES_DATE.parse::<jiff::civil::Date>().is_ok(), "{}", *PRICES_DATE);
        for (name, row) in &TABLE.models {
            assert!(row.context >= 4_096 && row.max_output >= 1_024, "{name}");
            let mut above = 0;
            for rates in [&row.rates].into_iter().chain(row.tiers.iter().map(|tier| &tier.rates)) {
                let Rates { input, cache_read, cache_write, cache_write_1h, output } = *rates;
                assert!(input > 0 && cache_read > 0 && cache_write > 0 && output > 0, "{name} has a price of nothing");
                assert!(cache_read <= input && cache_write_1h >= cache_write, "{name}");
                assert!(output < 1_000_000_000, "{name}: above 1,000 dollars a million tokens");
            }
            for tier in &row.tiers {
                assert!(tier.above > above, "{name}: tiers out of order");
                above = tier.above;
            }
        }
    }
}
