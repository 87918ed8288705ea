//! Unique keys: a second submit of the same work is the first job.

use crate::{
    draft::{Draft, kind, noop},
    fixture::{Fixture, HOUR, LEASE, MILLI, MINUTE, SECOND, claim, done, fault},
};
use flotilla_jobs::{Accepted, JobId, UniqueScope};
use flotilla_workers::store::{Claimed, End};

const WINDOW: UniqueScope = UniqueScope::WindowMs(3_600_000);

fn unfinished() -> Draft {
    noop().unique("key", UniqueScope::Unfinished)
}

fn waiting() -> Draft {
    noop().unique("key", UniqueScope::Waiting)
}

async fn is_duplicate_of(f: &impl Fixture, draft: Draft, first: JobId) {
    assert_eq!(f.submit(draft).await, Accepted { id: first, duplicate: true });
}

pub async fn a_second_submit_is_the_first_job(f: &impl Fixture) {
    for (i, scope) in [UniqueScope::Waiting, UniqueScope::Unfinished, WINDOW].into_iter().enumerate() {
        let draft = noop().unique(&format!("key{i}"), scope);
        let first = f.enqueue(draft.clone()).await;
        is_duplicate_of(f, draft.clone(), first).await;
        is_duplicate_of(f, draft, first).await;
    }
    assert_eq!(f.claim(10).await.len(), 3);
}

pub async fn the_key_is_held_until_the_job_is_finished(f: &impl Fixture) {
    let first = f.enqueue(unfinished().run_at(f.after(MINUTE))).await;
    is_duplicate_of(f, unfinished(), first).await;
    f.advance(MINUTE).await;
    let claimed = f.claim_one().await;
    is_duplicate_of(f, unfinished(), first).await;
    f.settle(&claimed, End::Retry(fault(), MINUTE)).await;
    is_duplicate_of(f, unfinished(), first).await;
    f.advance(MINUTE).await;
    let claimed = f.claim_one().await;
    f.settle(&claimed, End::Paused("budget".to_owned())).await;
    is_duplicate_of(f, unfinished(), first).await;
    f.resume(first).await;
    let claimed = f.claim_one().await;
    f.complete(&claimed).await;

    assert_ne!(f.enqueue(unfinished()).await, first);
}

pub async fn every_final_result_frees_the_key(f: &impl Fixture) {
    for end in [done(), End::Failed(fault()), End::Cancelled("no".to_owned())] {
        let claimed = f.running(unfinished()).await;
        f.settle(&claimed, end).await;
    }
    let waits = f.enqueue(unfinished()).await;
    f.cancel(waits).await;
    f.running(unfinished()).await;
    for _ in 0..2 {
        f.advance(LEASE + SECOND).await;
        f.claim(1).await;
    }
    f.enqueue(unfinished()).await;
}

pub async fn a_waiting_key_is_free_once_the_job_runs(f: &impl Fixture) {
    let first = f.running(waiting()).await;
    let second = f.enqueue(waiting()).await;
    is_duplicate_of(f, waiting(), second).await;

    f.complete(&first).await;
    is_duplicate_of(f, waiting(), second).await;
    let claimed = f.claim_one().await;
    assert_eq!(claimed.id(), second);
    f.enqueue(waiting()).await;
}

pub async fn a_waiting_key_is_free_once_the_job_is_cancelled(f: &impl Fixture) {
    let first = f.enqueue(waiting().run_at(f.after(MINUTE))).await;
    is_duplicate_of(f, waiting(), first).await;
    f.cancel(first).await;

    assert_ne!(f.enqueue(waiting()).await, first);
}

pub async fn a_window_outlasts_the_job(f: &impl Fixture) {
    let draft = noop().unique("key", WINDOW);
    let claimed = f.running(draft.clone()).await;
    f.complete(&claimed).await;
    f.advance(HOUR / 2).await;
    is_duplicate_of(f, draft.clone(), claimed.id()).await;

    // It counts from the first submit, not from the last.
    f.advance(HOUR / 2 - MILLI).await;
    is_duplicate_of(f, draft.clone(), claimed.id()).await;
    f.advance(2 * MILLI).await;
    let second = f.enqueue(draft.clone()).await;
    is_duplicate_of(f, draft, second).await;
}

pub async fn a_window_ends_though_the_job_is_unfinished(f: &impl Fixture) {
    let draft = noop().unique("key", UniqueScope::WindowMs(60_000));
    let first = f.enqueue(draft.clone()).await;
    f.advance(MINUTE + MILLI).await;

    let second = f.enqueue(draft).await;
    assert_eq!(f.claim_ids(5).await, [first, second]);
}

pub async fn a_key_counts_within_its_tenant_and_kind(f: &impl Fixture) {
    let first = f.enqueue(unfinished()).await;
    f.enqueue(unfinished().tenant("acme")).await;
    f.enqueue(kind("other").unique("key", UniqueScope::Unfinished)).await;
    f.enqueue(noop().unique("other", UniqueScope::Unfinished)).await;
    f.enqueue(noop().idempotency("key")).await;

    // The queue plays no part.
    is_duplicate_of(f, unfinished().queue("other"), first).await;
}

pub async fn keys_that_look_alike_are_apart(f: &impl Fixture) {
    let keys = ["a", "A", "a ", " a", "ä", "a:b", "a|b", "a%", "a_", "noop:a", "default|a"];
    f.enqueue_all(keys.map(|k| noop().unique(k, UniqueScope::Unfinished))).await;

    for key in keys {
        assert!(f.submit(noop().unique(key, UniqueScope::Unfinished)).await.duplicate, "{key}");
    }
}

pub async fn within_a_batch_the_first_counts(f: &impl Fixture) {
    let drafts = [unfinished(), noop(), unfinished(), noop().unique("b", UniqueScope::Waiting), unfinished()];
    let batch = drafts.map(Draft::submission);
    let ids = [0, 1, 3].map(|i| batch[i].id);
    let accepted = f.store().enqueue(batch.into()).await.unwrap();

    let new = |id| Accepted { id, duplicate: false };
    let first = Accepted { id: ids[0], duplicate: true };
    assert_eq!(accepted, [new(ids[0]), new(ids[1]), first, new(ids[2]), first]);
    assert_eq!(f.claim_ids(10).await, ids);
}

pub async fn a_duplicate_leaves_nothing_behind(f: &impl Fixture) {
    let first = f.enqueue(unfinished()).await;
    let duplicate = unfinished().idempotency("its-own").submission();
    let id = duplicate.id;
    let accepted = f.store().enqueue(vec![duplicate]).await.unwrap();

    assert_eq!(accepted, [Accepted { id: first, duplicate: true }]);
    assert!(f.store().get(id).await.unwrap().is_none());
    assert_eq!(f.stats("default").await.pending, 1);
    // A key it took on the way is free again: this is a new job.
    f.enqueue(noop().idempotency("its-own")).await;
}

pub async fn of_submits_at_once_one_is_accepted(f: &impl Fixture) {
    let other = f.second_store().await;
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..24 {
        let store = if i % 2 == 0 { f.shared_store() } else { other.clone() };
        tasks.spawn(async move { store.enqueue(vec![unfinished().submission()]).await.unwrap()[0] });
    }
    let accepted = tasks.join_all().await;

    assert_eq!(accepted.iter().filter(|a| !a.duplicate).count(), 1, "{accepted:?}");
    assert!(accepted.iter().all(|a| a.id == accepted[0].id), "{accepted:?}");
    assert_eq!(f.claim(100).await.len(), 1);
}

pub async fn batches_with_the_same_keys_do_not_block_each_other(f: &impl Fixture) {
    let other = f.second_store().await;
    let keyed = |i: u32| noop().unique(&format!("key{i}"), UniqueScope::Unfinished).submission();
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..12 {
        let store = if i % 2 == 0 { f.shared_store() } else { other.clone() };
        let mut batch: Vec<_> = (0..40).map(keyed).collect();
        if i % 3 == 0 {
            batch.reverse();
        }
        tasks.spawn(async move { store.enqueue(batch).await.unwrap() });
    }
    let accepted = tasks.join_all().await.concat();

    assert_eq!(accepted.iter().filter(|a| !a.duplicate).count(), 40);
    let claimed = claim(f.store(), &[("default".to_owned(), 100)]).await;
    assert_eq!(claimed.iter().map(Claimed::id).count(), 40);
}
