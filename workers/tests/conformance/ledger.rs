//! What was spent, and what is held for calls that are being made.

use crate::{
    fixture::{Fixture, HOUR, LEASE, SECOND},
    paid::{FIRST, FLEET, Running, end, fill, money, open, running, running_as, start, started, step, tokens},
};
use flotilla_jobs::{
    MicroUsd,
    api::{SpendBy, SpendQuery, SpendRow},
};
use flotilla_workers::{
    journal::{EndStep, Ended, RunStart, StepKind},
    ledger::{Call, Estimated, Hold},
    store::Error,
};
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

async fn spend(f: &impl Fixture, query: SpendQuery) -> Vec<SpendRow> {
    f.store().spend(&query).await.unwrap()
}

fn tenant(name: &str) -> RunStart {
    RunStart { tenant: name.to_owned(), ..start() }
}

pub async fn a_call_holds_and_then_spends(f: &impl Fixture) {
    let run = running(f).await;
    assert_eq!(money(f, FLEET).await, (0, 0));
    let attempt = started(f, run.llm(FIRST, 100, &[])).await;
    assert_eq!(money(f, FLEET).await, (0, 100));
    end(f, run.done(FIRST, attempt, "1", 30)).await;
    let now = fill(f, FLEET).await;
    assert_eq!(now.spent, Hold { cost: MicroUsd(30), tokens: 7 });
    assert_eq!(now.held, Hold::default());
    // A call may turn out to cost more than it held.
    let attempt = started(f, run.llm(step(1), 1, &[])).await;
    end(f, run.done(step(1), attempt, "1", 50)).await;
    assert_eq!(money(f, FLEET).await, (80, 0));
}

pub async fn a_failed_call_gives_back_what_it_held(f: &impl Fixture) {
    let run = running(f).await;
    started(f, run.llm(FIRST, 100, &[])).await;
    end(f, EndStep { usage: None, cost: None, ..run.failed(FIRST, 1, "timeout", 0) }).await;
    assert_eq!(money(f, FLEET).await, (0, 0));
    let row = &spend(f, SpendQuery::default()).await[0];
    assert_eq!((row.calls, row.unknown, row.lost, row.cost), (1, 1, 0, MicroUsd(0)));
}

pub async fn a_hold_is_given_back_when_its_lease_ended(f: &impl Fixture) {
    let run = running(f).await;
    started(f, run.llm(FIRST, 100, &[])).await;
    f.advance_clock(LEASE + SECOND);
    assert_eq!(f.store().void_holds(10).await.unwrap(), 0, "nobody has taken the job from it yet");
    f.advance(SECOND).await;
    assert_eq!(money(f, FLEET).await, (0, 100));
    assert_eq!(f.store().void_holds(10).await.unwrap(), 1);
    assert_eq!(f.store().void_holds(10).await.unwrap(), 0);
    assert_eq!(money(f, FLEET).await, (0, 0));
    let row = &spend(f, SpendQuery::default()).await[0];
    assert_eq!((row.calls, row.lost, row.unknown, row.held), (1, 1, 1, MicroUsd(0)));
}

pub async fn holds_are_given_back_no_more_at_a_time_than_asked(f: &impl Fixture) {
    let run = running(f).await;
    for n in 0..5 {
        started(f, run.llm(step(n), 10, &[])).await;
    }
    f.complete(&run.claimed).await;
    let mut voided = Vec::new();
    for _ in 0..4 {
        voided.push(f.store().void_holds(2).await.unwrap());
    }
    assert_eq!(voided, [2, 2, 1, 0]);
    assert_eq!(money(f, FLEET).await, (0, 0));
}

pub async fn a_frozen_worker_that_ends_after_all_is_charged(f: &impl Fixture) {
    let frozen = running(f).await;
    started(f, frozen.llm(FIRST, 100, &[])).await;
    f.advance(LEASE + SECOND).await;
    assert_eq!(f.store().void_holds(10).await.unwrap(), 1);
    for _ in 0..2 {
        assert_eq!(end(f, frozen.done(FIRST, 1, "1", 30)).await, Ended::LeaseLost);
        assert_eq!(money(f, FLEET).await, (30, 0));
    }
    let row = &spend(f, SpendQuery::default()).await[0];
    assert_eq!((row.calls, row.lost, row.unknown, row.cost), (1, 0, 0, MicroUsd(30)));
}

pub async fn an_end_and_a_void_at_once_give_back_once(f: &impl Fixture) {
    for n in 0..10 {
        let run = running(f).await;
        started(f, run.llm(FIRST, 100, &[])).await;
        f.complete(&run.claimed).await;
        let other = f.second_store().await;
        let (_, voided) = tokio::join!(end(f, run.done(FIRST, 1, "1", 1)), other.void_holds(10));
        voided.unwrap();
        f.store().void_holds(10).await.unwrap();
        assert_eq!(money(f, FLEET).await, (n + 1, 0));
    }
}

pub async fn an_effects_dead_call_holds_nothing(f: &impl Fixture) {
    let run = running(f).await;
    started(f, run.call(FIRST, StepKind::Effect, "effect:post")).await;
    f.complete(&run.claimed).await;
    assert_eq!(f.store().void_holds(10).await.unwrap(), 1);
    assert_eq!(spend(f, SpendQuery::default()).await[0], SpendRow::default());
}

/// One call, of this run and model, at this cost.
async fn paid(f: &impl Fixture, run: &Running, seq: u32, model: &str, cost: Option<u64>) {
    let mut call = run.llm(step(seq), 100, &[]);
    call.call = call.call.map(|call| Call { model: model.to_owned(), ..call });
    let attempt = started(f, call).await;
    let last = EndStep { cost: cost.map(MicroUsd), ..run.done(step(seq), attempt, "1", 0) };
    end(f, last).await;
}

pub async fn spending_is_told_in_the_rows_asked_for(f: &impl Fixture) {
    let (a, b) = (running_as(f, tenant("a")).await, running_as(f, tenant("b")).await);
    paid(f, &a, 0, "small", Some(10)).await;
    paid(f, &a, 1, "large", Some(200)).await;
    paid(f, &b, 0, "small", Some(30)).await;
    paid(f, &b, 1, "nobody-knows", None).await;
    started(f, b.llm(step(2), 100, &[])).await;

    let all = &spend(f, SpendQuery::default()).await[..];
    let expected = SpendRow {
        calls: 5,
        unknown: 1,
        usage: tokens(28),
        cost: MicroUsd(240),
        held: MicroUsd(100),
        ..SpendRow::default()
    };
    assert_eq!(all, [expected]);
    let by = |by: &[SpendBy]| SpendQuery { by: by.to_vec(), ..SpendQuery::default() };
    let rows = spend(f, by(&[SpendBy::Model])).await;
    let models: Vec<_> = rows.iter().map(|r| (r.model.as_deref().unwrap(), r.cost.0, r.unknown)).collect();
    assert_eq!(models, [("large", 200, 0), ("small", 40, 0), ("nobody-knows", 0, 1)]);
    assert!(rows.iter().all(|r| r.tenant.is_none() && r.day.is_none() && r.agent.is_none()));
    let rows = spend(f, by(&[SpendBy::Tenant, SpendBy::Agent])).await;
    let tenants: Vec<_> = rows.iter().map(|r| (r.tenant.as_deref().unwrap(), r.cost.0)).collect();
    assert_eq!(tenants, [("a", 210), ("b", 30)]);
    assert_eq!(rows[0].agent.as_deref(), Some("review"));

    let only_b = spend(f, SpendQuery { tenant: Some("b".to_owned()), ..SpendQuery::default() }).await;
    assert_eq!(only_b[0].cost, MicroUsd(30));
    let both = SpendQuery { tenant: Some("a".to_owned()), model: Some("small".to_owned()), ..SpendQuery::default() };
    assert_eq!(spend(f, both).await[0].cost, MicroUsd(10));
    let nobody = SpendQuery { agent: Some("other".to_owned()), ..by(&[SpendBy::Model]) };
    assert!(spend(f, nobody).await.is_empty());
}

pub async fn spending_of_days_turned_round_is_refused(f: &impl Fixture) {
    let query = SpendQuery { since: Some("2033-06-01".parse().unwrap()), ..SpendQuery::default() };
    let no = f.store().spend(&query).await;
    assert!(matches!(&no, Err(Error::Invalid(e)) if e.field == "since"), "{no:?}");
}

pub async fn sums_agree_whatever_happened(f: &impl Fixture) {
    let mut known = 0;
    for n in 0..12_u64 {
        let run = running(f).await;
        let attempt = started(f, run.llm(FIRST, 50, &[])).await;
        match n % 4 {
            0 => drop(end(f, run.done(FIRST, attempt, "1", n)).await),
            1 => drop(end(f, run.failed(FIRST, attempt, "cut", n)).await),
            2 => drop(end(f, EndStep { cost: None, ..run.done(FIRST, attempt, "1", n) }).await),
            _ => {}
        }
        known += if n % 4 < 2 { n } else { 0 };
        f.complete(&run.claimed).await;
    }
    assert_eq!(f.store().void_holds(100).await.unwrap(), 3);
    assert_eq!(money(f, FLEET).await, (known, 0));
    let row = &spend(f, SpendQuery::default()).await[0];
    assert_eq!((row.cost, row.calls, row.lost, row.unknown), (MicroUsd(known), 12, 3, 6));
}

pub async fn what_a_provider_does_not_say_counts_as_all_that_was_held(f: &impl Fixture) {
    let run = running_as(f, tenant("a")).await;
    let unsaid =
        |seq, cost: Option<u64>| EndStep { usage: None, cost: cost.map(MicroUsd), ..run.done(step(seq), 1, "1", 0) };
    let ends = [
        // It answered; its price is known, or is not; or it broke off in its answer, or before it.
        (0, unsaid(0, Some(100))),
        (1, unsaid(1, None)),
        (2, EndStep { usage: None, ..run.failed(step(2), 1, "cut", 100) }),
        (3, EndStep { usage: None, ..run.failed(step(3), 1, "rate_limited", 0) }),
        (4, EndStep { usage: None, cost: None, ..run.failed(step(4), 1, "unreachable", 0) }),
    ];
    for (seq, said) in ends {
        assert_eq!(started(f, run.llm(step(seq), 100, &[])).await, 1);
        end(f, said).await;
    }
    let now = fill(f, FLEET).await;
    assert_eq!((now.spent.cost, now.spent.tokens, now.held.cost), (MicroUsd(200), 300, MicroUsd::ZERO));
    let row = &spend(f, SpendQuery::default()).await[0];
    assert_eq!((row.cost, row.estimated, row.unknown, row.usage.total()), (MicroUsd(200), 2, 2, 0));
    let opened = open(f.store(), &run.claimed).await.unwrap().spent;
    assert_eq!((opened.cost, opened.estimated, opened.unknown), (MicroUsd(200), 2, 2));
    assert_eq!((opened.unsaid_tokens, opened.tokens()), (300, 300));
    assert!(f.store().estimates().await.unwrap().is_empty(), "nothing is learned from it");
}

pub async fn a_queue_that_forgets_all_keeps_the_ledger(f: &impl Fixture) {
    let run = running(f).await;
    paid(f, &run, 0, "small", Some(10)).await;
    started(f, run.llm(step(1), 100, &[])).await;
    f.lose_queue().await;
    assert_eq!(money(f, FLEET).await, (10, 100));
    assert_eq!(spend(f, SpendQuery::default()).await[0].cost, MicroUsd(10));
}

pub async fn estimates_are_told_against_what_was_counted(f: &impl Fixture) {
    let run = running(f).await;
    paid(f, &run, 0, "small", Some(10)).await;
    paid(f, &run, 1, "large", Some(10)).await;
    paid(f, &run, 2, "small", None).await;
    started(f, run.llm(step(3), 1, &[])).await;
    end(f, EndStep { usage: None, ..run.done(step(3), 1, "1", 1) }).await;
    let of =
        |model: &str, calls| Estimated { model: model.to_owned(), calls, estimated: 10 * calls, counted: 7 * calls };
    assert_eq!(f.store().estimates().await.unwrap(), [of("large", 1), of("small", 2)]);
}

pub async fn old_spending_goes_and_what_is_held_stays(f: &impl Fixture) {
    let run = running(f).await;
    f.store().renew(std::slice::from_ref(run.lease()), 10_000 * HOUR).await.unwrap();
    for seq in 0..3 {
        paid(f, &run, seq, "small", Some(10)).await;
    }
    started(f, run.llm(step(3), 100, &[])).await;
    f.advance_clock(10 * DAY);
    paid(f, &run, 4, "small", Some(1)).await;

    assert_eq!(f.store().prune_spend(11 * DAY, 100).await.unwrap(), 0);
    assert_eq!(f.store().prune_spend(9 * DAY, 2).await.unwrap(), 2);
    while f.store().prune_spend(9 * DAY, 2).await.unwrap() > 0 {}
    let query = SpendQuery { since: Some("2033-01-01".parse().unwrap()), ..SpendQuery::default() };
    let row = &spend(f, query).await[0];
    assert_eq!((row.calls, row.cost, row.held), (2, MicroUsd(1), MicroUsd(100)));
    assert_eq!(money(f, FLEET).await, (31, 100));
    assert_eq!(end(f, run.done(step(3), 1, "1", 9)).await, Ended::Recorded);
    assert_eq!(money(f, FLEET).await, (40, 0));
}
