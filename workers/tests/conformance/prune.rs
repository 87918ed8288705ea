//! Deleting what ended long ago.

use crate::{
    draft::noop,
    fixture::{Fixture, HOUR, LEASE, MINUTE, SECOND, done, fault},
};
use flotilla_jobs::{Filter, JobState, UniqueScope};
use flotilla_workers::store::{End, LiveEvent};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::time::Duration;

/// Prunes a batch of each state; answers how many went.
async fn prune(f: &impl Fixture, age: Duration, batch: u32) -> u32 {
    let mut pruned = 0;
    for state in JobState::ALL {
        pruned += f.store().prune(state, age, batch).await.unwrap();
    }
    pruned
}

pub async fn only_what_ended_long_ago_goes(f: &impl Fixture) {
    f.enqueue_all((0..4).map(|_| noop())).await;
    let claimed = f.claim(4).await;
    f.settle(&claimed[0], done()).await;
    f.settle(&claimed[1], End::Failed(fault())).await;
    f.store().renew(&[claimed[2].lease.clone()], 10 * HOUR).await.unwrap();
    f.store().renew(&[claimed[3].lease.clone()], 10 * HOUR).await.unwrap();
    f.advance_clock(HOUR);
    f.settle(&claimed[2], done()).await;

    assert_eq!(prune(f, HOUR, 100).await, 2);
    assert_eq!(prune(f, HOUR, 100).await, 0);
    for (i, claimed) in claimed.iter().enumerate() {
        assert_eq!(f.store().get(claimed.id()).await.unwrap().is_some(), i >= 2, "{i}");
    }
    let left = f.store().list(&Filter::default(), None, 10).await.unwrap();
    assert_eq!(left.jobs.len(), 2);
}

pub async fn what_is_unfinished_stays_however_old(f: &impl Fixture) {
    let paused = f.running(noop()).await;
    f.settle(&paused, End::Paused("budget".to_owned())).await;
    let running = f.running(noop()).await;
    f.store().renew(std::slice::from_ref(&running.lease), 10_000 * HOUR).await.unwrap();
    let pending = f.enqueue(noop()).await;
    let scheduled = f.enqueue(noop().run_at(f.after(9_000 * HOUR))).await;
    f.advance_clock(8_000 * HOUR);

    assert_eq!(prune(f, HOUR, 100).await, 0);
    for id in [paused.id(), running.id(), pending, scheduled] {
        assert!(f.store().get(id).await.unwrap().is_some());
    }
}

pub async fn every_terminal_state_is_pruned(f: &impl Fixture) {
    let cancelled = f.enqueue(noop()).await;
    f.cancel(cancelled).await;
    f.running(noop()).await;
    f.advance(LEASE + SECOND).await;
    f.claim_one().await;
    f.advance(LEASE + SECOND).await;
    for end in [done(), End::Failed(fault()), End::Cancelled("no".to_owned())] {
        let claimed = f.running(noop()).await;
        f.settle(&claimed, end).await;
    }
    f.advance_clock(MINUTE);

    assert_eq!(prune(f, MINUTE, 100).await, 5);
    assert!(f.store().list(&Filter::default(), None, 10).await.unwrap().jobs.is_empty());
}

pub async fn pruning_takes_no_more_than_asked(f: &impl Fixture) {
    f.enqueue_all((0..10).map(|_| noop())).await;
    for claimed in f.claim(10).await {
        f.complete(&claimed).await;
    }
    f.advance_clock(HOUR);

    let mut pruned = Vec::new();
    for _ in 0..4 {
        pruned.push(prune(f, MINUTE, 4).await);
    }
    assert_eq!(pruned, [4, 4, 2, 0]);
}

pub async fn all_about_a_job_goes_with_it(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    let event = LiveEvent::Output { text: "hello".to_owned() };
    f.store().append(vec![(claimed.lease.clone(), event)]).await.unwrap();
    f.settle(&claimed, End::Retry(fault(), SECOND)).await;
    f.advance(SECOND).await;
    let again = f.claim_one().await;
    f.complete(&again).await;
    f.advance_clock(HOUR);
    assert_eq!(prune(f, HOUR, 10).await, 1);

    assert!(f.store().get(again.id()).await.unwrap().is_none());
    assert!(f.store().read(again.id(), 0, 10).await.unwrap().is_empty());
    assert_eq!(f.cancel(again.id()).await, None);
    assert!(!f.retry(again.id()).await);
}

/// A job that an operator ran again is unfinished, whenever it failed first.
pub async fn a_retried_job_is_not_pruned(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    f.settle(&claimed, End::Failed(fault())).await;
    f.advance_clock(HOUR);
    f.retry(claimed.id()).await;

    assert_eq!(prune(f, MINUTE, 10).await, 0);
    assert_eq!(f.claim_ids(1).await, [claimed.id()]);
}

pub async fn each_state_has_its_age(f: &impl Fixture) {
    let completed = f.running(noop()).await;
    f.settle(&completed, done()).await;
    let failed = f.running(noop()).await;
    f.settle(&failed, End::Failed(fault())).await;
    f.advance_clock(HOUR);

    assert_eq!(f.store().prune(JobState::Quarantined, HOUR, 10).await.unwrap(), 0);
    assert_eq!(f.store().prune(JobState::Failed, 2 * HOUR, 10).await.unwrap(), 0);
    assert_eq!(f.store().prune(JobState::Completed, HOUR, 10).await.unwrap(), 1);
    assert!(f.store().get(completed.id()).await.unwrap().is_none());
    assert_eq!(f.state(failed.id()).await, JobState::Failed);
}

/// Jobs in random states, all of them older than what is pruned.
pub async fn whatever_happened_what_is_unfinished_stays(f: &impl Fixture) {
    let mut rng = StdRng::seed_from_u64(7);
    let drafts = (0..120).map(|n| match n % 4 {
        0 => noop().group(&format!("g{}", n % 5), 2),
        1 => noop().run_at(f.after(Duration::from_secs(rng.random_range(1..100)))),
        2 => noop().unique(&format!("u{n}"), UniqueScope::Unfinished),
        _ => noop(),
    });
    let ids = f.enqueue_all(drafts.collect::<Vec<_>>()).await;
    for _ in 0..20 {
        for claimed in f.claim(rng.random_range(1..12)).await {
            match rng.random_range(0..8) {
                0 => drop(f.settle(&claimed, done()).await),
                1 => drop(f.settle(&claimed, End::Failed(fault())).await),
                2 => drop(f.settle(&claimed, End::Retry(fault(), 5 * SECOND)).await),
                3 => drop(f.settle(&claimed, End::Paused("budget".to_owned())).await),
                4 => drop(f.settle(&claimed, End::HandedOver).await),
                _ => {}
            }
        }
        let some = ids[rng.random_range(0..ids.len())];
        match rng.random_range(0..4) {
            0 => drop(f.cancel(some).await),
            1 => drop(f.retry(some).await),
            2 => drop(f.resume(some).await),
            _ => {}
        }
        f.advance(Duration::from_secs(rng.random_range(1..10))).await;
    }
    f.advance_clock(HOUR);
    let mut unfinished = Vec::new();
    for id in &ids {
        let state = f.state(*id).await;
        if !state.is_terminal() {
            unfinished.push((*id, state));
        }
    }
    assert!((10..110).contains(&unfinished.len()), "{unfinished:?}");

    while prune(f, HOUR, 7).await > 0 {}
    for id in &ids {
        let state = f.store().get(*id).await.unwrap().map(|job| job.state);
        let before = unfinished.iter().find(|(job, _)| job == id).map(|(_, state)| *state);
        assert_eq!(state, before);
    }
}

pub async fn keys_go_when_their_window_is_over(f: &impl Fixture) {
    let hour = UniqueScope::WindowMs(HOUR.as_millis() as u64);
    let first = f.enqueue(noop().unique("short", hour)).await;
    let kept = f.enqueue(noop().unique("long", UniqueScope::Unfinished)).await;
    let repeat = noop().idempotency("day");
    let daily = f.enqueue(repeat.clone()).await;
    f.advance_clock(HOUR + SECOND);

    assert_eq!(f.store().prune_keys(10).await.unwrap(), 1);
    assert_eq!(f.store().prune_keys(10).await.unwrap(), 0);
    assert_eq!(f.state(first).await, JobState::Pending);
    assert!(!f.submit(noop().unique("short", hour)).await.duplicate);
    assert_eq!(f.submit(noop().unique("long", UniqueScope::Unfinished)).await.id, kept);
    assert_eq!(f.submit(repeat.clone()).await.id, daily);

    f.advance_clock(24 * HOUR);
    assert_eq!(f.store().prune_keys(1).await.unwrap(), 1);
    assert_eq!(f.store().prune_keys(1).await.unwrap(), 1);
    assert_eq!(f.store().prune_keys(1).await.unwrap(), 0);
    assert!(!f.submit(repeat).await.duplicate);
}

pub async fn a_key_that_goes_while_it_is_taken_is_held_once(f: &impl Fixture) {
    let other = f.second_store().await;
    let draft = || noop().unique("k", UniqueScope::WindowMs(1_000));
    for _ in 0..20 {
        assert!(!f.submit(draft()).await.duplicate);
        f.advance_clock(2 * SECOND);
        let (_, one, two) = tokio::join!(
            other.prune_keys(10),
            f.store().enqueue(vec![draft().submission()]),
            other.enqueue(vec![draft().submission()]),
        );
        let (one, two) = (one.unwrap()[0], two.unwrap()[0]);
        assert!(one.duplicate != two.duplicate && one.id == two.id, "{one:?} {two:?}");
        assert_eq!(f.submit(draft()).await.id, one.id);
        f.advance_clock(2 * SECOND);
    }
}
