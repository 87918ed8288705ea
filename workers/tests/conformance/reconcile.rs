//! The queue is an index that can be rebuilt from the record. Where both are one, nothing can be lost, and all this
//! must hold just the same.

use crate::{
    draft::{Draft, noop},
    fixture::{Fixture, HOUR, LEASE, MINUTE, QUEUE, SECOND, done, fault},
};
use flotilla_jobs::{JobId, JobState};
use flotilla_workers::store::{Claimed, End, QueueChange, Settled};

pub async fn nothing_lost_is_nothing_pushed(f: &impl Fixture) {
    let ids = f.enqueue_all((0..5).map(|i| noop().group(&format!("g{}", i % 2), 1))).await;
    f.enqueue(noop().run_at(f.after(MINUTE))).await;
    let running = f.claim_one().await;
    let paused = f.running(noop().priority(0)).await;
    f.settle(&paused, End::Paused("budget".to_owned())).await;

    assert_eq!(f.reconcile().await.pushed, 0);
    assert_eq!(f.reconcile().await.pushed, 0);
    assert_eq!(f.state(running.id()).await, JobState::Running);
    assert_eq!(f.state(paused.id()).await, JobState::Paused);
    f.complete(&running).await;
    assert_eq!(f.claim_ids(10).await, ids[1..3]);
}

pub async fn every_lost_job_still_ends_once(f: &impl Fixture) {
    let running = {
        f.enqueue_all((0..10).map(|_| noop())).await;
        f.claim(10).await
    };
    f.settle(&running[0], End::Retry(fault(), MINUTE)).await;
    f.settle(&running[1], End::HandedOver).await;
    f.settle(&running[2], done()).await;
    f.enqueue_all((0..5).map(|_| noop().run_at(f.after(MINUTE)))).await;
    f.enqueue_all((0..5).map(|_| noop())).await;
    f.lose_queue().await;
    f.reconcile().await;
    f.reconcile().await;

    // The first workers go on for a while, others start.
    let mut results: Vec<JobId> = vec![running[2].id()];
    let mut work = async |claimed: Vec<Claimed>| {
        for c in claimed {
            if f.settle(&c, done()).await == Settled::Recorded(JobState::Completed) {
                results.push(c.id());
            }
        }
    };
    work(running[3..6].to_vec()).await;
    work(f.claim(100).await).await;
    work(running[6..].to_vec()).await;
    f.advance(HOUR).await;
    work(f.claim(100).await).await;

    results.sort_unstable();
    assert_eq!(results.len(), 20);
    results.dedup();
    assert_eq!(results.len(), 20);
    let stats = f.stats(QUEUE).await;
    assert_eq!((stats.pending, stats.scheduled, stats.running), (0, 0, 0));
}

pub async fn doing_it_twice_hands_nothing_out_twice(f: &impl Fixture) {
    let ids = f.enqueue_all((0..50).map(|_| noop())).await;
    f.lose_queue().await;
    f.reconcile().await;
    let first = f.claim_ids(20).await;
    f.reconcile().await;

    assert_eq!(first, ids[..20]);
    assert_eq!(f.claim_ids(100).await, ids[20..]);
}

pub async fn two_at_once_push_each_job_once(f: &impl Fixture) {
    let ids = f.enqueue_all((0..300).map(|_| noop())).await;
    let other = f.second_store().await;
    f.lose_queue().await;
    let none = std::time::Duration::ZERO;
    let (a, b) = tokio::join!(f.store().reconcile(None, none, 1_000), other.reconcile(None, none, 1_000));
    a.unwrap();
    b.unwrap();
    f.reconcile().await;

    assert_eq!(f.claim_ids(1_000).await, ids);
}

pub async fn it_goes_through_the_record_page_by_page(f: &impl Fixture) {
    let ids = f.enqueue_all((0..25).map(|_| noop())).await;
    f.lose_queue().await;
    let (mut after, mut pages, mut checked) = (None, 0, 0);
    loop {
        let page = f.store().reconcile(after, std::time::Duration::ZERO, 10).await.unwrap();
        assert!(page.checked <= 10);
        (after, pages, checked) = (page.next, pages + 1, checked + page.checked);
        if after.is_none() {
            break;
        }
        assert!(pages < 10);
    }
    assert_eq!(checked, 25);
    assert_eq!(f.claim_ids(100).await, ids);
}

/// A job may be on record and on its way into the queue just now.
pub async fn young_jobs_are_left_alone(f: &impl Fixture) {
    let old = f.enqueue(noop()).await;
    f.advance_clock(MINUTE);
    f.enqueue(noop()).await;
    f.lose_queue().await;
    let reconciled = f.store().reconcile(None, MINUTE, 100).await.unwrap();

    assert!(reconciled.pushed <= 1);
    assert_eq!(f.claim_ids(1).await, [old]);
    f.advance_clock(MINUTE);
    f.store().reconcile(None, MINUTE, 100).await.unwrap();
    assert_eq!(f.claim(5).await.len(), 1);
}

pub async fn order_survives_a_loss(f: &impl Fixture) {
    let first = f.enqueue(noop()).await;
    f.advance_clock(SECOND);
    let urgent = f.enqueue(noop().priority(1)).await;
    let handed_over = f.running(noop().priority(0)).await;
    f.advance_clock(SECOND);
    let last = f.enqueue(noop()).await;
    f.settle(&handed_over, End::HandedOver).await;
    let later = f.enqueue(noop().priority(0).run_at(f.after(MINUTE))).await;
    f.lose_queue().await;
    f.reconcile().await;

    assert_eq!(f.claim_ids(10).await, [handed_over.id(), urgent, first, last]);
    assert_eq!(f.state(later).await, JobState::Scheduled);
    f.advance(MINUTE).await;
    assert!(f.claim_ids(10).await.contains(&later));
}

pub async fn counters_survive_a_loss(f: &impl Fixture) {
    let claimed = f.running(noop().payload_text(r#"{"a":[1]}"#).tenant("acme")).await;
    f.settle(&claimed, End::Retry(fault(), SECOND)).await;
    f.lose_queue().await;
    f.reconcile().await;
    f.advance(SECOND).await;

    let again = f.claim_one().await;
    assert_eq!((again.id(), again.attempts().failure, again.tenant.as_str()), (claimed.id(), 1, "acme"));
    assert_eq!(crate::fixture::json(Some(&again.payload)), serde_json::json!({"a": [1]}));
    assert_eq!(
        (again.max_attempts, again.timeout_ms, again.backoff),
        (claimed.max_attempts, claimed.timeout_ms, claimed.backoff)
    );
}

pub async fn a_group_survives_a_loss(f: &impl Fixture) {
    let grouped = || -> Draft { noop().group("chat", 2) };
    let ids = f.enqueue_all((0..20).map(|_| grouped())).await;
    f.lose_queue().await;
    f.reconcile().await;

    let mut order = Vec::new();
    loop {
        let claimed = f.claim(10).await;
        if claimed.is_empty() {
            break;
        }
        assert!(claimed.len() <= 2);
        for c in &claimed {
            order.push(c.id());
            f.complete(c).await;
        }
    }
    assert_eq!(order, ids);
}

pub async fn a_group_in_use_survives_a_loss(f: &impl Fixture) {
    let ids = f.enqueue_all((0..3).map(|_| noop().group("chat", 1))).await;
    let holder = f.claim_one().await;
    f.settle(&holder, End::Retry(fault(), MINUTE)).await;
    f.lose_queue().await;
    f.reconcile().await;

    // It may be that the next is let in while the holder waits; never two at once, and none is forgotten.
    f.advance(MINUTE).await;
    let mut order = Vec::new();
    while let Some(claimed) = f.claim(10).await.pop() {
        assert!(f.claim(10).await.is_empty());
        order.push(claimed.id());
        f.complete(&claimed).await;
    }
    order.sort_unstable();
    assert_eq!(order, ids);
}

pub async fn settings_of_queues_survive_a_loss(f: &impl Fixture) {
    f.store().configure_queue("paused", QueueChange { paused: Some(true), cap: None }).await.unwrap();
    f.store().configure_queue("capped", QueueChange { paused: None, cap: Some(2) }).await.unwrap();
    f.enqueue_all((0..10).map(|i| noop().queue(["paused", "capped"][i % 2]))).await;
    f.lose_queue().await;
    f.reconcile().await;

    assert_eq!(f.claim_from("paused", 10).await.len(), 0);
    assert_eq!(f.claim_from("capped", 10).await.len(), 2);
    assert!(f.stats("paused").await.paused);
}

pub async fn a_paused_job_stays_paused(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    f.settle(&claimed, End::Paused("budget".to_owned())).await;
    f.lose_queue().await;
    f.reconcile().await;
    f.advance(HOUR).await;
    assert!(f.claim(5).await.is_empty());

    assert!(f.resume(claimed.id()).await);
    assert_eq!(f.claim_ids(5).await, [claimed.id()]);
}

pub async fn a_wish_to_cancel_survives_a_loss(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    f.cancel(claimed.id()).await;
    f.lose_queue().await;
    f.reconcile().await;
    f.advance(LEASE + SECOND).await;

    assert_eq!(f.state(claimed.id()).await, JobState::Cancelled);
    assert!(f.claim(5).await.is_empty());
    assert_eq!(f.settle(&claimed, done()).await, Settled::LeaseLost);
}

pub async fn a_lost_job_can_be_cancelled(f: &impl Fixture) {
    let ids = f.enqueue_all([noop(), noop().run_at(f.after(MINUTE)), noop().group("g", 1)]).await;
    f.lose_queue().await;
    for id in &ids {
        assert_eq!(f.cancel(*id).await, Some(flotilla_workers::store::CancelReply::Cancelled));
    }
    f.reconcile().await;
    f.advance(MINUTE).await;

    assert!(f.claim(5).await.is_empty());
}

pub async fn a_result_counts_though_the_queue_forgot_the_job(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    f.lose_queue().await;
    f.complete(&claimed).await;
    f.reconcile().await;

    assert_eq!(f.state(claimed.id()).await, JobState::Completed);
    assert!(f.claim(5).await.is_empty());
}
