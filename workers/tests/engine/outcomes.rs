//! How a run ends, by what its handler did.

use crate::{
    place::Place,
    world::{Probe, World, soon},
};
use flotilla_jobs::{Backoff, Cause, JobState, NewJob, Options};
use flotilla_workers::store::{CancelReply, LiveEvent};
use serde_json::value::RawValue;
use std::time::{Duration, Instant};

fn attempts(max: u32) -> Options {
    let backoff = Backoff { base_ms: 0, cap_ms: 0 };
    Options { max_attempts: Some(max), backoff: Some(backoff), ..Options::default() }
}

pub async fn jobs_are_completed_with_their_output(place: &Place) {
    let w = World::new(place).await;
    let fleet = w.start();
    let ids = w.enqueue_many(500, Probe::Done, &Options::default()).await;
    for id in ids {
        let job = w.wait_for(id, JobState::Completed).await;
        assert_eq!(job.output.unwrap().get(), "7");
    }
    let report = fleet.stop().await;
    assert_eq!((report.completed, report.failed, report.lost), (500, 0, 0));
}

pub async fn a_panic_is_a_failed_attempt_with_its_message(place: &Place) {
    let w = World::new(place).await;
    let fleet = w.start();
    let id = w.enqueue_with(Probe::Panic, attempts(2)).await;
    let job = w.wait_for(id, JobState::Failed).await;
    let error = job.error.unwrap();
    assert_eq!((error.code.as_str(), error.message.as_str()), ("panic", "the handler panicked: at the disco"));
    assert_eq!(job.history.iter().map(|a| a.cause).collect::<Vec<_>>(), [Cause::Failure]);
    let report = fleet.stop().await;
    assert_eq!((report.failed, report.retried), (1, 1));
}

pub async fn a_failed_attempt_is_made_again_until_it_works(place: &Place) {
    let w = World::new(place).await;
    let fleet = w.start();
    let id = w.enqueue_with(Probe::FailTimes(2), attempts(3)).await;
    let job = w.wait_for(id, JobState::Completed).await;
    assert_eq!((job.attempts.failure, job.history.len()), (2, 2));
    assert_eq!(job.history[0].error.as_ref().unwrap().message, "not yet");
    fleet.stop().await;
}

pub async fn a_snooze_spends_no_attempt(place: &Place) {
    let w = World::new(place).await;
    let fleet = w.start();
    let id = w.enqueue_with(Probe::SnoozeOnce, attempts(1)).await;
    let job = w.wait_for(id, JobState::Completed).await;
    assert_eq!((job.attempts.failure, job.attempts.throttle), (0, 1));
    fleet.stop().await;
}

pub async fn the_whole_job_timeout_is_a_failure(place: &Place) {
    let w = World::new(place).await;
    let fleet = w.start();
    let id = w.enqueue_with(Probe::Deaf, Options { timeout_ms: Some(30), ..attempts(1) }).await;
    let job = w.wait_for(id, JobState::Failed).await;
    let error = job.error.unwrap();
    assert_eq!(error.code, "timeout");
    assert!(error.message.contains("30 ms"), "{}", error.message);
    fleet.stop().await;
}

pub async fn an_unknown_kind_is_left_alone_and_blocks_nobody(place: &Place) {
    let mut w = World::new(place).await;
    w.options.concurrency = 1;
    let payload = RawValue::from_string("{}".into()).unwrap();
    let unknown = NewJob { kind: "juggle".into(), payload, options: Options::default(), idempotency_key: None };
    let strange = w.enqueue_new(unknown).await;
    let good = w.enqueue(Probe::Done).await;
    let fleet = w.start();
    w.wait_for(good, JobState::Completed).await;
    let job = w.job(strange).await;
    assert!(job.state == JobState::Pending && job.history.is_empty(), "{job:?}");
    let queues = w.other.queues().await.unwrap();
    assert_eq!(queues[0].waiting_for_worker, [("juggle".to_owned(), 1)].into());
    fleet.stop().await;
}

pub async fn a_payload_that_does_not_parse_fails_and_names_the_field(place: &Place) {
    let w = World::new(place).await;
    let fleet = w.start();
    let payload = RawValue::from_string(r#"{"say":"often"}"#.into()).unwrap();
    let job = NewJob { kind: "probe".into(), payload, options: Options::default(), idempotency_key: None };
    let id = w.enqueue_new(job).await;
    let error = w.wait_for(id, JobState::Failed).await.error.unwrap();
    assert_eq!(error.code, "invalid_payload");
    assert!(error.message.contains("payload") && error.message.contains("u32"), "{}", error.message);
    fleet.stop().await;
}

pub async fn a_running_job_is_told_of_a_cancel_within_a_second(place: &Place) {
    let w = World::new(place).await;
    let fleet = w.start();
    let id = w.enqueue(Probe::UntilCancelled).await;
    w.started().await;
    let asked = Instant::now();
    assert_eq!(w.other.cancel(&[id]).await.unwrap(), [Some(CancelReply::Asked)]);
    w.told().await;
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    w.wait_for(id, JobState::Cancelled).await;
    assert_eq!(fleet.stop().await.cancelled, 1);
}

pub async fn a_handler_that_ignores_its_cancel_is_dropped(place: &Place) {
    let w = World::new(place).await;
    let fleet = w.start();
    let id = w.enqueue(Probe::Deaf).await;
    w.started().await;
    w.other.cancel(&[id]).await.unwrap();
    w.wait_for(id, JobState::Cancelled).await;
    fleet.stop().await;
}

pub async fn everything_said_is_kept_before_the_result(place: &Place) {
    let w = World::new(place).await;
    let fleet = w.start();
    let id = w.enqueue(Probe::Say(1_500)).await;
    soon(w.wait_for(id, JobState::Completed)).await;
    let mut lines = Vec::new();
    while lines.len() < 1_500 {
        let page = w.other.read(id, lines.len() as u64, 1_000).await.unwrap();
        assert!(!page.is_empty(), "only {} lines", lines.len());
        lines.extend(page);
    }
    let last = LiveEvent::Output { text: "line 1499".into() };
    assert_eq!((lines[1_499].seq, &lines[1_499].event), (1_500, &last));
    fleet.stop().await;
}
