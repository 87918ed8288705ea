//! When a provider is left alone, by the whole fleet.

use super::{CALL, Fixture, REST, ask, go, lane, release, wait};
use crate::fixture::SECOND;
use flotilla_workers::{
    admission::{Ask, Lane, LaneLimits, Permit, Used, Why},
    store::Store,
};

const ANY: LaneLimits = LaneLimits {
    requests_per_minute: None,
    input_tokens_per_minute: None,
    output_tokens_per_minute: None,
    streams: None,
};

fn health(healthy: bool) -> Used {
    Used { healthy: Some(healthy), ..Used::default() }
}

async fn call(store: &dyn Store, holder: &str) -> Permit {
    go(store, &ask(holder, ANY)).await
}

/// Three calls fail in a row, in more than one lane and process.
async fn fail(f: &impl Fixture) {
    let other = f.second_store().await;
    let permit = go(&*other, &Ask { lane: lane("small"), ..ask("x", ANY) }).await;
    release(f.store(), permit, health(false)).await;
    for holder in ["y", "z"] {
        let permit = call(f.store(), holder).await;
        release(f.store(), permit, health(false)).await;
    }
}

pub async fn failures_in_a_row_open_it_for_all(f: &impl Fixture) {
    let other = f.second_store().await;
    fail(f).await;
    assert_eq!(wait(&*other, &ask("a", ANY), Why::Breaker).await, REST);
    // Another one waits a little longer, so that not all come at once; another lane of the provider as well.
    assert!(wait(f.store(), &ask("b", ANY), Why::Breaker).await > REST);
    wait(f.store(), &Ask { lane: lane("small"), ..ask("c", ANY) }, Why::Breaker).await;
    let elsewhere = Lane { provider: "two".to_owned(), ..lane("large") };
    go(f.store(), &Ask { lane: elsewhere, ..ask("d", ANY) }).await;
    f.advance_clock(REST - SECOND);
    assert_eq!(wait(&*other, &ask("a", ANY), Why::Breaker).await, SECOND);
}

pub async fn an_answer_in_between_starts_the_count_again(f: &impl Fixture) {
    for healthy in [false, false, true, false, false] {
        let permit = call(f.store(), "a").await;
        release(f.store(), permit, health(healthy)).await;
    }
    // What says nothing about the provider counts neither way.
    let permit = call(f.store(), "a").await;
    release(f.store(), permit, Used::default()).await;
    let permit = call(f.store(), "a").await;
    release(f.store(), permit, health(false)).await;
    wait(f.store(), &ask("a", ANY), Why::Breaker).await;
}

pub async fn after_its_rest_one_may_try(f: &impl Fixture) {
    let other = f.second_store().await;
    fail(f).await;
    f.advance_clock(REST);
    let (a, b) = (ask("a", ANY), Ask { lane: lane("small"), ..ask("b", ANY) });
    let (one, two) = tokio::join!(f.store().admit(&a), other.admit(&b));
    let permits: Vec<Permit> =
        [one.unwrap(), two.unwrap()]
            .into_iter()
            .filter_map(|answer| {
                if let flotilla_workers::admission::Admitted::Go(permit) = answer { Some(permit) } else { None }
            })
            .collect();
    let [permit] = &permits[..] else { panic!("one of two workers tries: {permits:?}") };
    assert!(wait(&*other, &ask("c", ANY), Why::Breaker).await < 2 * SECOND);
    release(&*other, permit.clone(), health(true)).await;
    for holder in ["c", "d", "e"] {
        call(f.store(), holder).await;
    }
}

pub async fn whoever_tries_in_vain_lets_it_rest_again(f: &impl Fixture) {
    fail(f).await;
    f.advance_clock(REST);
    let permit = call(f.store(), "a").await;
    release(f.store(), permit, health(false)).await;
    assert_eq!(wait(f.store(), &ask("b", ANY), Why::Breaker).await, REST);
    f.advance_clock(REST);
    // It says nothing about the provider: the next one tries.
    let permit = call(f.store(), "b").await;
    release(f.store(), permit, Used::default()).await;
    let permit = call(f.store(), "c").await;
    wait(f.store(), &ask("d", ANY), Why::Breaker).await;
    release(f.store(), permit, health(true)).await;
    call(f.store(), "d").await;
}

pub async fn whoever_tries_and_dies_is_followed_by_another(f: &impl Fixture) {
    fail(f).await;
    f.advance_clock(REST);
    call(f.store(), "dead").await;
    f.advance_clock(CALL - SECOND);
    wait(f.store(), &ask("b", ANY), Why::Breaker).await;
    f.advance_clock(SECOND);
    call(f.store(), "b").await;
    wait(f.store(), &ask("c", ANY), Why::Breaker).await;
}

pub async fn who_waited_first_tries_first(f: &impl Fixture) {
    fail(f).await;
    wait(f.store(), &ask("a", ANY), Why::Breaker).await;
    wait(f.store(), &ask("b", ANY), Why::Breaker).await;
    f.advance_clock(REST);
    wait(f.store(), &ask("b", ANY), Why::Breaker).await;
    call(f.store(), "a").await;
}

pub async fn calls_from_before_it_opened_change_nothing(f: &impl Fixture) {
    let (late, later) = (call(f.store(), "late").await, call(f.store(), "later").await);
    fail(f).await;
    f.advance_clock(REST - SECOND);
    release(f.store(), late, health(true)).await;
    wait(f.store(), &ask("a", ANY), Why::Breaker).await;
    release(f.store(), later, health(false)).await;
    f.advance_clock(SECOND);
    call(f.store(), "a").await;
}

pub async fn it_opens_at_once_where_trying_is_useless(f: &impl Fixture) {
    let permit = call(f.store(), "a").await;
    release(f.store(), permit, Used { open: true, ..Used::default() }).await;
    assert_eq!(wait(f.store(), &ask("b", ANY), Why::Breaker).await, REST);
}
