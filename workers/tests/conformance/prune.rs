//! Deleting what ended long ago.

use crate::{
    draft::noop,
    fixture::{Fixture, HOUR, LEASE, MINUTE, SECOND, done, fault},
};
use flotilla_jobs::Filter;
use flotilla_workers::store::{End, LiveEvent};

pub async fn only_what_ended_long_ago_goes(f: &impl Fixture) {
    f.enqueue_all((0..4).map(|_| noop())).await;
    let claimed = f.claim(4).await;
    f.settle(&claimed[0], done()).await;
    f.settle(&claimed[1], End::Failed(fault())).await;
    f.store().renew(&[claimed[2].lease.clone()], 10 * HOUR).await.unwrap();
    f.store().renew(&[claimed[3].lease.clone()], 10 * HOUR).await.unwrap();
    f.advance_clock(HOUR);
    f.settle(&claimed[2], done()).await;

    assert_eq!(f.store().prune(HOUR, 100).await.unwrap(), 2);
    assert_eq!(f.store().prune(HOUR, 100).await.unwrap(), 0);
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

    assert_eq!(f.store().prune(HOUR, 100).await.unwrap(), 0);
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

    assert_eq!(f.store().prune(MINUTE, 100).await.unwrap(), 5);
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
        pruned.push(f.store().prune(MINUTE, 4).await.unwrap());
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
    assert_eq!(f.store().prune(HOUR, 10).await.unwrap(), 1);

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

    assert_eq!(f.store().prune(MINUTE, 10).await.unwrap(), 0);
    assert_eq!(f.claim_ids(1).await, [claimed.id()]);
}
