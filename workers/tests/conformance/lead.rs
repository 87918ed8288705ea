//! Who does for a fleet what only one of its workers does.

use crate::fixture::{Fixture, SECOND};
use std::time::Duration;

const TTL: Duration = Duration::from_secs(15);

async fn lead(f: &impl Fixture, holder: &str, ttl: Duration, duties: &[&str]) -> Vec<bool> {
    let duties: Vec<String> = duties.iter().map(|duty| (*duty).to_owned()).collect();
    f.store().lead(&duties, holder, ttl).await.unwrap()
}

pub async fn one_leads_at_a_time(f: &impl Fixture) {
    assert_eq!(lead(f, "one", TTL, &["prune"]).await, [true]);
    assert_eq!(lead(f, "two", TTL, &["prune"]).await, [false]);
    let other = f.second_store().await;
    assert_eq!(other.lead(&["prune".to_owned()], "three", TTL).await.unwrap(), [false]);
    assert_eq!(lead(f, "one", TTL, &["prune"]).await, [true]);
}

pub async fn a_lead_lasts_as_long_as_it_is_asked_for(f: &impl Fixture) {
    lead(f, "one", TTL, &["prune"]).await;
    f.advance_clock(TTL - SECOND);
    assert_eq!(lead(f, "two", TTL, &["prune"]).await, [false]);
    lead(f, "one", TTL, &["prune"]).await;
    f.advance_clock(TTL - SECOND);
    assert_eq!(lead(f, "two", TTL, &["prune"]).await, [false]);
    f.advance_clock(SECOND);
    assert_eq!(lead(f, "two", TTL, &["prune"]).await, [true]);
    // The former one came back too late.
    assert_eq!(lead(f, "one", TTL, &["prune"]).await, [false]);
}

pub async fn whoever_gives_up_is_followed_at_once(f: &impl Fixture) {
    lead(f, "one", TTL, &["prune", "adopt"]).await;
    assert_eq!(lead(f, "one", Duration::ZERO, &["prune"]).await, [false]);
    assert_eq!(lead(f, "two", TTL, &["prune", "adopt"]).await, [true, false]);
    // Only the one that leads can give up.
    assert_eq!(lead(f, "one", Duration::ZERO, &["prune"]).await, [false]);
    assert_eq!(lead(f, "three", TTL, &["prune"]).await, [false]);
}

pub async fn duties_are_led_apart(f: &impl Fixture) {
    assert_eq!(lead(f, "one", TTL, &["a", "b"]).await, [true, true]);
    assert_eq!(lead(f, "two", TTL, &["b", "c", "a"]).await, [false, true, false]);
    assert_eq!(lead(f, "one", TTL, &["a", "b", "c"]).await, [true, true, false]);
    assert!(lead(f, "one", TTL, &[]).await.is_empty());
}

pub async fn of_many_at_once_one_leads(f: &impl Fixture) {
    let ask = async |holder: String| {
        let store = f.second_store().await;
        store.lead(&["prune".to_owned()], &holder, TTL).await.unwrap()[0]
    };
    let asks = (0..8).map(|n| ask(format!("worker-{n}")));
    let led = futures_util::future::join_all(asks).await;
    assert_eq!(led.iter().filter(|led| **led).count(), 1, "{led:?}");
}
