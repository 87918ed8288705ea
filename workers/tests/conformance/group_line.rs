//! The line of a group: who is next, and what a long one costs the others.

use crate::{
    draft::{Draft, noop},
    fixture::{Fixture, MINUTE, QUEUE, SECOND, ended, fault},
};
use flotilla_jobs::JobId;
use flotilla_workers::store::{End, QueueChange};

fn grouped() -> Draft {
    noop().group("chat", 1)
}

/// Runs what comes, one by one; answers the order.
async fn drain(f: &impl Fixture) -> Vec<JobId> {
    let mut order = Vec::new();
    while let Some(claimed) = f.claim(1).await.pop() {
        order.push(claimed.id());
        f.complete(&claimed).await;
    }
    order
}

pub async fn first_in_is_first_out(f: &impl Fixture) {
    let mut ids = f.enqueue_all([grouped(), grouped()]).await;
    f.advance_clock(SECOND);
    ids.extend(f.enqueue_all([grouped(), grouped(), grouped()]).await);

    assert_eq!(drain(f).await, ids);
}

pub async fn priority_plays_no_part_in_the_line(f: &impl Fixture) {
    let ids = f.enqueue_all([5, 9, 0, 5].map(|p| grouped().priority(p))).await;

    assert_eq!(drain(f).await, ids);
}

pub async fn priority_counts_among_groups(f: &impl Fixture) {
    let ids = f.enqueue_all([("a", 9), ("b", 1), ("c", 5)].map(|(g, p)| noop().group(g, 1).priority(p))).await;

    assert_eq!(f.claim_ids(10).await, [ids[1], ids[2], ids[0]]);
}

pub async fn a_due_job_lines_up_by_its_time(f: &impl Fixture) {
    let early = f.enqueue(grouped().run_at(f.after(10 * SECOND))).await;
    let holder = f.enqueue(grouped()).await;
    f.advance(5 * SECOND).await;
    let first = f.enqueue(grouped()).await;
    f.advance(6 * SECOND).await;
    let last = f.enqueue(grouped()).await;

    assert_eq!(drain(f).await, [holder, first, early, last]);
}

pub async fn an_operators_retry_joins_the_end(f: &impl Fixture) {
    let ids = f.enqueue_all([grouped(), grouped(), grouped()]).await;
    let first = f.claim_one().await;
    f.settle(&first, End::Failed(fault())).await;
    let second = f.claim_one().await;
    f.advance_clock(SECOND);
    assert!(f.retry(ids[0]).await);

    f.complete(&second).await;
    assert_eq!(drain(f).await, [ids[2], ids[0]]);
}

pub async fn jobs_resumed_together_keep_their_order(f: &impl Fixture) {
    let ids = f.enqueue_all((0..20).map(|_| grouped())).await;
    for _ in &ids {
        let claimed = f.claim_one().await;
        f.settle(&claimed, End::Paused("budget".to_owned())).await;
    }
    f.store().resume(&ids).await.unwrap();

    assert_eq!(drain(f).await, ids);
}

pub async fn jobs_retried_together_keep_their_order(f: &impl Fixture) {
    let ids = f.enqueue_all((0..20).map(|_| grouped())).await;
    for _ in &ids {
        let claimed = f.claim_one().await;
        f.settle(&claimed, End::Failed(fault())).await;
    }
    f.store().retry(&ids).await.unwrap();

    assert_eq!(drain(f).await, ids);
}

pub async fn a_slot_moves_on_while_the_queue_is_paused(f: &impl Fixture) {
    f.store().configure_queue(QUEUE, QueueChange { paused: Some(true), cap: None }).await.unwrap();
    let ids = f.enqueue_all([grouped(), grouped()]).await;
    f.cancel(ids[0]).await;
    f.store().configure_queue(QUEUE, QueueChange { paused: Some(false), cap: None }).await.unwrap();

    assert_eq!(drain(f).await, ids[1..]);
}

pub async fn nothing_overtakes_a_job_that_tries_again(f: &impl Fixture) {
    let ids = f.enqueue_all([grouped(), grouped().priority(0)]).await;
    for end in [End::Retry(fault(), MINUTE), End::HandedOver, End::Snoozed(MINUTE), End::Retry(fault(), SECOND)] {
        let claimed = f.claim_one().await;
        assert_eq!(claimed.id(), ids[0]);
        f.settle(&claimed, end).await;
        f.advance(MINUTE).await;
    }
    assert_eq!(drain(f).await, ids);
}

pub async fn the_slots_of_a_batch_settle_together(f: &impl Fixture) {
    let ids = f.enqueue_all((0..30).map(|i| noop().group(&format!("g{}", i % 3), 2))).await;
    let mut order = Vec::new();
    loop {
        let claimed = f.claim(100).await;
        if claimed.is_empty() {
            break;
        }
        assert!(claimed.len() <= 6);
        order.extend(claimed.iter().map(|c| c.lease.job()));
        f.store().settle(claimed.iter().map(|c| ended(c, crate::fixture::done())).collect()).await.unwrap();
    }
    assert_eq!(order, ids);
}

pub async fn a_long_line_is_in_nobodys_way(f: &impl Fixture) {
    for _ in 0..5 {
        f.enqueue_all((0..1_000).map(|_| grouped().priority(0))).await;
    }
    let others = f.enqueue_all((0..10).map(|i| noop().priority(9).group(&format!("other{i}"), 1))).await;

    let claimed = f.claim_ids(1_000).await;
    assert_eq!(claimed[1..], others);
    assert!(f.claim(1_000).await.is_empty());
    assert_eq!(f.stats(QUEUE).await.pending, 4_999);
}
