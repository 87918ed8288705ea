//! Sums that were worked out by hand.

use super::*;

fn dollars(pairs: &[(&str, &str)]) -> Result<Price, Invalid> {
    from_dollars(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
}

#[test]
fn a_call_costs_what_its_counters_say() {
    let sonnet = known("claude-sonnet-4-5").unwrap().price;
    let usage = Usage {
        input: 1_000,
        cache_read: 20_000,
        cache_write: 3_000,
        cache_write_1h: 100,
        output: 500,
        reasoning: 400,
    };
    // 1,000 × 3.00 + 20,000 × 0.30 + 3,000 × 3.75 + 100 × 6.00 + 500 × 15.00 dollars a million.
    assert_eq!(sonnet.cost(&usage), MicroUsd(3_000 + 6_000 + 11_250 + 600 + 7_500));
}

#[test]
fn it_is_rounded_half_up_once_a_call() {
    let price = dollars(&[("input", "0.10"), ("output", "0.40")]).unwrap();
    let cost = |input, output| price.cost(&Usage { input, output, ..Usage::default() }).0;
    // 4 × 0.1 is 0.4 of a micro-dollar, 5 × 0.1 is half of one; 4 and 1 together are 0.8, where each alone is nothing.
    assert_eq!((cost(4, 0), cost(5, 0), cost(4, 1), cost(0, 1)), (0, 1, 1, 0));
}

#[test]
fn a_large_prompt_is_charged_by_its_tier_as_a_whole() {
    let gemini = known("gemini-2.5-pro").unwrap().price;
    let cost = |cache_read, input| gemini.cost(&Usage { input, cache_read, output: 1_000, ..Usage::default() }).0;
    assert_eq!(cost(100_000, 100_000), 12_500 + 125_000 + 10_000);
    // One token more, of whichever counter, and all of it costs more.
    assert_eq!(cost(100_001, 100_000), (100_001 * 25 + 50) / 100 + 250_000 + 15_000);
}

#[test]
fn what_a_call_may_cost_is_never_less_than_what_it_costs() {
    for name in ["claude-sonnet-4-5", "gemini-2.5-pro", "gpt-5", "claude-haiku-5-5"] {
        let price = known(name).unwrap().price;
        for prompt in [1u64, 99_999, 100_001, 200_001, 900_000] {
            for (input, cache_read, cache_write) in [(prompt, 0, 0), (0, prompt, 0), (0, 0, prompt)] {
                let usage = Usage { input, cache_read, cache_write, output: 777, ..Usage::default() };
                assert!(price.most(prompt, 777) >= price.cost(&usage), "{name} {usage:?}");
            }
        }
    }
}

#[test]
fn sums_beyond_all_money_saturate() {
    let price = dollars(&[("input", "1000"), ("output", "1000")]).unwrap();
    assert_eq!(price.cost(&Usage { input: u64::MAX, output: u64::MAX, ..Usage::default() }), MicroUsd(u64::MAX));
}

#[test]
fn prices_are_given_in_dollars() {
    let price = dollars(&[("input", "3.00"), ("output", "15"), ("cache_read", "0.30")]).unwrap();
    let rates = Rates {
        input: 3_000_000,
        cache_read: 300_000,
        cache_write: 3_000_000,
        cache_write_1h: 3_000_000,
        output: 15_000_000,
    };
    assert_eq!(price, Price { rates, tiers: Vec::new() });
    for (pairs, message) in [
        (&[("input", "3")][..], "price: has no `output`; say dollars per million tokens"),
        (&[("input", "x"), ("output", "1")], "dollars: `x` is not an amount; use dollars such as 2.50"),
        (
            &[("input", "1"), ("output", "1"), ("outptu", "1")],
            "price: `outptu` has no price; use input, cache_read, cache_write, cache_write_1h, output",
        ),
    ] {
        assert_eq!(dollars(pairs).unwrap_err().to_string(), message);
    }
}

#[test]
fn an_unknown_model_has_no_price() {
    assert_eq!(known("gpt-4o-2024-05-13"), None, "its alias costs less than half");
    assert_eq!(known(""), None);
}

#[test]
fn a_price_is_the_same_after_it_was_on_record() {
    for name in ["gemini-2.5-pro", "gpt-5"] {
        let price = known(name).unwrap().price;
        let text = serde_json::to_string(&price).unwrap();
        assert_eq!(serde_json::from_str::<Price>(&text).unwrap(), price);
    }
}
