//! Whether a call goes now, and if not, when to ask again: all the policy of admission, as one pure function.

use super::{
    Ask, Why,
    breaker::Standing,
    pace::{Need, Pace},
};
use crate::clock::Millis;

/// A waiter that did not ask again for so long after it was told to has lost its place.
pub(crate) const GRACE: Millis = 10_000;
/// Most waiters of a lane that have a place. Those beyond are told to wait all the same, and come in no order.
pub(crate) const MAX_LINE: u64 = 10_000;
/// Places in front of a waiter that are looked at one by one; those beyond need what these need on average.
pub(crate) const LOOK: u64 = 256;

/// Where nobody knows when there is room, the first in line asks this often, the second half as often, ...
const POLL: Millis = 250;
/// ... and nobody less often.
const SLOWEST_POLL: Millis = 5_000;
/// After a rest callers come one after the other, so far apart ...
const STAGGER: Millis = 50;
/// ... and the last at most so much later than the first.
const MAX_STAGGER: Millis = 10_000;
/// Who tries a provider is waited for so long at a time.
const TRIAL_POLL: Millis = 1_000;
/// Longer waits are told by three quarters, and then the rest: calls in front may have given up or used less than they
/// asked for, and whoever comes only when all of it would be due leaves that unused.
const EXACT: Millis = 5_000;
/// Nobody is told to wait longer.
const LONGEST_TOLD: Millis = 600_000;

/// The times above, in the order in which the script of the Redis store takes them.
pub(crate) const TIMES: [Millis; 7] = [POLL, SLOWEST_POLL, STAGGER, MAX_STAGGER, TRIAL_POLL, EXACT, LONGEST_TOLD];

/// Those who asked first and still wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ahead {
    pub place: u64,
    /// What all of them need.
    pub need: Need,
}

/// What there is when a call asks.
pub(crate) struct Scene {
    pub now: Millis,
    /// Refilled.
    pub pace: Pace,
    pub ahead: Ahead,
    /// Streams of others.
    pub streams: u64,
    /// Whether this caller has a stream already: it did not hear that it was let through, or its worker died.
    pub has_stream: bool,
    pub asleep_until: Millis,
    pub breaker: Standing,
}

/// Whether a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Go,
    /// In milliseconds.
    Wait(Why, Millis),
}

impl Ahead {
    /// Those at the first [`LOOK`] places in front, of which there are `place`, need so much together.
    pub(crate) fn new(place: u64, looked_at: Need) -> Self {
        let all = |tokens: u64| {
            if place <= LOOK {
                return tokens;
            }
            u64::try_from(u128::from(tokens) * u128::from(place) / u128::from(LOOK)).unwrap_or(u64::MAX)
        };
        Self { place, need: Need { requests: place, input: all(looked_at.input), output: all(looked_at.output) } }
    }
}

/// What to say to a call.
///
/// Whoever comes goes only where all in front could go as well: nobody is overtaken who would be held up by it.
pub(crate) fn decide(ask: &Ask, scene: &Scene) -> Decision {
    let place = scene.ahead.place;
    let told = |why, wait: Millis| Decision::Wait(why, wait.clamp(1, LONGEST_TOLD));
    match scene.breaker {
        Standing::Open(left) => return told(Why::Breaker, left.saturating_add(stagger(place))),
        Standing::Tried(left) => return told(Why::Breaker, left.min(TRIAL_POLL) + stagger(place)),
        Standing::Free if place > 0 => return told(Why::Breaker, poll(place)),
        Standing::Free | Standing::Closed => {}
    }
    let rate = rate(ask, scene);
    let asleep = scene.asleep_until.saturating_sub(scene.now);
    if asleep > 0 {
        return told(Why::Asleep, rate.max(asleep.saturating_add(stagger(place))));
    }
    if rate > 0 {
        return told(Why::Rate, rate);
    }
    let taken = scene.streams.saturating_add(place);
    if !scene.has_stream && ask.limits.streams.is_some_and(|most| taken >= u64::from(most)) {
        return told(Why::Streams, poll(place));
    }
    Decision::Go
}

/// How long the rate keeps a call waiting.
fn rate(ask: &Ask, scene: &Scene) -> Millis {
    let until = scene.pace.until(scene.ahead.need.and(Need::of(ask)), &ask.limits);
    if until.soft > until.firm && scene.streams > 0 {
        return early(until.firm).max(early(until.soft).min(poll(scene.ahead.place)));
    }
    early(until.firm.max(until.soft))
}

fn early(wait: Millis) -> Millis {
    if wait > EXACT { (wait / 4 * 3).max(EXACT) } else { wait }
}

fn poll(place: u64) -> Millis {
    times(POLL, place.saturating_add(1)).min(SLOWEST_POLL)
}

fn stagger(place: u64) -> Millis {
    times(STAGGER, place).min(MAX_STAGGER)
}

fn times(each: Millis, places: u64) -> Millis {
    each.saturating_mul(Millis::try_from(places).unwrap_or(Millis::MAX))
}
