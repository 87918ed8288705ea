//! The order in which jobs are handed out, and how many.

use crate::{
    draft::noop,
    fixture::{Fixture, HOUR, LEASE, MILLI, SECOND, claim},
};
use flotilla_workers::store::{Claim, Claimed};

pub async fn a_lower_number_runs_first(f: &impl Fixture) {
    let ids = f.enqueue_all([9, 5, 0, 3].map(|p| noop().priority(p))).await;

    assert_eq!(f.claim_ids(10).await, [ids[2], ids[3], ids[1], ids[0]]);
}

pub async fn five_is_the_default_priority(f: &impl Fixture) {
    let ids = f.enqueue_all([noop().priority(6), noop(), noop().priority(4)]).await;

    assert_eq!(f.claim_ids(10).await, [ids[2], ids[1], ids[0]]);
}

pub async fn older_jobs_run_first(f: &impl Fixture) {
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(f.enqueue(noop()).await);
        f.advance_clock(MILLI);
    }

    assert_eq!(f.claim_ids(2).await, ids[..2]);
    assert_eq!(f.claim_ids(9).await, ids[2..]);
}

pub async fn jobs_of_one_moment_run_in_the_order_of_their_ids(f: &impl Fixture) {
    let ids = f.enqueue_all((0..20).map(|_| noop())).await;

    assert!(ids.is_sorted());
    assert_eq!(f.claim_ids(20).await, ids);
}

pub async fn priority_goes_before_age(f: &impl Fixture) {
    let old = f.enqueue(noop().priority(6)).await;
    f.advance_clock(HOUR);
    let urgent = f.enqueue(noop().priority(5)).await;

    assert_eq!(f.claim_ids(2).await, [urgent, old]);
}

pub async fn age_counts_from_when_a_job_became_ready(f: &impl Fixture) {
    let delayed = f.enqueue(noop().run_at(f.after(10 * SECOND))).await;
    f.advance(5 * SECOND).await;
    let later = f.enqueue(noop()).await;
    f.advance(6 * SECOND).await;
    let last = f.enqueue(noop()).await;

    assert_eq!(f.claim_ids(3).await, [later, delayed, last]);
}

pub async fn a_run_at_in_the_past_is_no_head_start(f: &impl Fixture) {
    let past = f.after(SECOND);
    f.advance_clock(HOUR);
    let first = f.enqueue(noop()).await;
    f.advance_clock(SECOND);
    let second = f.enqueue(noop().run_at(past)).await;

    assert_eq!(f.claim_ids(2).await, [first, second]);
}

pub async fn each_queue_gives_as_many_as_asked_of_it(f: &impl Fixture) {
    let a = f.enqueue_all((0..3).map(|_| noop().queue("a"))).await;
    let b = f.enqueue_all((0..3).map(|_| noop().queue("b"))).await;

    let claimed = claim(f.store(), &[("a".to_owned(), 2), ("b".to_owned(), 1)]).await;
    let mut ids: Vec<_> = claimed.iter().map(Claimed::id).collect();
    ids.sort_unstable();
    assert_eq!(ids, [a[0], a[1], b[0]]);
}

pub async fn queues_are_served_in_the_order_named(f: &impl Fixture) {
    let a = f.enqueue(noop().queue("a")).await;
    let b = f.enqueue(noop().queue("b").priority(0)).await;

    let claimed = claim(f.store(), &[("b".to_owned(), 5), ("a".to_owned(), 5)]).await;
    assert_eq!(claimed.iter().map(Claimed::id).collect::<Vec<_>>(), [b, a]);
}

pub async fn a_queue_not_named_gives_nothing(f: &impl Fixture) {
    f.enqueue(noop().queue("other")).await;

    assert!(f.claim(10).await.is_empty());
    assert_eq!(f.claim_from("other", 10).await.len(), 1);
}

pub async fn a_claim_of_nothing_gives_nothing(f: &impl Fixture) {
    f.enqueue(noop()).await;

    assert!(f.claim(0).await.is_empty());
    assert!(claim(f.store(), &[]).await.is_empty());
    assert!(f.claim_from("never-used", 5).await.is_empty());
    assert_eq!(f.claim(5).await.len(), 1);
}

pub async fn a_claimed_job_says_all_a_worker_needs(f: &impl Fixture) {
    let draft = crate::draft::kind("code-review").tenant("acme").queue("slow").with(|o| {
        o.max_attempts = Some(7);
        o.timeout_ms = Some(1_234);
        o.backoff = Some(flotilla_jobs::Backoff { base_ms: 10, cap_ms: 20 });
        o.trace = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned());
    });
    let payload = serde_json::json!({"a": [1, 2.5, "x"], "b": null});
    let accepted = f.now();
    let id = f.enqueue(draft.payload(&payload)).await;
    f.advance_clock(SECOND);

    let queues = [("slow".to_owned(), 1)];
    let mut claimed =
        f.store().claim(Claim { worker: "w", queues: &queues, kinds: None, lease_ttl: LEASE }).await.unwrap();
    let c = claimed.pop().unwrap();
    assert_eq!((c.id(), c.lease.job(), c.lease.queue()), (id, id, "slow"));
    assert_eq!((c.kind.as_str(), c.tenant.as_str(), c.max_attempts, c.timeout_ms), ("code-review", "acme", 7, 1_234));
    assert_eq!((c.backoff.base_ms, c.backoff.cap_ms), (10, 20));
    assert_eq!(c.trace.as_deref(), Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    assert_eq!(crate::fixture::json(Some(&c.payload)), payload);
    assert_eq!((c.ready_at(), c.claimed_at), (accepted, accepted + 1_000));
    assert_eq!(c.attempts(), flotilla_jobs::Attempts::default());
}
