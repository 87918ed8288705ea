//! How runs end, and what is on record then.

use crate::{
    draft::noop,
    fixture::{Fixture, LEASE, MILLI, MINUTE, QUEUE, SECOND, claim_as, done, done_with, ended, fault, json},
};
use flotilla_jobs::{Attempt, Attempts, Cause, Fault, JobRecord, JobState};
use flotilla_workers::store::{Claimed, End, Settled};
use jiff::Timestamp;
use serde_json::json as value;

/// When a job was started and finished, in milliseconds.
fn times(job: &JobRecord) -> (Option<i64>, Option<i64>) {
    (job.started_at.map(Timestamp::as_millisecond), job.finished_at.map(Timestamp::as_millisecond))
}

pub async fn a_completed_job_has_its_output(f: &impl Fixture) {
    let output = value!({"findings": [{"line": 3}], "note": null});
    let claimed = f.running(noop()).await;
    let began = f.now();
    f.advance_clock(SECOND);
    assert_eq!(f.settle(&claimed, done_with(&output)).await, Settled::Recorded(JobState::Completed));

    let job = f.job(claimed.id()).await;
    assert_eq!((job.state, json(job.output.as_deref())), (JobState::Completed, output));
    assert_eq!(times(&job), (Some(began), Some(began + 1_000)));
    assert_eq!((job.error, job.attempts, job.history), (None, Attempts::default(), Vec::new()));
    assert!(f.claim(1).await.is_empty());
}

pub async fn a_failed_job_has_its_fault(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    let fault = Fault::new("invalid_payload", "payload.x: is “ü”; use a number");
    assert_eq!(f.settle(&claimed, End::Failed(fault.clone())).await, Settled::Recorded(JobState::Failed));

    let job = f.job(claimed.id()).await;
    assert_eq!((job.state, &job.error), (JobState::Failed, &Some(fault)));
    assert_eq!(times(&job), (Some(f.now()), Some(f.now())));
    assert!(job.output.is_none());
    f.advance(MINUTE).await;
    assert!(f.claim(1).await.is_empty());
}

pub async fn a_job_its_handler_cancels_says_why(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    let end = End::Cancelled("the pull request was closed".to_owned());
    assert_eq!(f.settle(&claimed, end).await, Settled::Recorded(JobState::Cancelled));

    let job = f.job(claimed.id()).await;
    assert_eq!(job.state, JobState::Cancelled);
    assert_eq!(job.error.unwrap().message, "the pull request was closed");
}

pub async fn a_retry_waits_for_its_delay(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    let end = End::Retry(fault(), MINUTE);
    assert_eq!(f.settle(&claimed, end).await, Settled::Recorded(JobState::Scheduled));

    let job = f.job(claimed.id()).await;
    assert_eq!((job.state, job.run_at), (JobState::Scheduled, f.after(MINUTE)));
    f.advance(MINUTE - MILLI).await;
    assert!(f.claim(1).await.is_empty());
    f.advance(MILLI).await;
    assert_eq!(f.claim_ids(1).await, [claimed.id()]);
}

pub async fn a_retry_joins_the_history(f: &impl Fixture) {
    let id = f.enqueue(noop()).await;
    let mut history = Vec::new();
    for n in 1..=3 {
        let claimed = claim_as(f.store(), &format!("worker{n}"), &[(QUEUE.to_owned(), 1)]).await.pop().unwrap();
        assert_eq!(claimed.attempts(), Attempts { failure: n - 1, ..Attempts::default() });
        let began = f.moment();
        f.advance_clock(SECOND);
        let fault = Fault::new("handler", format!("broke {n}"));
        f.settle(&claimed, End::Retry(fault.clone(), MINUTE)).await;
        history.push(Attempt {
            cause: Cause::Failure,
            worker: format!("worker{n}"),
            started_at: Some(began),
            ended_at: f.moment(),
            error: Some(fault),
            progress: None,
        });
        let job = f.job(id).await;
        assert_eq!((job.attempts.failure, job.error), (n, history.last().unwrap().error.clone()));
        assert_eq!(job.history, history);
        f.advance(MINUTE).await;
    }
    let claimed = f.claim_one().await;
    f.complete(&claimed).await;
    let job = f.job(id).await;
    assert_eq!((job.state, job.attempts.failure, job.history), (JobState::Completed, 3, history));
}

pub async fn a_job_that_took_its_process_down_is_quarantined(f: &impl Fixture) {
    f.running(noop()).await;
    f.advance(LEASE + SECOND).await;
    let claimed = claim_as(f.store(), "alone", &[(QUEUE.to_owned(), 1)]).await.pop().unwrap();
    let fault = Fault::new("crash", "killed by SIGABRT");
    f.settle(&claimed, End::Quarantined(fault.clone())).await;

    let job = f.job(claimed.id()).await;
    assert_eq!((job.state, job.error.as_ref()), (JobState::Quarantined, Some(&fault)));
    assert_eq!(job.attempts, Attempts { crash: 2, ..Attempts::default() });
    let last = job.history.last().unwrap();
    assert_eq!((last.cause, last.worker.as_str(), last.error.as_ref()), (Cause::Crash, "alone", Some(&fault)));
    assert!(f.retry(claimed.id()).await);
    assert_eq!((f.state(claimed.id()).await, f.job(claimed.id()).await.history.len()), (JobState::Pending, 2));
}

pub async fn a_retry_takes_its_place_by_when_it_is_due(f: &impl Fixture) {
    let old = f.running(noop()).await;
    f.settle(&old, End::Retry(fault(), 10 * SECOND)).await;
    f.advance(5 * SECOND).await;
    let young = f.enqueue(noop()).await;
    f.advance(6 * SECOND).await;

    assert_eq!(f.claim_ids(5).await, [young, old.id()]);
}

pub async fn a_snooze_waits_and_spends_no_attempt(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    assert_eq!(f.settle(&claimed, End::Snoozed(MINUTE)).await, Settled::Recorded(JobState::Scheduled));
    assert!(f.claim(1).await.is_empty());
    assert_eq!(f.job(claimed.id()).await.run_at, f.after(MINUTE));

    f.advance(MINUTE).await;
    let again = f.claim_one().await;
    assert_eq!(again.attempts(), Attempts { throttle: 1, ..Attempts::default() });
    assert_eq!(f.job(claimed.id()).await.history[0].cause, Cause::Throttle);
}

pub async fn a_job_handed_over_is_at_the_front(f: &impl Fixture) {
    let first = f.running(noop()).await;
    f.advance_clock(SECOND);
    let later = f.enqueue(noop()).await;
    f.advance_clock(SECOND);
    assert_eq!(f.settle(&first, End::HandedOver).await, Settled::Recorded(JobState::Pending));
    assert_eq!(f.state(first.id()).await, JobState::Pending);

    let claimed = f.claim(2).await;
    assert_eq!(claimed.iter().map(Claimed::id).collect::<Vec<_>>(), [first.id(), later]);
    assert_eq!(claimed[0].attempts(), Attempts { handover: 1, ..Attempts::default() });
    assert_eq!(claimed[0].ready_at(), first.ready_at());
    assert_eq!(f.job(first.id()).await.history[0].cause, Cause::Handover);
}

pub async fn a_paused_job_waits_for_someone(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    let end = End::Paused("the monthly budget is out".to_owned());
    assert_eq!(f.settle(&claimed, end).await, Settled::Recorded(JobState::Paused));
    let job = f.job(claimed.id()).await;
    assert_eq!((job.state, job.reason.as_deref()), (JobState::Paused, Some("the monthly budget is out")));
    f.advance(60 * MINUTE).await;
    assert!(f.claim(1).await.is_empty());

    assert!(f.resume(claimed.id()).await);
    let job = f.job(claimed.id()).await;
    assert_eq!((job.state, job.reason), (JobState::Pending, None));
    let again = f.claim_one().await;
    assert_eq!(again.attempts(), Attempts { budget: 1, ..Attempts::default() });
    assert_eq!(f.job(claimed.id()).await.history[0].cause, Cause::Budget);
    f.complete(&again).await;
}

pub async fn every_cause_has_its_own_count(f: &impl Fixture) {
    let id = f.enqueue(noop()).await;
    for end in [End::Retry(fault(), SECOND), End::HandedOver, End::Snoozed(SECOND), End::Paused(String::new())] {
        let claimed = f.claim_one().await;
        f.settle(&claimed, end).await;
        f.advance(SECOND).await;
    }
    f.resume(id).await;

    let expected = Attempts { failure: 1, crash: 0, handover: 1, throttle: 1, budget: 1 };
    assert_eq!(f.claim_one().await.attempts(), expected);
    let job = f.job(id).await;
    assert_eq!(job.attempts, expected);
    let causes: Vec<Cause> = job.history.iter().map(|a| a.cause).collect();
    assert_eq!(causes, [Cause::Failure, Cause::Handover, Cause::Throttle, Cause::Budget]);
}

pub async fn a_batch_of_ends_is_answered_in_order(f: &impl Fixture) {
    f.enqueue_all((0..6).map(|i| noop().queue(["a", "b"][i % 2]))).await;
    let mut claimed = f.claim_from("b", 3).await;
    claimed.extend(f.claim_from("a", 3).await);
    f.complete(&claimed[1]).await;

    let ends = [
        End::Retry(fault(), SECOND),
        done(),
        done(),
        End::Paused("why".to_owned()),
        End::HandedOver,
        End::Failed(fault()),
    ];
    let batch = claimed.iter().zip(ends).map(|(c, end)| ended(c, end)).collect();
    let states = [JobState::Scheduled, JobState::Completed, JobState::Paused, JobState::Pending, JobState::Failed];
    let mut expected = states.map(Settled::Recorded).to_vec();
    expected.insert(1, Settled::LeaseLost);
    assert_eq!(f.store().settle(batch).await.unwrap(), expected);
    for (claimed, settled) in claimed.iter().zip(expected) {
        let state = f.state(claimed.id()).await;
        assert!(settled == Settled::Recorded(state) || state == JobState::Completed);
    }
}

/// A worker flushes results together; none of one kind may hold up the others.
pub async fn a_thousand_mixed_ends_are_settled_at_once(f: &impl Fixture) {
    f.enqueue_all((0..1_000).map(|i| noop().group(&format!("g{i}"), 1))).await;
    let claimed = f.claim(1_000).await;
    let end = |i: usize| [done(), End::Retry(fault(), SECOND), End::HandedOver, End::Failed(fault())][i % 4].clone();
    let batch = claimed.iter().enumerate().map(|(i, c)| ended(c, end(i))).collect();
    let settled = f.store().settle(batch).await.unwrap();

    let expected = [JobState::Completed, JobState::Scheduled, JobState::Pending, JobState::Failed];
    assert!(settled.iter().enumerate().all(|(i, s)| *s == Settled::Recorded(expected[i % 4])));
    let stats = f.stats(QUEUE).await;
    assert_eq!((stats.pending, stats.scheduled, stats.running), (250, 250, 0));
}

/// A record may put U+FFFD in the place of U+0000; it may not refuse the result, nor those settled with it.
pub async fn no_character_keeps_a_result_off_the_record(f: &impl Fixture) {
    f.enqueue_all((0..4).map(|_| noop())).await;
    let claimed = f.claim(4).await;
    let nul = "a\0b";
    let ends = [
        done_with(&value!({ "text": nul, "path": "C:\\u0000" })),
        End::Failed(Fault::new("odd", nul)),
        End::Paused(nul.to_owned()),
        done(),
    ];
    let batch = claimed.iter().zip(ends).map(|(c, end)| ended(c, end)).collect();
    let settled = f.store().settle(batch).await.unwrap();

    let states = [JobState::Completed, JobState::Failed, JobState::Paused, JobState::Completed];
    assert_eq!(settled, states.map(Settled::Recorded));
    let kept = |text: &str| assert!(text == nul || text == "a\u{fffd}b", "{text:?}");
    let output = json(f.job(claimed[0].id()).await.output.as_deref());
    kept(output["text"].as_str().unwrap());
    assert_eq!(output["path"], "C:\\u0000");
    kept(&f.job(claimed[1].id()).await.error.unwrap().message);
    kept(&f.job(claimed[2].id()).await.reason.unwrap());
}
