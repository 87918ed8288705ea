//! Idempotency keys: a submit that is repeated is answered as the first time, for a day.

use crate::{
    draft::{Draft, kind, noop},
    fixture::{Fixture, HOUR, MILLI},
};
use flotilla_jobs::Accepted;
use flotilla_workers::store::Error;
use serde_json::json;

fn keyed() -> Draft {
    noop().payload(&json!({"a": 1, "b": [2]})).idempotency("key")
}

async fn is_refused(f: &impl Fixture, drafts: impl IntoIterator<Item = Draft>) {
    let batch = drafts.into_iter().map(Draft::submission).collect();
    let refused = f.store().enqueue(batch).await;
    assert!(matches!(&refused, Err(Error::IdempotencyMismatch(key)) if key == "key"), "{refused:?}");
}

pub async fn a_repeat_is_the_first_job(f: &impl Fixture) {
    let claimed = f.running(keyed()).await;
    assert_eq!(f.submit(keyed()).await, Accepted { id: claimed.id(), duplicate: true });

    f.complete(&claimed).await;
    assert_eq!(f.submit(keyed()).await, Accepted { id: claimed.id(), duplicate: true });
    assert!(f.claim(5).await.is_empty());
}

pub async fn a_repeat_after_a_day_is_a_new_job(f: &impl Fixture) {
    let first = f.enqueue(keyed()).await;
    f.advance_clock(24 * HOUR - MILLI);
    assert_eq!(f.submit(keyed()).await, Accepted { id: first, duplicate: true });

    f.advance_clock(2 * MILLI);
    let second = f.enqueue(keyed()).await;
    assert_eq!(f.claim_ids(5).await, [first, second]);
}

pub async fn another_payload_is_refused(f: &impl Fixture) {
    let claimed = f.running(keyed()).await;
    is_refused(f, [keyed().payload(&json!({"a": 2}))]).await;
    f.complete(&claimed).await;
    is_refused(f, [keyed().payload(&json!(null))]).await;
}

pub async fn another_kind_is_refused(f: &impl Fixture) {
    f.enqueue(keyed()).await;
    is_refused(f, [kind("other").payload(&json!({"a": 1, "b": [2]})).idempotency("key")]).await;
}

pub async fn the_same_json_in_other_words_is_the_same(f: &impl Fixture) {
    let first = f.enqueue(keyed()).await;
    let again = keyed().payload_text(r#"{ "b": [ 2 ],   "a": 1 }"#);
    assert_eq!(f.submit(again).await, Accepted { id: first, duplicate: true });
}

pub async fn other_options_are_no_mismatch(f: &impl Fixture) {
    let first = f.enqueue(keyed()).await;
    let again = keyed().priority(0).queue("other").label("a", "b");
    assert_eq!(f.submit(again).await, Accepted { id: first, duplicate: true });
}

pub async fn a_refused_batch_leaves_nothing_behind(f: &impl Fixture) {
    let first = f.enqueue(keyed()).await;
    let fresh = noop().idempotency("fresh");
    is_refused(f, [noop(), fresh.clone(), keyed().payload(&json!(7)), noop()]).await;

    f.enqueue(fresh).await;
    assert_eq!(f.claim(10).await.len(), 2);
    assert_eq!(f.submit(keyed()).await.id, first);
}

pub async fn a_key_counts_within_its_tenant(f: &impl Fixture) {
    f.enqueue(keyed()).await;
    f.enqueue(keyed().tenant("acme").payload(&json!(7))).await;
    f.enqueue(keyed().idempotency("other").payload(&json!(7))).await;
}

pub async fn within_a_batch_the_first_counts(f: &impl Fixture) {
    let batch = [keyed(), keyed(), noop()].map(Draft::submission);
    let (first, last) = (batch[0].id, batch[2].id);
    let accepted = f.store().enqueue(batch.into()).await.unwrap();
    let answer = |id, duplicate| Accepted { id, duplicate };
    assert_eq!(accepted, [answer(first, false), answer(first, true), answer(last, false)]);

    let other = noop().payload(&json!(1)).idempotency("key");
    f.advance_clock(25 * HOUR);
    is_refused(f, [keyed(), other]).await;
    assert_eq!(f.claim_ids(5).await, [first, last]);
}

pub async fn a_cancelled_job_is_still_the_answer(f: &impl Fixture) {
    let first = f.enqueue(keyed()).await;
    f.cancel(first).await;

    assert_eq!(f.submit(keyed()).await, Accepted { id: first, duplicate: true });
}
