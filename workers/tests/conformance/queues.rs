//! Queues as a whole: paused, capped, counted.

use crate::{
    draft::noop,
    fixture::{Fixture, LEASE, MINUTE, QUEUE, SECOND, claim, done, fault},
};
use flotilla_workers::store::{End, QueueChange, QueueStats};

const PAUSE: QueueChange = QueueChange { paused: Some(true), cap: None };
const GO_ON: QueueChange = QueueChange { paused: Some(false), cap: None };

fn cap(cap: u32) -> QueueChange {
    QueueChange { paused: None, cap: Some(cap) }
}

pub async fn a_paused_queue_gives_nothing_anywhere(f: &impl Fixture) {
    let other = f.second_store().await;
    let queues = [(QUEUE.to_owned(), 5), ("b".to_owned(), 5)];
    f.store().configure_queue(QUEUE, PAUSE).await.unwrap();
    let waits = f.enqueue(noop()).await;
    let runs = f.enqueue(noop().queue("b")).await;

    assert_eq!(claim(&*other, &queues).await.iter().map(|c| c.lease.job()).collect::<Vec<_>>(), [runs]);
    assert!(claim(f.store(), &queues).await.is_empty());
    assert!(f.stats(QUEUE).await.paused);

    other.configure_queue(QUEUE, GO_ON).await.unwrap();
    assert_eq!(f.claim_ids(5).await, [waits]);
    assert!(!f.stats(QUEUE).await.paused);
}

pub async fn what_runs_goes_on_while_its_queue_is_paused(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    f.store().configure_queue(QUEUE, PAUSE).await.unwrap();

    assert_eq!(f.renew(&claimed).await, flotilla_workers::store::Renewal::Kept);
    f.complete(&claimed).await;
}

pub async fn a_cap_limits_what_runs_in_the_whole_fleet(f: &impl Fixture) {
    let other = f.second_store().await;
    let ids = f.enqueue_all((0..10).map(|_| noop())).await;
    f.store().configure_queue(QUEUE, cap(4)).await.unwrap();

    let first = f.claim(3).await;
    let rest = claim(&*other, &[(QUEUE.to_owned(), 10)]).await;
    assert_eq!((first.len(), rest.len()), (3, 1));
    assert!(f.claim(10).await.is_empty());

    f.complete(&first[0]).await;
    f.settle(&first[1], End::Retry(fault(), MINUTE)).await;
    assert_eq!(f.claim_ids(10).await, ids[4..6]);
    assert_eq!(f.stats(QUEUE).await.cap, Some(4));
}

pub async fn a_cap_below_what_runs_waits(f: &impl Fixture) {
    f.enqueue_all((0..5).map(|_| noop())).await;
    let claimed = f.claim(3).await;
    f.store().configure_queue(QUEUE, cap(2)).await.unwrap();

    f.complete(&claimed[0]).await;
    assert!(f.claim(10).await.is_empty());
    f.complete(&claimed[1]).await;
    assert_eq!(f.claim(10).await.len(), 1);
}

pub async fn a_lost_job_gives_its_place_under_the_cap_back(f: &impl Fixture) {
    f.enqueue_all((0..3).map(|_| noop())).await;
    f.store().configure_queue(QUEUE, cap(1)).await.unwrap();
    let lost = f.claim_one().await;
    f.advance(LEASE + SECOND).await;

    assert_eq!(f.claim_ids(10).await, [lost.id()]);
}

pub async fn a_cap_of_zero_takes_the_cap_away(f: &impl Fixture) {
    f.enqueue_all((0..5).map(|_| noop())).await;
    f.store().configure_queue(QUEUE, cap(1)).await.unwrap();
    assert_eq!(f.claim(10).await.len(), 1);

    f.store().configure_queue(QUEUE, cap(0)).await.unwrap();
    assert_eq!(f.claim(10).await.len(), 4);
    assert_eq!(f.stats(QUEUE).await.cap, None);
}

pub async fn a_change_leaves_the_rest_as_it_is(f: &impl Fixture) {
    f.store().configure_queue("q", cap(3)).await.unwrap();
    f.store().configure_queue("q", PAUSE).await.unwrap();
    let stats = f.stats("q").await;
    assert_eq!((stats.paused, stats.cap), (true, Some(3)));

    f.store().configure_queue("q", cap(5)).await.unwrap();
    f.store().configure_queue("q", QueueChange::default()).await.unwrap();
    let stats = f.stats("q").await;
    assert_eq!((stats.paused, stats.cap), (true, Some(5)));
}

pub async fn each_job_is_counted_where_it_is(f: &impl Fixture) {
    f.enqueue_all((0..4).map(|_| noop())).await;
    f.enqueue_all((0..2).map(|_| noop().run_at(f.after(MINUTE)))).await;
    let claimed = f.claim(4).await;
    f.settle(&claimed[0], End::Paused("budget".to_owned())).await;
    f.settle(&claimed[1], End::Retry(fault(), MINUTE)).await;
    f.settle(&claimed[2], done()).await;
    f.enqueue_all((0..5).map(|_| noop().group("g", 1))).await;

    let expected = QueueStats {
        name: QUEUE.to_owned(),
        scheduled: 3,
        pending: 5,
        running: 1,
        paused_jobs: 1,
        oldest_pending_ms: Some(0),
        ..QueueStats::default()
    };
    assert_eq!(f.store().queues().await.unwrap(), [expected]);
}

pub async fn every_queue_ever_used_is_listed_by_name(f: &impl Fixture) {
    assert!(f.store().queues().await.unwrap().is_empty());
    f.enqueue_all(["zeta", "alpha", "mid.dle", "alpha"].map(|q| noop().queue(q))).await;
    f.enqueue(noop().queue("later").run_at(f.after(MINUTE))).await;
    let done = f.claim_from("zeta", 1).await.pop().unwrap();
    f.complete(&done).await;

    let queues = f.store().queues().await.unwrap();
    assert_eq!(queues.iter().map(|q| q.name.as_str()).collect::<Vec<_>>(), ["alpha", "later", "mid.dle", "zeta"]);
    assert_eq!(queues.iter().map(|q| q.pending).collect::<Vec<_>>(), [2, 0, 1, 0]);
    assert_eq!(queues[3], QueueStats { name: "zeta".to_owned(), ..QueueStats::default() });
}

pub async fn the_oldest_is_the_one_ready_longest(f: &impl Fixture) {
    let oldest = async || f.stats(QUEUE).await.oldest_pending_ms;
    f.enqueue_all([noop().priority(9), noop().run_at(f.after(2 * SECOND))]).await;
    assert_eq!(oldest().await, Some(0));
    f.advance(3 * SECOND).await;
    f.enqueue(noop().priority(0)).await;
    assert_eq!(oldest().await, Some(3_000));

    let first_two = f.claim(2).await;
    assert_eq!(first_two.len(), 2);
    assert_eq!(oldest().await, Some(3_000));
    f.claim_one().await;
    assert_eq!(oldest().await, None);
}

pub async fn a_job_in_its_groups_line_counts_as_waiting(f: &impl Fixture) {
    f.enqueue_all((0..3).map(|_| noop().group("g", 1))).await;
    f.claim_one().await;
    f.advance_clock(SECOND);

    let stats = f.stats(QUEUE).await;
    assert_eq!((stats.pending, stats.oldest_pending_ms), (2, Some(1_000)));
}
