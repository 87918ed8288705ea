//! Cancelling, in every state a job can be in.

use crate::{
    draft::noop,
    fixture::{Fixture, LEASE, MINUTE, SECOND, done, fault},
};
use flotilla_jobs::{JobId, JobState};
use flotilla_workers::store::{CancelReply, Claimed, End, Renewal, Settled};

async fn is_over(f: &impl Fixture, id: JobId) {
    let job = f.job(id).await;
    assert_eq!(job.state, JobState::Cancelled);
    assert!(job.finished_at.is_some() && !job.cancel_requested);
    f.advance(60 * MINUTE).await;
    assert!(f.claim(10).await.is_empty());
    assert!(!f.retry(id).await && !f.resume(id).await);
    assert_eq!(f.state(id).await, JobState::Cancelled);
}

/// A running job that someone asked to cancel.
async fn asked(f: &impl Fixture) -> Claimed {
    let claimed = f.running(noop()).await;
    assert_eq!(f.cancel(claimed.id()).await, Some(CancelReply::Asked));
    claimed
}

pub async fn a_pending_job_is_cancelled_at_once(f: &impl Fixture) {
    let id = f.enqueue(noop()).await;
    assert_eq!(f.cancel(id).await, Some(CancelReply::Cancelled));
    is_over(f, id).await;
}

pub async fn a_scheduled_job_is_cancelled_at_once(f: &impl Fixture) {
    let id = f.enqueue(noop().run_at(f.after(MINUTE))).await;
    assert_eq!(f.cancel(id).await, Some(CancelReply::Cancelled));
    is_over(f, id).await;
}

pub async fn a_job_between_attempts_is_cancelled_at_once(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    f.settle(&claimed, End::Retry(fault(), MINUTE)).await;
    assert_eq!(f.cancel(claimed.id()).await, Some(CancelReply::Cancelled));
    is_over(f, claimed.id()).await;
    assert_eq!(f.job(claimed.id()).await.history.len(), 1);
}

pub async fn a_paused_job_is_cancelled_at_once(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    f.settle(&claimed, End::Paused("budget".to_owned())).await;
    assert_eq!(f.cancel(claimed.id()).await, Some(CancelReply::Cancelled));
    is_over(f, claimed.id()).await;
}

pub async fn a_job_in_its_groups_line_is_cancelled_at_once(f: &impl Fixture) {
    let ids = f.enqueue_all((0..2).map(|_| noop().group("g", 1))).await;
    assert_eq!(f.cancel(ids[1]).await, Some(CancelReply::Cancelled));
    let first = f.claim_one().await;
    f.complete(&first).await;
    is_over(f, ids[1]).await;
}

pub async fn a_running_job_is_asked_to_stop(f: &impl Fixture) {
    let claimed = asked(f).await;
    let job = f.job(claimed.id()).await;
    assert_eq!((job.state, job.cancel_requested), (JobState::Running, true));
    assert_eq!(f.renew(&claimed).await, Renewal::CancelAsked);
    assert_eq!(f.cancel(claimed.id()).await, Some(CancelReply::Asked));

    let end = End::Cancelled("asked to".to_owned());
    assert_eq!(f.settle(&claimed, end).await, Settled::Recorded(JobState::Cancelled));
    is_over(f, claimed.id()).await;
}

pub async fn a_job_asked_to_stop_never_runs_again(f: &impl Fixture) {
    for end in [End::Retry(fault(), SECOND), End::Snoozed(SECOND), End::HandedOver, End::Paused("budget".to_owned())] {
        let claimed = asked(f).await;
        assert_eq!(f.settle(&claimed, end).await, Settled::Recorded(JobState::Cancelled));
        is_over(f, claimed.id()).await;
    }
}

pub async fn a_job_that_ends_anyway_ends_as_it_says(f: &impl Fixture) {
    let claimed = asked(f).await;
    assert_eq!(f.settle(&claimed, done()).await, Settled::Recorded(JobState::Completed));
    assert_eq!(f.state(claimed.id()).await, JobState::Completed);

    let claimed = asked(f).await;
    assert_eq!(f.settle(&claimed, End::Failed(fault())).await, Settled::Recorded(JobState::Failed));
    let job = f.job(claimed.id()).await;
    assert_eq!((job.state, job.cancel_requested), (JobState::Failed, false));
}

pub async fn the_wish_is_remembered_while_no_worker_is_there(f: &impl Fixture) {
    let lost = asked(f).await;
    let rescued = f.advance(LEASE + SECOND).await;

    assert_eq!((rescued[0].job, rescued[0].state), (lost.id(), JobState::Cancelled));
    is_over(f, lost.id()).await;
}

pub async fn the_wish_reaches_a_worker_that_lost_its_lease_too_late(f: &impl Fixture) {
    let lost = f.running(noop()).await;
    f.advance_clock(LEASE + SECOND);
    assert_eq!(f.cancel(lost.id()).await, Some(CancelReply::Asked));
    f.advance(SECOND).await;

    is_over(f, lost.id()).await;
    assert_eq!(f.settle(&lost, done()).await, Settled::LeaseLost);
}

pub async fn a_rescued_job_is_cancelled_at_once(f: &impl Fixture) {
    let lost = f.running(noop()).await;
    f.advance(LEASE + SECOND).await;
    assert_eq!(f.cancel(lost.id()).await, Some(CancelReply::Cancelled));

    is_over(f, lost.id()).await;
}

pub async fn a_finished_job_stays_as_it_is(f: &impl Fixture) {
    for end in [done(), End::Failed(fault()), End::Cancelled("no".to_owned())] {
        let claimed = f.running(noop()).await;
        f.settle(&claimed, end).await;
        let before = f.job(claimed.id()).await;
        assert_eq!(f.cancel(claimed.id()).await, Some(CancelReply::AlreadyFinished));
        let after = f.job(claimed.id()).await;
        assert_eq!((before.state, before.finished_at, before.error), (after.state, after.finished_at, after.error));
    }
}

pub async fn a_retried_job_may_be_cancelled(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    f.settle(&claimed, End::Failed(fault())).await;
    f.retry(claimed.id()).await;
    assert_eq!(f.cancel(claimed.id()).await, Some(CancelReply::Cancelled));

    is_over(f, claimed.id()).await;
}

pub async fn answers_come_in_the_order_given(f: &impl Fixture) {
    let running = f.running(noop()).await;
    let finished = f.running(noop()).await;
    f.complete(&finished).await;
    let pending = f.enqueue(noop().queue("other")).await;
    let scheduled = f.enqueue(noop().run_at(f.after(MINUTE))).await;

    let ids = [JobId::new(), scheduled, finished.id(), pending, JobId::new(), running.id()];
    let cancelled = Some(CancelReply::Cancelled);
    let finished_before = Some(CancelReply::AlreadyFinished);
    let expected = [None, cancelled, finished_before, cancelled, None, Some(CancelReply::Asked)];
    assert_eq!(f.store().cancel(&ids).await.unwrap(), expected);
}

pub async fn a_thousand_are_cancelled_at_once(f: &impl Fixture) {
    let ids = f.enqueue_all((0..1_000).map(|i| noop().group(&format!("g{}", i % 50), 1))).await;
    let running = f.claim(50).await;

    let replies = f.store().cancel(&ids).await.unwrap();
    let asked = replies.iter().filter(|r| **r == Some(CancelReply::Asked)).count();
    let cancelled = replies.iter().filter(|r| **r == Some(CancelReply::Cancelled)).count();
    assert_eq!((running.len(), asked, cancelled), (50, 50, 950));
    assert_eq!(f.stats("default").await.pending, 0);
}

/// Whoever is first, the job ends once: cancelled, or handed to one worker that is then asked to stop.
pub async fn a_cancel_and_a_claim_at_once_agree(f: &impl Fixture) {
    let other = f.second_store().await;
    for _ in 0..20 {
        let id = f.enqueue(noop()).await;
        let ids = [id];
        let (claimed, replies) = tokio::join!(f.claim(1), other.cancel(&ids));
        match replies.unwrap()[0] {
            Some(CancelReply::Cancelled) => {
                // A claim that came between record and queue holds a lease that is worth nothing.
                for lost in &claimed {
                    assert_eq!(f.settle(lost, done()).await, Settled::LeaseLost);
                }
            }
            Some(CancelReply::Asked) => {
                assert_eq!(f.renew(&claimed[0]).await, Renewal::CancelAsked);
                f.settle(&claimed[0], End::HandedOver).await;
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(f.state(id).await, JobState::Cancelled);
        assert!(f.claim(1).await.is_empty());
    }
}
