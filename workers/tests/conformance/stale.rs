//! What a worker says that lost its job, or says twice, changes nothing.

use crate::{
    draft::noop,
    fixture::{Fixture, LEASE, MINUTE, SECOND, done, done_with, ended, fault, json},
};
use flotilla_jobs::{Fault, JobState};
use flotilla_workers::store::{End, LiveEvent, Settled};
use serde_json::json as value;

/// Every way a run may end.
fn ends() -> [End; 7] {
    [
        done_with(&value!("stale")),
        End::Failed(Fault::new("stale", "stale")),
        End::Cancelled("stale".to_owned()),
        End::Retry(Fault::new("stale", "stale"), MINUTE),
        End::Snoozed(MINUTE),
        End::HandedOver,
        End::Paused("stale".to_owned()),
    ]
}

pub async fn a_rescued_job_ignores_its_old_worker(f: &impl Fixture) {
    let stale = f.running(noop()).await;
    f.advance(LEASE + SECOND).await;
    let before = f.job(stale.id()).await;
    for end in ends() {
        assert_eq!(f.settle(&stale, end).await, Settled::LeaseLost);
    }

    let after = f.job(stale.id()).await;
    assert_eq!((after.state, after.attempts, after.history), (JobState::Pending, before.attempts, before.history));
    assert_eq!(f.claim_ids(5).await, [stale.id()]);
}

pub async fn a_job_that_runs_elsewhere_ignores_its_old_worker(f: &impl Fixture) {
    let stale = f.running(noop()).await;
    f.advance(LEASE + SECOND).await;
    let fresh = f.claim_one().await;
    for end in ends() {
        assert_eq!(f.settle(&stale, end).await, Settled::LeaseLost);
        assert_eq!(f.renew(&fresh).await, flotilla_workers::store::Renewal::Kept);
    }

    assert_eq!(f.state(stale.id()).await, JobState::Running);
    assert_eq!(f.settle(&fresh, done_with(&value!("fresh"))).await, Settled::Recorded(JobState::Completed));
    assert_eq!(json(f.job(stale.id()).await.output.as_deref()), value!("fresh"));
}

pub async fn the_first_final_result_stays(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    f.settle(&claimed, done_with(&value!("first"))).await;
    let before = f.job(claimed.id()).await;
    f.advance_clock(SECOND);
    for end in ends() {
        assert_eq!(f.settle(&claimed, end).await, Settled::LeaseLost);
    }

    let after = f.job(claimed.id()).await;
    assert_eq!((after.state, json(after.output.as_deref())), (JobState::Completed, value!("first")));
    assert_eq!((after.error, after.finished_at, after.attempts), (None, before.finished_at, before.attempts));
    assert!(after.history.is_empty());
}

pub async fn a_job_given_back_ignores_the_run_that_did(f: &impl Fixture) {
    let gives_back = [End::Retry(fault(), MINUTE), End::Snoozed(MINUTE), End::HandedOver, End::Paused("b".to_owned())];
    for end in gives_back {
        let stale = f.running(noop()).await;
        let Settled::Recorded(now) = f.settle(&stale, end).await else { panic!("it was not recorded") };
        let before = f.job(stale.id()).await;
        for end in ends() {
            assert_eq!(f.settle(&stale, end).await, Settled::LeaseLost);
        }
        let after = f.job(stale.id()).await;
        assert_eq!((after.state, after.attempts, after.history), (now, before.attempts, before.history));
        f.cancel(stale.id()).await;
    }
}

pub async fn a_quarantined_job_ignores_its_old_workers(f: &impl Fixture) {
    let first = f.running(noop()).await;
    f.advance(LEASE + SECOND).await;
    let second = f.claim_one().await;
    f.advance(LEASE + SECOND).await;
    for stale in [&first, &second] {
        for end in ends() {
            assert_eq!(f.settle(stale, end).await, Settled::LeaseLost);
        }
    }

    assert_eq!(f.state(first.id()).await, JobState::Quarantined);
}

pub async fn a_job_an_operator_retried_ignores_its_former_run(f: &impl Fixture) {
    let stale = f.running(noop()).await;
    f.settle(&stale, End::Failed(fault())).await;
    f.retry(stale.id()).await;
    for end in ends() {
        assert_eq!(f.settle(&stale, end).await, Settled::LeaseLost);
    }

    assert_eq!(f.claim_ids(5).await, [stale.id()]);
}

pub async fn of_two_ends_in_a_batch_the_first_counts(f: &impl Fixture) {
    let both = [(done_with(&value!(1)), End::Failed(fault())), (done_with(&value!(1)), End::HandedOver)];
    for (first, second) in both {
        let claimed = f.running(noop()).await;
        let settled = f.store().settle(vec![ended(&claimed, first), ended(&claimed, second)]).await.unwrap();

        assert_eq!(settled, [Settled::Recorded(JobState::Completed), Settled::LeaseLost]);
        assert_eq!(json(f.job(claimed.id()).await.output.as_deref()), value!(1));
        assert!(f.claim(5).await.is_empty());
    }
}

pub async fn a_stale_end_does_not_spoil_its_batch(f: &impl Fixture) {
    let stale = f.running(noop()).await;
    f.advance(LEASE + SECOND).await;
    let fresh = f.claim_one().await;
    let other = f.running(noop()).await;
    let batch = vec![ended(&stale, done_with(&value!("stale"))), ended(&fresh, done()), ended(&other, End::HandedOver)];

    let settled = f.store().settle(batch).await.unwrap();
    let expected = [JobState::Completed, JobState::Pending].map(Settled::Recorded);
    assert_eq!((settled[0], &settled[1..]), (Settled::LeaseLost, &expected[..]));
    assert_eq!(json(f.job(stale.id()).await.output.as_deref()), value!(null));
}

pub async fn what_a_lost_run_prints_is_dropped(f: &impl Fixture) {
    let stale = f.running(noop()).await;
    let event = |text: &str| LiveEvent::Output { text: text.to_owned() };
    f.store().append(vec![(stale.lease.clone(), event("one"))]).await.unwrap();
    f.advance(LEASE + SECOND).await;
    let fresh = f.claim_one().await;
    let batch = vec![(stale.lease.clone(), event("lost")), (fresh.lease.clone(), event("two"))];
    f.store().append(batch).await.unwrap();
    f.complete(&fresh).await;
    f.store().append(vec![(fresh.lease.clone(), event("late"))]).await.unwrap();

    let output = f.store().read(stale.id(), 0, 10).await.unwrap();
    assert_eq!(output.iter().map(|e| (e.seq, &e.event)).collect::<Vec<_>>(), [(1, &event("one")), (2, &event("two"))]);
}
