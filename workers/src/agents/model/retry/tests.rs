//! The table of what follows on what, row by row.

use super::{Fault::*, *};
use crate::admission::{Left, Told};
use proptest::prelude::*;

fn error(class: Class) -> ModelError {
    ModelError::new("p", class, "failed")
}

fn after(class: Class, wait_ms: u64) -> ModelError {
    ModelError { retry_after: Some(ms(wait_ms)), ..error(class) }
}

fn told(class: Class, should_retry: bool) -> ModelError {
    ModelError { should_retry: Some(should_retry), ..error(class) }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn again(ms_: u64) -> Next {
    Next::Again(ms(ms_))
}

fn sleep(ms_: u64) -> Next {
    Next::Sleep { lane: ms(ms_) }
}

const ALL: [Class; 9] = [
    Class::Unreachable,
    Class::Overloaded,
    Class::RateLimited,
    Class::Exhausted,
    Class::Denied,
    Class::TooLong,
    Class::Invalid,
    Class::Cut,
    Class::Cancelled,
];

#[test]
fn every_row_of_the_table() {
    use Class::{Cancelled as Left_, Cut, Denied, Exhausted, Invalid, Overloaded, RateLimited, TooLong, Unreachable};
    // Jitter 1 shows the longest wait.
    let rows: &[(ModelError, u32, Next)] = &[
        // Connect error, or time-out before the first byte: 0.5 s, doubled; two retries.
        (error(Unreachable), 0, again(500)),
        (error(Unreachable), 1, again(1_000)),
        (error(Unreachable), 2, Next::OtherModel),
        // 408, 409, 500, 502, 503, 504, 529: the same, and what the provider asks for wins.
        (error(Overloaded), 0, again(500)),
        (error(Overloaded), 1, again(1_000)),
        (error(Overloaded), 2, Next::OtherModel),
        (after(Overloaded, 3_000), 0, again(3_000)),
        (after(Overloaded, 1), 1, again(1)),
        (after(Overloaded, 20_000), 0, again(20_000)),
        (after(Overloaded, 20_001), 0, sleep(20_001)),
        (told(Overloaded, false), 0, Next::OtherModel),
        (told(Overloaded, true), 0, again(500)),
        // 429 that passes: after what is asked, for everyone; never a failure.
        (after(RateLimited, 3_000), 0, again(3_000)),
        (after(RateLimited, 3_000), 2, sleep(3_000)),
        (after(RateLimited, 60_000), 0, sleep(60_000)),
        (error(RateLimited), 0, again(1_000)),
        (error(RateLimited), 2, sleep(2_000)),
        (told(RateLimited, false), 0, Next::OtherModel),
        // Money or quota is used up: never again, whatever the provider's header says.
        (error(Exhausted), 0, Next::OtherModel),
        (after(Exhausted, 1), 0, Next::OtherModel),
        (told(Exhausted, true), 0, Next::OtherModel),
        // 401 and 403: never; another provider may have a key that works.
        (error(Denied), 0, Next::OtherModel),
        (told(Denied, true), 0, again(500)),
        // 400, 404, 413, 422: never.
        (error(Invalid), 0, Next::Stop { fault: Wrong }),
        (after(Invalid, 1), 0, Next::Stop { fault: Wrong }),
        (told(Invalid, true), 0, again(500)),
        (told(Invalid, true), 2, Next::OtherModel),
        // Too long for the context: smaller once, then failed.
        (error(TooLong), 0, Next::Compact),
        (told(TooLong, true), 0, Next::Compact),
        // Cut after some deltas: the whole step again.
        (error(Cut), 0, again(500)),
        (error(Cut), 2, Next::OtherModel),
        (error(Left_), 0, Next::Stop { fault: Cancelled }),
    ];
    for (error, tried, expected) in rows {
        let tries = Tries { again: *tried, compacted: false };
        assert_eq!(next(error, tries, 1.0), *expected, "{error:?} after {tried}");
    }
    let compacted = Tries { compacted: true, ..Tries::default() };
    assert_eq!(next(&error(TooLong), compacted, 1.0), Next::Stop { fault: Wrong });
}

#[test]
fn a_limit_that_is_used_up_says_how_long_its_lane_sleeps() {
    let mut limited = error(Class::RateLimited);
    assert_eq!(is_lane_asleep(&limited), Some(LEAST_SLEEP));
    *limited.told = Told {
        requests: Some(Left { remaining: 5, reset: ms(50_000) }),
        input_tokens: Some(Left { remaining: 0, reset: ms(7_000) }),
        output_tokens: Some(Left { remaining: 0, reset: ms(3_000) }),
    };
    assert_eq!(is_lane_asleep(&limited), Some(ms(7_000)));
    limited.retry_after = Some(ms(2_000));
    assert_eq!(is_lane_asleep(&limited), Some(ms(2_000)), "what it asks goes first");
    for class in ALL.into_iter().filter(|class| *class != Class::RateLimited) {
        assert_eq!(is_lane_asleep(&after(class, 5_000)), None);
    }
}

#[test]
fn money_or_a_key_that_is_missing_opens_the_breaker() {
    let opens = ALL.into_iter().filter(|class| opens_breaker(&error(*class))).collect::<Vec<_>>();
    assert_eq!(opens, [Class::Exhausted, Class::Denied]);
}

proptest! {
    #[test]
    fn waits_in_a_worker_are_short_and_few(
        class in 0..ALL.len(),
        retry_after in proptest::option::of(0u64..100_000),
        should_retry in proptest::option::of(any::<bool>()),
        tried in 0u32..40,
        jitter in any::<f64>(),
    ) {
        let error = ModelError { retry_after: retry_after.map(ms), should_retry, ..error(ALL[class]) };
        match next(&error, Tries { again: tried, compacted: false }, jitter) {
            Next::Again(wait) => prop_assert!(wait <= LONGEST_WAIT && tried < RETRIES),
            Next::Sleep { lane } => prop_assert!(lane > LONGEST_WAIT || error.class == Class::RateLimited),
            Next::OtherModel | Next::Compact | Next::Stop { .. } => {}
        }
    }
}
