//! Jobs whose workers are gone.

use crate::{
    draft::noop,
    fixture::{Fixture, LEASE, MILLI, QUEUE, SECOND, claim_as},
};
use flotilla_jobs::{Attempts, Cause, JobId, JobState, Progress};
use flotilla_workers::store::{Claimed, LiveEvent, Rescued};
use std::collections::HashSet;

pub async fn a_first_crash_returns_the_job(f: &impl Fixture) {
    let id = f.enqueue(noop()).await;
    let lost = claim_as(f.store(), "doomed", &[(QUEUE.to_owned(), 1)]).await.pop().unwrap();
    let rescued = f.advance(LEASE + SECOND).await;

    assert_eq!(rescued, [Rescued { job: id, worker: "doomed".to_owned(), state: JobState::Pending }]);
    let job = f.job(id).await;
    assert_eq!((job.state, job.attempts), (JobState::Pending, Attempts { crash: 1, ..Attempts::default() }));
    assert_eq!((job.history[0].cause, job.history[0].worker.as_str()), (Cause::Crash, "doomed"));
    assert_eq!(job.history[0].ended_at.as_millisecond(), f.now());
    let fresh = f.claim_one().await;
    assert_eq!((fresh.attempts(), fresh.ready_at()), (job.attempts, lost.ready_at()));
}

pub async fn a_rescued_job_is_at_the_front(f: &impl Fixture) {
    let lost = f.running(noop()).await;
    f.advance_clock(MILLI);
    let waits = f.enqueue(noop()).await;
    f.advance(LEASE + SECOND).await;

    assert_eq!(f.claim_ids(2).await, [lost.id(), waits]);
}

pub async fn a_second_crash_quarantines_the_job(f: &impl Fixture) {
    let id = f.running(noop()).await.id();
    f.advance(LEASE + SECOND).await;
    claim_as(f.store(), "second", &[(QUEUE.to_owned(), 1)]).await;
    let rescued = f.advance(LEASE + SECOND).await;

    assert_eq!(rescued, [Rescued { job: id, worker: "second".to_owned(), state: JobState::Quarantined }]);
    let job = f.job(id).await;
    assert_eq!((job.state, job.error.unwrap().code.as_str()), (JobState::Quarantined, "crash"));
    assert_eq!(job.finished_at.unwrap().as_millisecond(), f.now());
    assert_eq!(job.attempts, Attempts { crash: 2, ..Attempts::default() });
    let history: Vec<_> = job.history.iter().map(|run| (run.cause, run.worker.as_str())).collect();
    assert_eq!(history, [(Cause::Crash, "one"), (Cause::Crash, "second")]);
    assert_eq!(job.history[1].ended_at.as_millisecond(), f.now());
    assert!(f.claim(5).await.is_empty());
    assert!(f.advance(10 * LEASE).await.is_empty());
}

pub async fn each_crash_says_how_far_the_job_was(f: &impl Fixture) {
    let first = f.running(noop()).await;
    let progress = |done| Progress { done, total: Some(9), message: "mixing".to_owned() };
    let say = async |claimed: &Claimed, done| {
        f.store().append(vec![(claimed.lease.clone(), LiveEvent::Progress(progress(done)))]).await.unwrap();
    };
    say(&first, 3).await;
    f.advance(LEASE + SECOND).await;
    let so_far = async || -> Vec<_> { f.job(first.id()).await.history.into_iter().map(|run| run.progress).collect() };
    assert_eq!(so_far().await, [Some(progress(3))]);
    let second = f.claim_one().await;
    say(&second, 5).await;
    assert_eq!(so_far().await, [Some(progress(3))]);
    f.advance(LEASE + SECOND).await;
    assert_eq!(so_far().await, [Some(progress(3)), Some(progress(5))]);

    assert!(f.retry(first.id()).await);
    let third = f.claim_one().await;
    say(&third, 1).await;
    f.complete(&third).await;
    assert_eq!(so_far().await, [Some(progress(3)), Some(progress(5))]);
}

pub async fn a_live_lease_is_left_alone(f: &impl Fixture) {
    let lost = f.running(noop()).await;
    f.advance_clock(LEASE / 2);
    let alive = f.running(noop()).await;
    let rescued = f.advance(LEASE / 2 + SECOND).await;

    assert_eq!(rescued.iter().map(|r| r.job).collect::<Vec<_>>(), [lost.id()]);
    assert_eq!(f.state(alive.id()).await, JobState::Running);
}

pub async fn a_rescue_takes_no_more_than_asked(f: &impl Fixture) {
    f.enqueue_all((0..5).map(|_| noop())).await;
    f.enqueue_all((0..5).map(|_| noop().queue("other"))).await;
    f.claim(5).await;
    f.claim_from("other", 5).await;
    f.advance_clock(LEASE + SECOND);

    let both = [QUEUE.to_owned(), "other".to_owned()];
    assert_eq!(f.store().rescue(&both, 3).await.unwrap().len(), 6);
    assert_eq!(f.store().rescue(&both, 3).await.unwrap().len(), 4);
    assert!(f.store().rescue(&both, 3).await.unwrap().is_empty());
    assert_eq!((f.claim(9).await.len(), f.claim_from("other", 9).await.len()), (5, 5));
}

pub async fn a_rescue_looks_only_at_the_queues_named(f: &impl Fixture) {
    f.enqueue(noop().queue("other")).await;
    let lost = f.claim_from("other", 1).await;
    f.advance_clock(LEASE + SECOND);

    assert!(f.store().rescue(&[QUEUE.to_owned()], 10).await.unwrap().is_empty());
    assert_eq!(f.store().rescue(&["other".to_owned()], 10).await.unwrap()[0].job, lost[0].id());
}

pub async fn a_finished_job_needs_no_rescue(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    f.complete(&claimed).await;

    assert!(f.advance(10 * LEASE).await.is_empty());
    assert_eq!(f.state(claimed.id()).await, JobState::Completed);
}

pub async fn two_rescuers_count_one_crash(f: &impl Fixture) {
    let ids = f.enqueue_all((0..200).map(|_| noop())).await;
    f.claim(200).await;
    let other = f.second_store().await;
    f.advance_clock(LEASE + SECOND);

    let queue = [QUEUE.to_owned()];
    let mut rescued: Vec<JobId> = Vec::new();
    for _ in 0..6 {
        let (a, b) = tokio::join!(f.store().rescue(&queue, 30), other.rescue(&queue, 30));
        rescued.extend(a.unwrap().iter().chain(&b.unwrap()).map(|r| r.job));
    }
    assert_eq!((rescued.len(), rescued.iter().collect::<HashSet<_>>().len()), (200, 200));
    assert_eq!(f.claim_ids(1_000).await, ids);
    for id in [ids[0], ids[99], ids[199]] {
        assert_eq!(f.job(id).await.attempts.crash, 1);
    }
}

pub async fn crashes_spend_no_attempts_of_failure(f: &impl Fixture) {
    let lost = f.running(noop().with(|o| o.max_attempts = Some(1))).await;
    f.advance(LEASE + SECOND).await;

    let fresh = f.claim_one().await;
    assert_eq!((fresh.id(), fresh.attempts().failure, fresh.attempts().crash), (lost.id(), 0, 1));
    f.complete(&fresh).await;
}

pub async fn a_thousand_lost_jobs_return_in_order(f: &impl Fixture) {
    let ids = f.enqueue_all((0..1_000).map(|_| noop())).await;
    f.claim(1_000).await;
    assert_eq!(f.advance(LEASE + SECOND).await.len(), 1_000);

    assert_eq!(f.claim_ids(1_000).await, ids);
}
