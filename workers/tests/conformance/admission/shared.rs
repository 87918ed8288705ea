//! What other lanes, other processes and people see.

use super::{Fixture, REST, ask, go, lane, release, streams, wait};
use crate::fixture::{MINUTE, SECOND};
use flotilla_workers::admission::{Ask, Lane, Used, Why};

pub async fn other_lanes_and_stores_see_the_same(f: &impl Fixture) {
    let other = f.second_store().await;
    assert!(f.store().lanes().await.unwrap().is_empty());
    let first = go(f.store(), &ask("a", streams(1))).await;
    wait(&*other, &ask("b", streams(1)), Why::Streams).await;
    go(&*other, &Ask { lane: lane("small"), ..ask("c", streams(1)) }).await;

    let lanes = f.store().lanes().await.unwrap();
    let seen: Vec<_> = lanes.iter().map(|l| (l.lane.model.as_str(), l.streams, l.waiting)).collect();
    assert_eq!(seen, [("large", 1, 1), ("small", 1, 0)]);
    assert!(lanes.iter().all(|l| l.asleep.is_none() && l.open.is_none()));

    release(&*other, first, Used { sleep: Some(MINUTE), open: true, ..Used::default() }).await;
    f.advance_clock(SECOND);
    let lanes = f.store().lanes().await.unwrap();
    let seen: Vec<_> = lanes.iter().map(|l| (l.streams, l.asleep, l.open)).collect();
    assert_eq!(seen, [(0, Some(MINUTE - SECOND), Some(REST - SECOND)), (1, None, Some(REST - SECOND))]);
}

pub async fn names_that_look_alike_are_apart(f: &impl Fixture) {
    for (provider, key, model) in [("a", "b/c", "d"), ("a", "b", "c/d"), ("a/b", "c", "d"), ("a:b", "{c}", "d é")] {
        let lane = Lane { provider: provider.into(), key: key.into(), model: model.into() };
        go(f.store(), &Ask { lane, ..ask("x", streams(1)) }).await;
    }
    assert_eq!(f.store().lanes().await.unwrap().len(), 4);
}
