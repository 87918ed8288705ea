//! The sums hold for whatever is asked.

use super::*;
use proptest::prelude::*;

const START: Millis = 2_000_000_000_000;

fn limits(requests: u64, input: u64) -> LaneLimits {
    LaneLimits { requests_per_minute: Some(requests), input_tokens_per_minute: Some(input), ..LaneLimits::default() }
}

fn need(input: u64) -> Need {
    Need { requests: 1, input, output: 0 }
}

/// Takes what fits; answers how long it would have to wait where it does not.
fn try_take(pace: &mut Pace, need: Need, limits: &LaneLimits, now: Millis) -> Millis {
    pace.refill(limits, now);
    let wait = pace.until(need, limits).firm;
    if wait == 0 {
        pace.take(need, limits);
    }
    wait
}

proptest! {
    #[test]
    fn no_time_sees_more_than_a_minutes_worth_and_what_comes_back(
        (requests, input) in (1_u64..200, 1_u64..100_000),
        calls in prop::collection::vec((0_i64..5_000, 0_u64..100_000), 1..200),
    ) {
        let limits = limits(requests, input);
        let (mut pace, mut now, mut went) = (Pace::default(), START, Vec::new());
        for (passed, tokens) in calls {
            now += passed;
            let need = need(tokens.min(input));
            if try_take(&mut pace, need, &limits, now) == 0 {
                went.push((now, need));
            }
        }
        for (from, (start, _)) in went.iter().enumerate() {
            let mut sum = Need::default();
            for (at, need) in &went[from..] {
                sum = sum.and(*need);
                let room = |limit: u64| PARTS as u64 * limit + (at - start) as u64 * limit;
                prop_assert!(sum.requests * PARTS as u64 <= room(requests));
                prop_assert!(sum.input * PARTS as u64 <= room(input));
            }
        }
    }

    #[test]
    fn who_waits_as_told_goes_and_not_before(
        (requests, input, first) in (1_u64..200, 1_u64..100_000, 0_u64..100_000),
        tokens in 0_u64..100_000,
    ) {
        let limits = limits(requests, input);
        let mut pace = Pace::default();
        try_take(&mut pace, Need { requests, input: first.min(input), output: 0 }, &limits, START);
        let need = need(tokens.min(input));
        let wait = try_take(&mut pace, need, &limits, START);
        prop_assert!(wait > 0);
        prop_assert!(try_take(&mut pace.clone(), need, &limits, START + wait - 1) > 0);
        prop_assert_eq!(try_take(&mut pace, need, &limits, START + wait), 0);
    }

    #[test]
    fn nothing_makes_more_than_the_limit_or_owes_more_than_a_minute(
        steps in prop::collection::vec(
            (0_i64..200_000, -2_000_000_i64..2_000_000, prop::option::of((0_u64..2_000, 0_u64..100_000))),
            1..100
        ),
    ) {
        let limits = limits(10, 1_000);
        let (mut pace, mut now) = (Pace::default(), START);
        for (passed, back, told) in steps {
            now += passed;
            pace.refill(&limits, now);
            pace.give_back(back, back, &limits);
            let left = told.map(|(remaining, reset)| Left { remaining, reset: Duration::from_millis(reset) });
            pace.correct(&Told { input_tokens: left, ..Told::default() }, &limits);
            let level = pace.input.level.unwrap();
            prop_assert!((-1_000 * PARTS..=1_000 * PARTS).contains(&level), "{}", level);
            let until = pace.until(need(1_000), &limits);
            prop_assert!((0..=120_000).contains(&until.firm), "{:?} of {:?}", until, pace);
        }
    }
}

#[test]
fn what_the_provider_said_is_no_more_than_its_last_word() {
    let limits = limits(60, 1_000);
    let told = |remaining, seconds| {
        let left = Left { remaining, reset: Duration::from_secs(seconds) };
        Told { requests: Some(left), ..Told::default() }
    };
    let mut pace = Pace::default();
    pace.refill(&limits, START);
    pace.correct(&told(0, 30), &limits);
    assert_eq!(pace.until(need(0), &limits).firm, 500, "60 come back in 30 s");
    pace.correct(&told(0, 120), &limits);
    assert_eq!(pace.until(need(0), &limits).firm, 2_000);
    // Our own limit stays, whatever else the provider would allow.
    pace.correct(&told(1_000_000, 120), &limits);
    assert_eq!(pace.until(need(0), &limits).firm, 0);
    assert_eq!(pace.until(Need { requests: 61, ..Need::default() }, &limits).firm, 1_000);
}

#[test]
fn without_a_limit_of_ours_all_comes_back_at_once() {
    let none = LaneLimits::default();
    let left = Left { remaining: 2, reset: Duration::from_secs(30) };
    let mut pace = Pace::default();
    pace.refill(&none, START);
    pace.correct(&Told { requests: Some(left), ..Told::default() }, &none);
    pace.take(need(5), &none);
    pace.take(need(5), &none);
    assert_eq!(pace.until(need(5), &none).firm, 30_000);
    pace.refill(&none, START + 30_000);
    assert_eq!(pace.until(need(5), &none).firm, 0);
}

#[test]
fn a_clock_that_is_set_back_refills_nothing() {
    let limits = limits(60, 1_000);
    let mut pace = Pace::default();
    assert_eq!(try_take(&mut pace, Need { requests: 60, ..Need::default() }, &limits, START), 0);
    pace.refill(&limits, START - 3_600_000);
    assert_eq!(pace.until(need(0), &limits).firm, 1_000);
}
