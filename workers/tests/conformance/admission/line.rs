//! Who waits: in which order they go, what they are told, and that nothing is left unused meanwhile.

use super::{Fixture, ask, go, release, requests, streams, wait};
use crate::fixture::{MINUTE, SECOND};
use flotilla_workers::{
    admission::{Admitted, Ask, LaneLimits, Used, Why},
    store::Store,
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    time::Duration,
};

/// Who did not ask again for longer than this after it was told to has lost its place.
const GRACE: Duration = Duration::from_secs(10);

/// Lets everyone ask at once, and each again when it was told to, with the clock moved to that time; a call that goes
/// takes so long and gives nothing. Answers when each one went, and how often all of them asked.
async fn until_all_went(f: &impl Fixture, asks: &[Ask], takes: Duration) -> (Vec<Duration>, usize) {
    let start = f.now();
    let mut due: BinaryHeap<_> = (0..asks.len()).map(|n| Reverse((start, n))).collect();
    let (mut went, mut asked, mut running) = (BTreeMap::new(), 0, BTreeMap::new());
    while let Some(Reverse((at, n))) = due.pop() {
        f.advance_clock(Duration::from_millis((at - f.now()) as u64));
        if let Some(permit) = running.remove(&n) {
            release(f.store(), permit, Used { output: Some(0), ..Used::default() }).await;
            continue;
        }
        asked += 1;
        let next = match f.store().admit(&asks[n]).await.unwrap() {
            Admitted::Go(permit) => {
                running.insert(n, permit);
                went.insert(n, Duration::from_millis((at - start) as u64));
                takes
            }
            Admitted::Wait { wait, .. } => wait,
            Admitted::TooLarge { limit, .. } => panic!("too large for {limit}"),
        };
        due.push(Reverse((at + next.as_millis() as i64, n)));
    }
    (went.into_values().collect(), asked)
}

pub async fn a_burst_of_57_uses_what_is_allowed(f: &impl Fixture) {
    let asks: Vec<Ask> = (0..57).map(|n| ask(&n.to_string(), requests(20))).collect();
    let (went, asked) = until_all_went(f, &asks, SECOND).await;
    assert_eq!(went.len(), 57, "none is lost");
    assert!(went.is_sorted(), "first asked, first served: {went:?}");
    // Of what is allowed until the last one goes, 20 and one each three seconds, not one is left unused.
    assert_eq!(*went.last().unwrap(), 37 * 3 * SECOND);
    assert!(asked < 57 * 8, "they asked {asked} times");
}

pub async fn a_burst_by_tokens_uses_what_is_allowed(f: &impl Fixture) {
    let limits = LaneLimits { input_tokens_per_minute: Some(6_000), ..LaneLimits::default() };
    let call = |n: u64| Ask { input: 100 + 37 * (n % 7), ..ask(&n.to_string(), limits) };
    let asks: Vec<Ask> = (0..57).map(call).collect();
    let (went, asked) = until_all_went(f, &asks, SECOND).await;
    assert!(went.is_sorted(), "{went:?}");
    let all: u64 = asks.iter().map(|ask| ask.input).sum();
    let took = went.last().unwrap().as_millis() as u64;
    let allowed = 6_000 + took * 6_000 / 60_000;
    assert!(all * 100 >= allowed * 99, "{all} tokens of {allowed} in {took} ms");
    assert!(asked < 57 * 8, "they asked {asked} times");
}

pub async fn output_that_is_given_back_is_used(f: &impl Fixture) {
    let limits = LaneLimits { output_tokens_per_minute: Some(1_000), ..LaneLimits::default() };
    let asks: Vec<Ask> = (0..57).map(|n| Ask { output: 1_000, ..ask(&n.to_string(), limits) }).collect();
    // Each may use all of a minute, uses none of it, and ends after a second: then the next one goes, and not a minute
    // later.
    let (went, _) = until_all_went(f, &asks, SECOND).await;
    assert!(went.is_sorted(), "{went:?}");
    assert!(*went.last().unwrap() <= 56 * SECOND * 5 / 4, "{went:?}");
}

pub async fn a_line_by_several_processes_uses_what_is_allowed(f: &impl Fixture) {
    let other = f.second_store().await;
    let (mut went, mut waiting) = (0, Vec::new());
    for n in 0..40 {
        let ask = ask(&n.to_string(), requests(20));
        let store: &dyn Store = if n % 2 == 0 { f.store() } else { &*other };
        match store.admit(&ask).await.unwrap() {
            Admitted::Go(_) => went += 1,
            Admitted::Wait { wait, .. } => waiting.push((ask, wait)),
            Admitted::TooLarge { .. } => panic!("too large"),
        }
    }
    assert_eq!(went, 20);
    // Each is told its own time, whichever process it asks, the next one three seconds after the one before.
    let firm: Vec<_> = waiting.iter().take(1).map(|(_, wait)| *wait).collect();
    assert_eq!(firm, [3 * SECOND]);
    assert!(waiting.is_sorted_by_key(|(_, wait)| *wait), "{waiting:?}");
}

pub async fn a_newcomer_overtakes_nobody(f: &impl Fixture) {
    for n in 0..6 {
        go(f.store(), &ask(&n.to_string(), requests(6))).await;
    }
    assert_eq!(wait(f.store(), &ask("first", requests(6)), Why::Rate).await, Duration::from_millis(7_500));
    wait(f.store(), &ask("second", requests(6)), Why::Rate).await;
    f.advance_clock(Duration::from_millis(7_500));
    wait(f.store(), &ask("first", requests(6)), Why::Rate).await;
    f.advance_clock(Duration::from_millis(2_500));
    // There is room for one, and it is another's.
    wait(f.store(), &ask("newcomer", requests(6)), Why::Rate).await;
    wait(f.store(), &ask("second", requests(6)), Why::Rate).await;
    go(f.store(), &ask("first", requests(6))).await;
    f.advance_clock(10 * SECOND);
    wait(f.store(), &ask("newcomer", requests(6)), Why::Rate).await;
    go(f.store(), &ask("second", requests(6))).await;
}

pub async fn there_may_be_room_behind_those_who_wait(f: &impl Fixture) {
    let permit = go(f.store(), &ask("a", requests(60))).await;
    release(f.store(), permit, Used { sleep: Some(30 * SECOND), ..Used::default() }).await;
    wait(f.store(), &ask("b", requests(60)), Why::Asleep).await;
    f.advance_clock(30 * SECOND);
    // Thirty are there, one of them for whom was first: it is not held up by those who come before it asks again.
    for n in 0..29 {
        go(f.store(), &ask(&n.to_string(), requests(60))).await;
    }
    wait(f.store(), &ask("c", requests(60)), Why::Rate).await;
    go(f.store(), &ask("b", requests(60))).await;
}

pub async fn who_does_not_come_back_loses_its_place(f: &impl Fixture) {
    for n in 0..60 {
        go(f.store(), &ask(&n.to_string(), requests(60))).await;
    }
    let told = wait(f.store(), &ask("dead", requests(60)), Why::Rate).await;
    assert_eq!(told, SECOND);
    assert_eq!(wait(f.store(), &ask("b", requests(60)), Why::Rate).await, 2 * SECOND);
    f.advance_clock(2 * SECOND);
    go(f.store(), &ask("b", requests(60))).await;
    wait(f.store(), &ask("c", requests(60)), Why::Rate).await;
    f.advance_clock(told + GRACE - 2 * SECOND);
    assert_eq!(f.store().lanes().await.unwrap()[0].waiting, 2);
    f.advance_clock(Duration::from_millis(1));
    assert_eq!(f.store().lanes().await.unwrap()[0].waiting, 1);
    for n in 0..9 {
        go(f.store(), &ask(&format!("more-{n}"), requests(60))).await;
    }
    // What is left is for `c`; the dead one would be behind it.
    assert!(wait(f.store(), &ask("dead", requests(60)), Why::Rate).await < SECOND);
    go(f.store(), &ask("c", requests(60))).await;
}

pub async fn who_leaves_makes_room(f: &impl Fixture) {
    for n in 0..60 {
        go(f.store(), &ask(&n.to_string(), requests(60))).await;
    }
    wait(f.store(), &ask("a", requests(60)), Why::Rate).await;
    assert_eq!(wait(f.store(), &ask("b", requests(60)), Why::Rate).await, 2 * SECOND);
    f.store().leave(&super::lane("large"), "a").await.unwrap();
    // Nobody of that name waits.
    f.store().leave(&super::lane("large"), "a").await.unwrap();
    f.store().leave(&super::lane("unheard-of"), "a").await.unwrap();
    assert_eq!(wait(f.store(), &ask("b", requests(60)), Why::Rate).await, SECOND);
    f.advance_clock(SECOND);
    go(f.store(), &ask("b", requests(60))).await;
}

pub async fn of_two_at_once_one_gets_the_last_place(f: &impl Fixture) {
    let other = f.second_store().await;
    for round in 0..10 {
        let (a, b) = (ask(&format!("a-{round}"), streams(1)), ask(&format!("b-{round}"), streams(1)));
        let (one, two) = tokio::join!(f.store().admit(&a), other.admit(&b));
        let went: Vec<_> = [one.unwrap(), two.unwrap()]
            .into_iter()
            .filter_map(|answer| if let Admitted::Go(permit) = answer { Some(permit) } else { None })
            .collect();
        assert_eq!(went.len(), 1, "{went:?}");
        for permit in went {
            release(f.store(), permit, Used::default()).await;
        }
        for ask in [&a, &b] {
            f.store().leave(&ask.lane, &ask.holder).await.unwrap();
        }
    }
}

pub async fn of_a_crowd_as_many_go_as_are_allowed(f: &impl Fixture) {
    let stores = [f.shared_store(), f.second_store().await, f.second_store().await];
    let asks = (0..90).map(|n| {
        let (store, ask) = (stores[n % 3].clone(), ask(&n.to_string(), requests(40)));
        async move { store.admit(&ask).await.unwrap() }
    });
    let answers = futures_util::future::join_all(asks).await;
    let went = answers.iter().filter(|answer| matches!(answer, Admitted::Go(_))).count();
    assert_eq!(went, 40);
    let lanes = f.store().lanes().await.unwrap();
    assert_eq!((lanes[0].streams, lanes[0].waiting), (40, 50));
}

pub async fn a_backlog_of_one_lane_holds_no_other_up(f: &impl Fixture) {
    for n in 0..200 {
        f.store().admit(&ask(&n.to_string(), requests(1))).await.unwrap();
    }
    go(f.store(), &Ask { lane: super::lane("small"), ..ask("a", requests(1)) }).await;
}

pub async fn a_long_line_is_told_about_how_long_it_is(f: &impl Fixture) {
    for n in 0..400 {
        f.store().admit(&ask(&n.to_string(), requests(60))).await.unwrap();
    }
    // 60 went, 340 are in front: three quarters of what that takes.
    assert_eq!(wait(f.store(), &ask("last", requests(60)), Why::Rate).await, 341 * SECOND * 3 / 4);
    assert_eq!(wait(f.store(), &ask("last", requests(10)), Why::Rate).await, 10 * MINUTE, "and no longer");
}
