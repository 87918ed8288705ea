//! Cases and properties of [`end`](super::end).

use super::*;
use proptest::prelude::*;
use rand::{SeedableRng, rngs::StdRng};

fn rules(failures: u32, max_attempts: u32) -> Rules {
    Rules {
        attempts: Attempts { failure: failures, ..Attempts::default() },
        max_attempts,
        backoff: Backoff::default(),
        timeout_ms: 5_000,
    }
}

fn raw() -> Box<RawValue> {
    RawValue::from_string("1".to_owned()).unwrap()
}

fn decide(ran: Ran, why: Option<Why>, rules: &Rules) -> Option<End> {
    end(ran, why, rules, &mut StdRng::seed_from_u64(1))
}

fn fault() -> Fault {
    Fault::new("handler", "no")
}

fn every_run() -> Vec<Ran> {
    vec![
        Ran::Returned(Outcome::Done(raw())),
        Ran::Returned(Outcome::Retry { fault: fault(), after: None }),
        Ran::Returned(Outcome::Fail(fault())),
        Ran::Returned(Outcome::Cancel("x".into())),
        Ran::Returned(Outcome::Snooze(Duration::ZERO)),
        Ran::Returned(Outcome::Snooze(Duration::from_secs(9))),
        Ran::Returned(Outcome::Pause("x".into())),
        Ran::Panicked("boom".into()),
        Ran::Dropped,
        Ran::Died("bang".into()),
    ]
}

#[test]
fn a_lost_lease_records_nothing() {
    assert!(every_run().into_iter().all(|ran| decide(ran, Some(Why::Lost), &rules(0, 3)).is_none()));
}

#[test]
fn a_finished_result_is_kept() {
    for why in [None, Some(Why::Stopping), Some(Why::Shutdown), Some(Why::TimedOut), Some(Why::Asked)] {
        let end = decide(Ran::Returned(Outcome::Done(raw())), why, &rules(0, 3));
        assert!(matches!(end, Some(End::Completed(_))), "{why:?}");
    }
}

#[test]
fn the_worker_ending_spends_no_attempt() {
    for why in [Why::Stopping, Why::Shutdown] {
        for ran in every_run() {
            let panicked = matches!(ran, Ran::Panicked(_));
            let end = decide(ran, Some(why), &rules(2, 3));
            assert!(!matches!(end, Some(End::Retry(..))), "{end:?}");
            assert_eq!(matches!(&end, Some(End::Failed(f)) if f.code == "panic"), panicked, "{end:?}");
        }
    }
}

#[test]
fn the_worker_ending_is_nobodys_wish_to_cancel() {
    let told = || Ran::Returned(Outcome::Cancel("told to".into()));
    assert!(matches!(decide(told(), Some(Why::Shutdown), &rules(0, 3)), Some(End::HandedOver)));
    // While it is only asked to stop, a handler that cancels its job means it.
    assert!(matches!(decide(told(), Some(Why::Stopping), &rules(0, 3)), Some(End::Cancelled(_))));
}

#[test]
fn a_job_asked_to_cancel_never_runs_again() {
    for ran in every_run() {
        let end = decide(ran, Some(Why::Asked), &rules(0, 3)).unwrap();
        assert!(end.terminal().is_some(), "{end:?}");
    }
}

#[test]
fn a_timeout_is_a_failure_that_names_the_limit() {
    let end = decide(Ran::Dropped, Some(Why::TimedOut), &rules(0, 3));
    assert!(matches!(&end, Some(End::Retry(f, _)) if f.code == "timeout" && f.message.contains("5000 ms")), "{end:?}");
    let end = decide(Ran::Dropped, Some(Why::TimedOut), &rules(2, 3));
    assert!(matches!(&end, Some(End::Failed(f)) if f.code == "timeout"), "{end:?}");
}

#[test]
fn a_job_that_took_its_process_down_is_quarantined_unless_it_had_to_end_anyway() {
    for why in [None, Some(Why::Stopping), Some(Why::Shutdown)] {
        let end = decide(Ran::Died("bang".into()), why, &rules(0, 3));
        assert!(matches!(&end, Some(End::Quarantined(f)) if f.code == "crash" && f.message == "bang"), "{end:?}");
    }
    assert!(matches!(decide(Ran::Died("bang".into()), Some(Why::Asked), &rules(0, 3)), Some(End::Cancelled(_))));
}

#[test]
fn a_fault_can_be_stored_whatever_it_says() {
    let end = decide(Ran::Panicked("a\0b".into()), None, &rules(0, 1));
    assert!(matches!(&end, Some(End::Failed(f)) if f.message == "a␀b"), "{end:?}");
}

#[test]
fn no_wait_is_longer_than_a_year_and_a_day() {
    for asked in [Duration::MAX, MAX_WAIT + Duration::from_millis(1), Duration::from_millis(u64::MAX)] {
        let end = decide(Ran::Returned(Outcome::Snooze(asked)), None, &rules(0, 3));
        assert!(matches!(end, Some(End::Snoozed(wait)) if wait == MAX_WAIT), "{end:?}");
        let ran = Ran::Returned(Outcome::Retry { fault: fault(), after: Some(asked) });
        let end = decide(ran, None, &rules(0, 3));
        assert!(matches!(end, Some(End::Retry(_, wait)) if wait == MAX_WAIT), "{end:?}");
    }
}

proptest! {
    #[test]
    fn attempts_are_spent_exactly(failures in 0u32..100, max in 1u32..100) {
        let end = decide(Ran::Panicked("x".into()), None, &rules(failures, max)).unwrap();
        prop_assert_eq!(matches!(end, End::Retry(..)), failures + 1 < max);
        prop_assert_eq!(matches!(end, End::Failed(_)), failures + 1 >= max);
    }

    #[test]
    fn a_wait_asked_for_is_honored(after in 0u64..1_000_000, failures in 0u32..10) {
        let after = Duration::from_millis(after);
        let ran = Ran::Returned(Outcome::Retry { fault: fault(), after: Some(after) });
        let end = decide(ran, None, &rules(failures, 100)).unwrap();
        prop_assert!(matches!(end, End::Retry(_, wait) if wait >= after));
    }
}
