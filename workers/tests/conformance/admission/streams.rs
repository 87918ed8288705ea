//! Streams at once.

use super::{CALL, Fixture, ask, go, release, streams, wait};
use crate::fixture::SECOND;
use flotilla_workers::admission::{Ask, LaneLimits, Used, Why};
use std::time::Duration;

pub async fn as_many_go_at_once_as_are_allowed(f: &impl Fixture) {
    let first = go(f.store(), &ask("a", streams(2))).await;
    go(f.store(), &ask("b", streams(2))).await;
    assert!(wait(f.store(), &ask("c", streams(2)), Why::Streams).await <= SECOND);
    release(f.store(), first, Used::default()).await;
    go(f.store(), &ask("c", streams(2))).await;
    wait(f.store(), &ask("d", streams(2)), Why::Streams).await;
}

pub async fn a_free_stream_is_for_whom_was_first(f: &impl Fixture) {
    let other = f.second_store().await;
    let permit = go(f.store(), &ask("a", streams(1))).await;
    let first = wait(f.store(), &ask("b", streams(1)), Why::Streams).await;
    let second = wait(&*other, &ask("c", streams(1)), Why::Streams).await;
    assert!(first < second, "{first:?} {second:?}");
    release(f.store(), permit, Used::default()).await;
    wait(&*other, &ask("c", streams(1)), Why::Streams).await;
    wait(&*other, &ask("newcomer", streams(1)), Why::Streams).await;
    let permit = go(f.store(), &ask("b", streams(1))).await;
    release(f.store(), permit, Used::default()).await;
    go(&*other, &ask("c", streams(1))).await;
}

pub async fn a_stream_whose_holder_died_counts_no_more(f: &impl Fixture) {
    let dead = go(f.store(), &ask("a", streams(1))).await;
    f.advance_clock(CALL - Duration::from_millis(1));
    wait(f.store(), &ask("b", streams(1)), Why::Streams).await;
    f.advance_clock(Duration::from_millis(1));
    go(f.store(), &ask("b", streams(1))).await;
    // It was not dead, only late: it ends nobody else's.
    release(f.store(), dead, Used::default()).await;
    wait(f.store(), &ask("c", streams(1)), Why::Streams).await;
}

pub async fn who_asks_again_keeps_its_stream(f: &impl Fixture) {
    // The answer was lost, or the worker died and another one goes on with the same call.
    let permit = go(f.store(), &ask("a", streams(1))).await;
    f.advance_clock(CALL - SECOND);
    let again = go(f.store(), &ask("a", streams(1))).await;
    assert_eq!(permit, again);
    f.advance_clock(CALL - SECOND);
    wait(f.store(), &ask("b", streams(1)), Why::Streams).await;
    release(f.store(), again, Used::default()).await;
    go(f.store(), &ask("b", streams(1))).await;
}

pub async fn a_stream_may_be_asked_for_without_a_limit(f: &impl Fixture) {
    for n in 0..50 {
        go(f.store(), &Ask { lease: SECOND, ..ask(&n.to_string(), LaneLimits::default()) }).await;
    }
    assert_eq!(f.store().lanes().await.unwrap()[0].streams, 50);
    f.advance_clock(SECOND);
    assert_eq!(f.store().lanes().await.unwrap()[0].streams, 0);
}
