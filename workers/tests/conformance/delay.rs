//! Jobs that wait for their time, and promotion.

use crate::{
    draft::noop,
    fixture::{Fixture, HOUR, MILLI, MINUTE, QUEUE, SECOND},
};
use flotilla_jobs::JobState;
use flotilla_workers::store::Promoted;

fn default_queue() -> [String; 1] {
    [QUEUE.to_owned()]
}

pub async fn a_delayed_job_waits_for_its_time(f: &impl Fixture) {
    let id = f.enqueue(noop().run_at(f.after(MINUTE))).await;
    assert!(f.claim(1).await.is_empty());

    f.advance(MINUTE - MILLI).await;
    assert!(f.claim(1).await.is_empty());
    assert_eq!(f.state(id).await, JobState::Scheduled);

    f.advance(MILLI).await;
    assert_eq!(f.state(id).await, JobState::Pending);
    assert_eq!(f.claim_ids(1).await, [id]);
}

pub async fn a_delayed_job_keeps_its_priority(f: &impl Fixture) {
    let urgent = f.enqueue(noop().priority(1).run_at(f.after(MINUTE))).await;
    let usual = f.enqueue(noop()).await;
    f.advance(MINUTE).await;

    assert_eq!(f.claim_ids(2).await, [urgent, usual]);
}

pub async fn delayed_jobs_run_in_the_order_they_are_due(f: &impl Fixture) {
    let ids = f.enqueue_all([3, 1, 2].map(|s| noop().run_at(f.after(s * SECOND)))).await;
    f.advance(HOUR).await;

    assert_eq!(f.claim_ids(3).await, [ids[1], ids[2], ids[0]]);
}

pub async fn promotion_moves_no_more_than_asked(f: &impl Fixture) {
    f.enqueue_all((0..5).map(|_| noop().run_at(f.after(SECOND)))).await;
    f.enqueue_all((0..5).map(|_| noop().queue("other").run_at(f.after(SECOND)))).await;
    f.advance_clock(SECOND);

    let both = [QUEUE.to_owned(), "other".to_owned()];
    assert_eq!(f.store().promote(&both, 3).await.unwrap(), Promoted { moved: 6, next_due_in_ms: Some(0) });
    assert_eq!(f.claim(10).await.len(), 3);
    assert_eq!(f.store().promote(&both, 3).await.unwrap(), Promoted { moved: 4, next_due_in_ms: None });
    assert_eq!(f.claim(10).await.len(), 2);
}

pub async fn promotion_says_when_to_come_again(f: &impl Fixture) {
    let promote = async || f.store().promote(&default_queue(), 10).await.unwrap();
    assert_eq!(promote().await, Promoted { moved: 0, next_due_in_ms: None });

    f.enqueue(noop()).await;
    assert_eq!(promote().await, Promoted { moved: 0, next_due_in_ms: None });

    f.enqueue_all([90, 30].map(|s| noop().run_at(f.after(s * SECOND)))).await;
    assert_eq!(promote().await, Promoted { moved: 0, next_due_in_ms: Some(30_000) });
    f.advance_clock(31 * SECOND);
    assert_eq!(promote().await, Promoted { moved: 1, next_due_in_ms: Some(59_000) });
}

pub async fn promotion_looks_only_at_the_queues_named(f: &impl Fixture) {
    let id = f.enqueue(noop().queue("other").run_at(f.after(SECOND))).await;
    f.advance_clock(MINUTE);

    assert_eq!(f.store().promote(&default_queue(), 10).await.unwrap(), Promoted::default());
    assert!(f.claim_from("other", 1).await.is_empty());
    assert_eq!(f.store().promote(&["other".to_owned()], 10).await.unwrap().moved, 1);
    assert_eq!(f.claim_from("other", 1).await[0].id(), id);
}

pub async fn promotion_at_once_by_two_moves_each_job_once(f: &impl Fixture) {
    let ids = f.enqueue_all((0..300).map(|_| noop().run_at(f.after(SECOND)))).await;
    let other = f.second_store().await;
    f.advance_clock(SECOND);

    let queue = default_queue();
    let mut moved = 0;
    for _ in 0..5 {
        let (a, b) = tokio::join!(f.store().promote(&queue, 40), other.promote(&queue, 40));
        moved += a.unwrap().moved + b.unwrap().moved;
    }
    assert_eq!(moved, 300);
    assert_eq!(f.claim_ids(1_000).await, ids);
}

/// More than a Lua script can unpack at once, where apalis-redis stops for good.
pub async fn nine_thousand_due_at_once_are_no_trouble(f: &impl Fixture) {
    for _ in 0..9 {
        f.enqueue_all((0..1_000).map(|_| noop().run_at(f.after(SECOND)))).await;
    }
    f.advance_clock(SECOND);

    let mut moved = 0;
    loop {
        let promoted = f.store().promote(&default_queue(), 1_000).await.unwrap();
        assert!(promoted.moved <= 1_000);
        moved += promoted.moved;
        if promoted.next_due_in_ms.is_none() {
            break;
        }
    }
    assert_eq!(moved, 9_000);
    assert_eq!(f.claim(1_000).await.len(), 1_000);
    assert_eq!(f.stats(QUEUE).await.pending, 8_000);
}
