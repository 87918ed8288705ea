//! Requests and tokens a minute, and what providers say of them.

use super::{Fixture, ask, go, release, requests, wait};
use crate::fixture::{MINUTE, SECOND};
use flotilla_workers::admission::{Admitted, Ask, LaneLimits, Left, Told, Used, Why};
use std::time::Duration;

fn tokens(input: u64, output: u64) -> LaneLimits {
    LaneLimits { input_tokens_per_minute: Some(input), output_tokens_per_minute: Some(output), ..LaneLimits::default() }
}

fn left(remaining: u64, reset: Duration) -> Left {
    Left { remaining, reset }
}

pub async fn a_minutes_worth_goes_at_once_and_then_as_it_comes_back(f: &impl Fixture) {
    for n in 0..30 {
        go(f.store(), &ask(&n.to_string(), requests(30))).await;
    }
    assert_eq!(wait(f.store(), &ask("a", requests(30)), Why::Rate).await, 2 * SECOND);
    f.advance_clock(2 * SECOND - Duration::from_millis(1));
    assert_eq!(wait(f.store(), &ask("a", requests(30)), Why::Rate).await, Duration::from_millis(1));
    f.advance_clock(Duration::from_millis(1));
    go(f.store(), &ask("a", requests(30))).await;
    wait(f.store(), &ask("b", requests(30)), Why::Rate).await;
    // An idle lane saves up a minute's worth and no more.
    f.store().leave(&super::lane("large"), "b").await.unwrap();
    f.advance_clock(10 * MINUTE);
    for n in 0..30 {
        go(f.store(), &ask(&format!("more-{n}"), requests(30))).await;
    }
    wait(f.store(), &ask("c", requests(30)), Why::Rate).await;
}

pub async fn tokens_are_counted_in_and_out(f: &impl Fixture) {
    let call = |holder: &str, input, output| Ask { input, output, ..ask(holder, tokens(1_000, 500)) };
    go(f.store(), &call("a", 600, 100)).await;
    // 200 tokens lack, and a minute brings 1,000.
    let waited = wait(f.store(), &call("b", 600, 100), Why::Rate).await;
    assert_eq!(waited, 12 * SECOND * 3 / 4);
    f.store().leave(&super::lane("large"), "b").await.unwrap();
    go(f.store(), &call("c", 400, 400)).await;
    f.advance_clock(6 * SECOND);
    // Of what comes back in six seconds 100 in and 50 out are there.
    go(f.store(), &call("d", 100, 50)).await;
    wait(f.store(), &call("e", 1, 0), Why::Rate).await;
}

pub async fn what_was_not_used_is_given_back(f: &impl Fixture) {
    let call = |holder: &str| Ask { input: 100, output: 500, ..ask(holder, tokens(1_000, 500)) };
    let permit = go(f.store(), &call("a")).await;
    wait(f.store(), &call("b"), Why::Rate).await;
    let used = Used { input: Some(100), output: Some(0), ..Used::default() };
    release(f.store(), permit.clone(), used.clone()).await;
    let again = go(f.store(), &call("b")).await;
    // Once: the second time nothing is held.
    release(f.store(), permit, used).await;
    wait(f.store(), &call("c"), Why::Rate).await;
    release(f.store(), again, Used::default()).await;
    wait(f.store(), &call("c"), Why::Rate).await;
}

pub async fn what_was_used_beyond_the_estimate_is_taken(f: &impl Fixture) {
    let call = |holder: &str, input| Ask { input, ..ask(holder, tokens(600, 6_000)) };
    let permit = go(f.store(), &call("a", 100)).await;
    release(f.store(), permit, Used { input: Some(700), output: Some(10), ..Used::default() }).await;
    // 100 tokens of debt and the one that is asked for, at ten a second.
    assert_eq!(wait(f.store(), &call("b", 1), Why::Rate).await, Duration::from_millis(10_100) / 4 * 3);
    f.advance_clock(Duration::from_millis(10_100));
    go(f.store(), &call("b", 1)).await;
}

pub async fn a_call_that_never_fits_is_refused_at_once(f: &impl Fixture) {
    let call = |input, output, limits| Ask { input, output, ..ask("a", limits) };
    for (ask, name, most, need) in [
        (call(1_001, 10, tokens(1_000, 500)), "input_tokens_per_minute", 1_000, 1_001),
        (call(10, 501, tokens(1_000, 500)), "output_tokens_per_minute", 500, 501),
        (call(1, 1, requests(0)), "requests_per_minute", 0, 1),
        (call(1, 1, super::streams(0)), "streams", 0, 1),
    ] {
        let answer = f.store().admit(&ask).await.unwrap();
        assert_eq!(answer, Admitted::TooLarge { limit: name, allowed: most, needed: need });
    }
    go(f.store(), &call(1_000, 500, tokens(1_000, 500))).await;
}

pub async fn without_limits_everyone_goes(f: &impl Fixture) {
    for n in 0..100 {
        let ask = ask(&n.to_string(), LaneLimits::default());
        go(f.store(), &Ask { input: u64::MAX / 4, output: u64::MAX / 4, ..ask }).await;
    }
}

pub async fn the_provider_corrects_downward(f: &impl Fixture) {
    let permit = go(f.store(), &ask("a", requests(60))).await;
    let told = Told { requests: Some(left(0, 2 * MINUTE)), ..Told::default() };
    release(f.store(), permit, Used { told, ..Used::default() }).await;
    // Its own pace: 60 in two minutes.
    assert_eq!(wait(f.store(), &ask("b", requests(60)), Why::Rate).await, 2 * SECOND);
    f.advance_clock(2 * SECOND);
    go(f.store(), &ask("b", requests(60))).await;
    wait(f.store(), &ask("c", requests(60)), Why::Rate).await;
    // When all is there again it is our own limit that counts.
    f.advance_clock(3 * MINUTE);
    for n in 0..60 {
        go(f.store(), &ask(&n.to_string(), requests(60))).await;
    }
    wait(f.store(), &ask("d", requests(60)), Why::Rate).await;
}

pub async fn what_the_provider_said_is_over_when_it_said(f: &impl Fixture) {
    // Of a window that begins anew, and not bit by bit: one is used, and in a minute all 60 are there again.
    let permit = go(f.store(), &ask("a", requests(60))).await;
    let told = Told { requests: Some(left(59, MINUTE)), ..Told::default() };
    release(f.store(), permit, Used { told, ..Used::default() }).await;
    for n in 0..59 {
        go(f.store(), &ask(&n.to_string(), requests(60))).await;
    }
    f.advance_clock(50 * SECOND);
    f.store().admit(&ask("b", requests(60))).await.unwrap();
    assert_eq!(wait(f.store(), &ask("c", requests(60)), Why::Rate).await, 10 * SECOND * 3 / 4);
    f.advance_clock(10 * SECOND);
    for n in 0..58 {
        go(f.store(), &ask(&format!("more-{n}"), requests(60))).await;
    }
    go(f.store(), &ask("c", requests(60))).await;
}

pub async fn a_later_word_lifts_an_earlier_one(f: &impl Fixture) {
    let (a, b) = (go(f.store(), &ask("a", requests(60))).await, go(f.store(), &ask("b", requests(60))).await);
    let told = |remaining| Told { requests: Some(left(remaining, MINUTE)), ..Told::default() };
    release(f.store(), a, Used { told: told(0), ..Used::default() }).await;
    wait(f.store(), &ask("c", requests(60)), Why::Rate).await;
    // Up to our own limit, of which two were used.
    release(f.store(), b, Used { told: told(1_000_000), ..Used::default() }).await;
    go(f.store(), &ask("c", requests(60))).await;
    for n in 0..57 {
        go(f.store(), &ask(&n.to_string(), requests(60))).await;
    }
    assert_eq!(wait(f.store(), &ask("d", requests(60)), Why::Rate).await, SECOND);
}

pub async fn the_provider_is_heard_where_we_have_no_limit(f: &impl Fixture) {
    let permit = go(f.store(), &ask("a", LaneLimits::default())).await;
    let told = Told { input_tokens: Some(left(15, 3 * SECOND)), ..Told::default() };
    release(f.store(), permit, Used { told, ..Used::default() }).await;
    go(f.store(), &ask("b", LaneLimits::default())).await;
    assert_eq!(wait(f.store(), &ask("c", LaneLimits::default()), Why::Rate).await, 3 * SECOND);
    f.advance_clock(3 * SECOND);
    go(f.store(), &ask("c", LaneLimits::default())).await;
    go(f.store(), &ask("d", LaneLimits::default())).await;
}

pub async fn a_lane_sleeps_for_everyone(f: &impl Fixture) {
    let other = f.second_store().await;
    let (a, b) = (go(f.store(), &ask("a", requests(60))).await, go(f.store(), &ask("b", requests(60))).await);
    release(f.store(), a, Used { sleep: Some(20 * SECOND), ..Used::default() }).await;
    // A longer sleep wins, a shorter one does not.
    release(f.store(), b, Used { sleep: Some(5 * SECOND), ..Used::default() }).await;
    assert_eq!(wait(&*other, &ask("c", requests(60)), Why::Asleep).await, 20 * SECOND);
    // One after the other, so that not all come at once.
    let later = wait(f.store(), &ask("d", requests(60)), Why::Asleep).await;
    assert!(later > 20 * SECOND && later < 21 * SECOND, "{later:?}");
    // Those who need another model are not held up.
    go(&*other, &Ask { lane: super::lane("small"), ..ask("e", requests(60)) }).await;
    f.advance_clock(20 * SECOND);
    go(f.store(), &ask("c", requests(60))).await;
    go(f.store(), &ask("d", requests(60))).await;
    // The provider had refused, so nothing was left then; a third of a minute has come back since.
    for n in 0..18 {
        go(f.store(), &ask(&n.to_string(), requests(60))).await;
    }
    assert_eq!(wait(f.store(), &ask("f", requests(60)), Why::Rate).await, SECOND);
}
