//! What agents may spend, as it is written down.

use super::World;
use flotilla_jobs::{JobId, MicroUsd};
use flotilla_workers::agents::budget::{Allowance, Budgets};

#[test]
fn nothing_is_limited_by_default() {
    assert_eq!(World::new().load().config.budgets.budgets(), Budgets::default());
}

#[test]
fn amounts_are_exact_however_they_are_written() {
    for (written, meant) in [("\"2.50\"", 2_500_000), ("2.5", 2_500_000), ("3", 3_000_000), ("0.000001", 1), ("0", 0)] {
        let config = World::new().file(&format!("[budgets.day]\nusd = {written}\ntokens = 7\n")).load().config;
        let day = Allowance { cost: Some(MicroUsd(meant)), tokens: Some(7) };
        assert_eq!(config.budgets.budgets(), Budgets { day, ..Budgets::default() }, "{written}");
    }
    let config = World::new().var("FLOTILLA_BUDGETS__JOB__USD", "0.25").load().config;
    assert_eq!(config.budgets.budgets().job.cost, Some(MicroUsd(250_000)));
}

#[test]
fn a_tenant_has_its_own() {
    let file = "[budgets]\ntenant_day = { usd = 1 }\n[budgets.tenants.acme]\nday = { usd = \"5\", tokens = 9 }\n";
    let budgets = World::new().file(file).load().config.budgets.budgets();
    let of = |tenant| budgets.limits(JobId::new(), None, tenant).into_iter().next().unwrap();
    assert_eq!((of("acme").cost, of("acme").tokens), (Some(MicroUsd(5_000_000)), Some(9)));
    assert_eq!((of("other").cost, of("other").tokens), (Some(MicroUsd::DOLLAR), None));
}

#[test]
fn a_wrong_amount_is_named() {
    for (file, wrong) in [
        ("[budgets.day]\nusd = 0.0000001\n", "budgets.day.usd"),
        ("[budgets.day]\nusd = \"five\"\n", "use dollars such as 2.50"),
        ("[budgets.day]\nusd = -1\n", "budgets.day.usd"),
        ("[budgets.day]\ntokens = -1\n", "budgets.day.tokens"),
        ("[budgets.month]\nusd = 1\n", "unknown setting"),
        ("[budgets.tenants.acme]\nweek = { usd = 1 }\n", "unknown setting"),
    ] {
        let error = World::new().file(file).error();
        assert!(error.contains(wrong), "{file}: {error}");
    }
}
