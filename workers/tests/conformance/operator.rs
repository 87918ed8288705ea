//! What an operator does: runs failed jobs once more, and resumes paused ones.

use crate::{
    draft::noop,
    fixture::{Fixture, LEASE, MINUTE, SECOND, done, done_with, fault, json},
};
use flotilla_jobs::{Attempts, Cause, Fault, JobId, JobState};
use flotilla_workers::store::{Claimed, End};

/// A job that failed, on the way also with a retry.
async fn failed(f: &impl Fixture) -> Claimed {
    let claimed = f.running(noop()).await;
    f.settle(&claimed, End::Retry(Fault::new("handler", "at first"), SECOND)).await;
    f.advance(SECOND).await;
    let claimed = f.claim_one().await;
    f.settle(&claimed, End::Failed(Fault::new("handler", "for good"))).await;
    claimed
}

async fn quarantined(f: &impl Fixture) -> JobId {
    let lost = f.running(noop()).await;
    f.advance(LEASE + SECOND).await;
    f.claim_one().await;
    f.advance(LEASE + SECOND).await;
    lost.id()
}

pub async fn a_failed_job_runs_with_fresh_counters(f: &impl Fixture) {
    let id = failed(f).await.id();
    assert!(f.retry(id).await);

    let job = f.job(id).await;
    assert_eq!((job.state, job.attempts, job.finished_at), (JobState::Pending, Attempts::default(), None));
    let claimed = f.claim_one().await;
    assert_eq!((claimed.id(), claimed.attempts()), (id, Attempts::default()));
    f.settle(&claimed, done_with(&serde_json::json!(1))).await;
    let job = f.job(id).await;
    assert_eq!((job.state, json(job.output.as_deref())), (JobState::Completed, serde_json::json!(1)));
}

pub async fn the_former_result_joins_the_history(f: &impl Fixture) {
    let claimed = failed(f).await;
    let ended = f.job(claimed.id()).await.finished_at.unwrap();
    f.advance_clock(MINUTE);
    f.retry(claimed.id()).await;

    let history = f.job(claimed.id()).await.history;
    let said: Vec<_> = history.iter().map(|a| (a.cause, a.error.as_ref().unwrap().message.as_str())).collect();
    assert_eq!(said, [(Cause::Failure, "at first"), (Cause::Failure, "for good")]);
    assert_eq!((history[1].ended_at, history[1].worker.as_str()), (ended, "one"));
}

pub async fn a_quarantined_job_runs_again(f: &impl Fixture) {
    let id = quarantined(f).await;
    assert!(f.retry(id).await);

    let causes: Vec<Cause> = f.job(id).await.history.iter().map(|a| a.cause).collect();
    assert_eq!(causes, [Cause::Crash, Cause::Crash]);
    let claimed = f.claim_one().await;
    assert_eq!((claimed.id(), claimed.attempts()), (id, Attempts::default()));
    // Its counters are fresh, so one more crash does not quarantine it.
    f.advance(LEASE + SECOND).await;
    assert_eq!(f.state(id).await, JobState::Pending);
}

pub async fn a_job_may_be_retried_as_often_as_it_fails(f: &impl Fixture) {
    let id = failed(f).await.id();
    for n in 3..6 {
        assert!(f.retry(id).await);
        let claimed = f.claim_one().await;
        f.settle(&claimed, End::Failed(fault())).await;
        assert!(f.retry(id).await);
        assert!(!f.retry(id).await, "it waits already");
        let history = f.job(id).await.history;
        assert!(history.len() >= n && history.is_sorted_by_key(|a| a.ended_at), "{history:?}");
        let claimed = f.claim_one().await;
        f.settle(&claimed, End::Failed(fault())).await;
    }
    assert_eq!(f.job(id).await.history.len(), 7);
}

pub async fn a_retried_job_is_as_old_as_the_retry(f: &impl Fixture) {
    let id = failed(f).await.id();
    f.advance_clock(SECOND);
    let waits = f.enqueue(noop()).await;
    f.advance_clock(SECOND);
    f.retry(id).await;

    assert_eq!(f.claim_ids(5).await, [waits, id]);
}

pub async fn no_other_job_is_retried(f: &impl Fixture) {
    let completed = f.running(noop()).await;
    f.complete(&completed).await;
    let cancelled = f.enqueue(noop()).await;
    f.cancel(cancelled).await;
    let paused = f.running(noop()).await;
    f.settle(&paused, End::Paused("budget".to_owned())).await;
    let failed = failed(f).await.id();
    let running = f.running(noop()).await;
    let scheduled = f.enqueue(noop().run_at(f.after(MINUTE))).await;

    let ids = [completed.id(), cancelled, JobId::new(), failed, paused.id(), running.id(), scheduled];
    assert_eq!(f.store().retry(&ids).await.unwrap(), [false, false, false, true, false, false, false]);
    assert_eq!(f.claim_ids(10).await, [failed]);
}

pub async fn only_paused_jobs_are_resumed(f: &impl Fixture) {
    let completed = f.running(noop()).await;
    f.complete(&completed).await;
    let paused = f.running(noop()).await;
    f.settle(&paused, End::Paused("budget".to_owned())).await;
    let running = f.running(noop()).await;
    let scheduled = f.enqueue(noop().run_at(f.after(MINUTE))).await;

    let ids = [completed.id(), paused.id(), JobId::new(), running.id(), scheduled];
    assert_eq!(f.store().resume(&ids).await.unwrap(), [false, true, false, false, false]);
    assert_eq!(f.store().resume(&ids).await.unwrap(), [false; 5]);
    assert_eq!(f.claim_ids(10).await, [paused.id()]);
}

pub async fn a_resumed_job_is_as_old_as_the_resume(f: &impl Fixture) {
    let paused = f.running(noop()).await;
    f.settle(&paused, End::Paused("budget".to_owned())).await;
    f.advance_clock(SECOND);
    let waits = f.enqueue(noop()).await;
    f.advance_clock(SECOND);
    f.resume(paused.id()).await;

    assert_eq!(f.claim_ids(5).await, [waits, paused.id()]);
}

pub async fn a_retry_by_two_at_once_happens_once(f: &impl Fixture) {
    let id = failed(f).await.id();
    let other = f.second_store().await;
    let ids = [id];
    let (a, b) = tokio::join!(f.store().retry(&ids), other.retry(&ids));

    assert_eq!(u8::from(a.unwrap()[0]) + u8::from(b.unwrap()[0]), 1);
    let claimed = f.claim(5).await;
    assert_eq!(claimed.len(), 1);
    f.settle(&claimed[0], done()).await;
    assert_eq!(f.state(id).await, JobState::Completed);
}
