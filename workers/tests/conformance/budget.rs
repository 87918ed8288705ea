//! Budgets: what they allow is never exceeded.

use crate::{
    draft::noop,
    fixture::{Fixture, HOUR, done},
    paid::{
        FIRST, FLEET, FLEET_TODAY, Running, begin, end, limit, money, on_next_worker, open, running, running_as, start,
        started, step,
    },
};
use flotilla_jobs::{
    JobId, JobState, MicroUsd,
    api::{SpendBy, SpendQuery},
};
use flotilla_workers::{
    journal::{Begin, Begun, RunStart},
    ledger::{Budget, Limit, Period, Refused, Scope},
    store::{End, Error, Store},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

const DAY: Duration = Duration::from_hours(24);

async fn refused(f: &impl Fixture, call: Begin) -> Refused {
    match begin(f, call).await {
        Begun::Refused(refused) => refused,
        other => panic!("it was not refused: {other:?}"),
    }
}

/// Jobs that wait for a budget.
async fn waiting(f: &impl Fixture) -> Vec<JobId> {
    f.store().refused(None, 100).await.unwrap().into_iter().map(|(id, _)| id).collect()
}

pub async fn every_budget_counts_whether_limited_or_not(f: &impl Fixture) {
    let run = running_as(f, RunStart { session: Some("s-1".to_owned()), ..start() }).await;
    let attempt = started(f, run.llm(FIRST, 100, &[])).await;
    end(f, run.done(FIRST, attempt, "1", 30)).await;
    started(f, run.llm(step(1), 5, &[])).await;

    let scopes = [
        Scope::Fleet,
        Scope::Tenant("acme".to_owned()),
        Scope::Session("s-1".to_owned()),
        Scope::Job(run.claimed.id()),
    ];
    for scope in scopes {
        for period in [Period::Total, Period::Day] {
            let budget = Budget { scope: scope.clone(), period };
            assert_eq!(money(f, budget.clone()).await, (30, 5), "{budget}");
        }
    }
    let other = Budget { scope: Scope::Tenant("other".to_owned()), period: Period::Total };
    assert_eq!(money(f, other).await, (0, 0));
}

pub async fn a_call_without_room_is_refused(f: &impl Fixture) {
    let run = running(f).await;
    let limits = [limit(FLEET_TODAY, 1_000), limit(FLEET, 100)];
    started(f, run.llm(FIRST, 60, &limits)).await;
    let no = refused(f, run.llm(step(1), 41, &limits)).await;
    assert_eq!(no.limit, limits[1]);
    assert_eq!(no.fill.held.cost, MicroUsd(60));
    assert_eq!(no.hold.cost, MicroUsd(41));
    assert_eq!(
        no.to_string(),
        "the budget of the fleet has no room: $0.00 spent, $0.00006 held, $0.000041 needed of $0.0001"
    );
    // Nothing of it is written, and what fits still begins.
    assert_eq!(money(f, FLEET).await, (0, 60));
    let runs = f.store().runs(run.claimed.id()).await.unwrap();
    assert_eq!(runs[0].steps.len(), 1);
    assert_eq!(started(f, run.llm(step(1), 40, &limits)).await, 1);
}

pub async fn tokens_are_a_budget_too(f: &impl Fixture) {
    let run = running(f).await;
    let limits = [Limit { budget: FLEET, cost: None, tokens: Some(100) }];
    started(f, run.llm(FIRST, 100, &limits)).await;
    assert_eq!(refused(f, run.llm(step(1), 1, &limits)).await.limit.tokens, Some(100));
    end(f, run.done(FIRST, 1, "1", 0)).await;
    started(f, run.llm(step(1), 93, &limits)).await;
}

pub async fn of_several_calls_as_many_begin_as_fit(f: &impl Fixture) {
    let run = running(f).await;
    let limits = [limit(FLEET, 100)];
    let calls = [50, 60, 50, 1].into_iter().zip(0..).map(|(hold, n)| run.llm(step(n), hold, &limits)).collect();
    let begun = f.store().begin(calls).await.unwrap();
    let fits: Vec<bool> = begun.iter().map(|b| matches!(b, Begun::Started { .. })).collect();
    assert_eq!(fits, [true, false, true, false]);
    assert_eq!(money(f, FLEET).await, (0, 100));
}

pub async fn a_budget_of_somebody_else_is_no_limit_for_a_call(f: &impl Fixture) {
    let run = running(f).await;
    let other = Budget { scope: Scope::Tenant("other".to_owned()), period: Period::Total };
    let no = f.store().begin(vec![run.llm(FIRST, 1, &[limit(other, 5)])]).await;
    assert!(matches!(&no, Err(Error::Invalid(e)) if e.field == "limits"), "{no:?}");
    assert_eq!(money(f, FLEET).await, (0, 0));
}

/// Two hundred runs on one budget; at no moment is more held and spent than it allows.
pub async fn many_at_once_never_exceed_a_budget(f: &impl Fixture) {
    const LIMIT: u64 = 1_000;
    f.enqueue_all((0..200).map(|_| noop())).await;
    let mut runs = Vec::new();
    for claimed in f.claim(200).await {
        let run = open(f.store(), &claimed).await.unwrap().run;
        runs.push(Running { claimed, run });
    }
    let other = f.second_store().await;
    let over = Arc::new(AtomicBool::new(false));
    let sampler = tokio::spawn({
        let (store, over) = (f.shared_store(), over.clone());
        async move {
            let mut samples = 0;
            while !over.load(Ordering::Relaxed) {
                let now = store.budgets(&[FLEET]).await.unwrap()[0];
                assert!(now.spent.cost.0 + now.held.cost.0 <= LIMIT, "{now:?}");
                samples += 1;
                tokio::task::yield_now().await;
            }
            samples
        }
    });
    let work = runs.iter().enumerate().map(|(n, run)| {
        let store: &dyn Store = if n % 2 == 0 { f.store() } else { &*other };
        async move {
            let mut spent = 0;
            for seq in 0..3 {
                let call = run.llm(step(seq), 5, &[limit(FLEET, LIMIT)]);
                match &store.begin(vec![call]).await.unwrap()[0] {
                    Begun::Started { attempt } => {
                        let cost = (n as u64 + u64::from(seq)) % 6;
                        store.end(vec![run.done(step(seq), *attempt, "1", cost)]).await.unwrap();
                        spent += cost;
                    }
                    Begun::Refused(_) => return spent,
                    other => panic!("{other:?}"),
                }
            }
            spent
        }
    });
    let spent: u64 = futures_util::future::join_all(work).await.into_iter().sum();
    over.store(true, Ordering::Relaxed);
    assert!(sampler.await.unwrap() > 0);
    assert_eq!(money(f, FLEET).await, (spent, 0));
    assert_eq!(f.store().spend(&SpendQuery::default()).await.unwrap()[0].cost, MicroUsd(spent));
    assert!(spent > LIMIT / 2, "room was left: {spent}");
}

pub async fn dead_holds_stand_in_nobodys_way(f: &impl Fixture) {
    let dead = running(f).await;
    let limits = [limit(FLEET, 100)];
    started(f, dead.llm(FIRST, 100, &limits)).await;
    let next = on_next_worker(f).await;
    assert_eq!(started(f, next.llm(FIRST, 100, &limits)).await, 2);
    assert_eq!(money(f, FLEET).await, (0, 100));
    assert!(waiting(f).await.is_empty());
}

pub async fn the_next_day_has_its_own_budget(f: &impl Fixture) {
    let run = running(f).await;
    f.store().renew(std::slice::from_ref(run.lease()), 100 * HOUR).await.unwrap();
    let limits = [limit(FLEET_TODAY, 100)];
    let attempt = started(f, run.llm(FIRST, 100, &limits)).await;
    refused(f, run.llm(step(1), 1, &limits)).await;
    f.advance_clock(DAY);
    assert_eq!(money(f, FLEET_TODAY).await, (0, 0));
    started(f, run.llm(step(1), 100, &limits)).await;
    // A call counts for the day on which it began.
    end(f, run.done(FIRST, attempt, "1", 70)).await;
    assert_eq!(money(f, FLEET_TODAY).await, (0, 100));
    assert_eq!(money(f, FLEET).await, (70, 100));

    let by_day =
        SpendQuery { since: Some("2033-05-01".parse().unwrap()), by: vec![SpendBy::Day], ..SpendQuery::default() };
    let days: Vec<_> =
        f.store().spend(&by_day).await.unwrap().iter().map(|r| (r.day.unwrap().to_string(), r.cost.0)).collect();
    assert_eq!(days, [("2033-05-19".to_owned(), 0), ("2033-05-18".to_owned(), 70)]);
}

pub async fn a_paused_job_that_was_refused_is_named(f: &impl Fixture) {
    let run = running(f).await;
    let limits = [limit(FLEET, 100)];
    let no = refused(f, run.llm(FIRST, 101, &limits)).await;
    assert!(waiting(f).await.is_empty(), "it still runs");
    f.settle(&run.claimed, End::Paused(no.to_string())).await;
    assert_eq!(f.store().refused(None, 10).await.unwrap(), [(run.claimed.id(), no)]);
    assert!(f.store().refused(Some(run.claimed.id()), 10).await.unwrap().is_empty());

    f.resume(run.claimed.id()).await;
    assert!(waiting(f).await.is_empty());
    // It waits for something else now.
    let claimed = f.claim_one().await;
    f.settle(&claimed, End::Paused("somebody has to look".to_owned())).await;
    assert!(waiting(f).await.is_empty());
    f.cancel(claimed.id()).await;
    assert!(waiting(f).await.is_empty());
}

pub async fn jobs_that_wait_are_named_in_order_and_in_pages(f: &impl Fixture) {
    let mut ids = Vec::new();
    for _ in 0..5 {
        let run = running(f).await;
        let no = refused(f, run.llm(FIRST, 101, &[limit(FLEET, 100)])).await;
        f.settle(&run.claimed, End::Paused(no.to_string())).await;
        ids.push(run.claimed.id());
    }
    ids.sort_unstable();
    let page = f.store().refused(None, 2).await.unwrap();
    assert_eq!(page.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids[..2]);
    let page = f.store().refused(Some(ids[1]), 10).await.unwrap();
    assert_eq!(page.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids[2..]);
}

pub async fn a_jobs_budget_goes_with_it(f: &impl Fixture) {
    let run = running(f).await;
    let attempt = started(f, run.llm(FIRST, 100, &[])).await;
    end(f, run.done(FIRST, attempt, "1", 10)).await;
    f.settle(&run.claimed, done()).await;
    f.advance_clock(HOUR);
    let of_job = Budget { scope: Scope::Job(run.claimed.id()), period: Period::Total };
    assert_eq!(money(f, of_job.clone()).await, (10, 0));
    assert_eq!(f.store().prune(JobState::Completed, HOUR, 10).await.unwrap(), 1);
    assert_eq!(money(f, of_job).await, (0, 0));
    assert_eq!(money(f, FLEET).await, (10, 0));
}
