//! A stop costs nothing: running jobs finish or are handed over, and no attempt is spent.

use crate::{
    place::Place,
    world::{Probe, World},
};
use flotilla_jobs::{Cause, JobState, Options, Progress};
use std::time::{Duration, Instant};

pub async fn a_running_job_finishes_and_no_new_one_starts(place: &Place) {
    let mut w = World::new(place).await;
    w.options.concurrency = 1;
    let ids = w.enqueue_many(2, Probe::Gate, &Options::default()).await;
    let fleet = w.start();
    let running = w.started().await;
    fleet.stop.cancel();
    w.open_gate(2);
    let report = fleet.ended().await;
    assert_eq!((report.completed, report.handed_over), (1, 0));
    for id in ids {
        let state = if id == running { JobState::Completed } else { JobState::Pending };
        assert_eq!(w.job(id).await.state, state);
    }
}

pub async fn a_job_that_overruns_the_drain_is_handed_over_unspent(place: &Place) {
    let mut w = World::new(place).await;
    w.options.drain_timeout = Duration::from_millis(20);
    w.options.stop_grace = Duration::from_millis(20);
    let id = w.enqueue(Probe::Deaf).await;
    let fleet = w.start();
    w.started().await;
    let report = fleet.stop().await;
    assert_eq!((report.handed_over, report.retried, report.failed), (1, 0, 0));
    let job = w.job(id).await;
    assert_eq!((job.state, job.attempts.failure, job.attempts.handover), (JobState::Pending, 0, 1));
    assert_eq!(job.history[0].cause, Cause::Handover);
}

pub async fn a_handler_that_returns_when_asked_to_stop_is_handed_over_too(place: &Place) {
    let mut w = World::new(place).await;
    w.options.drain_timeout = Duration::from_millis(20);
    w.options.stop_grace = Duration::from_mins(1);
    let id = w.enqueue(Probe::UntilStopping).await;
    let fleet = w.start();
    w.started().await;
    assert_eq!(fleet.stop().await.handed_over, 1);
    assert_eq!(w.job(id).await.attempts.failure, 0);
}

pub async fn a_hard_stop_ends_at_once_and_gives_the_job_back(place: &Place) {
    let mut w = World::new(place).await;
    // No free slot, so no claim is under way that could meet the job again.
    w.options.concurrency = 1;
    let id = w.enqueue(Probe::Deaf).await;
    let fleet = w.start();
    w.started().await;
    fleet.stop.cancel();
    let asked = Instant::now();
    fleet.hard_stop.cancel();
    let report = fleet.ended().await;
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    assert_eq!((report.handed_over, report.failed), (1, 0));
    assert_eq!(w.job(id).await.state, JobState::Pending);
}

pub async fn a_cancel_still_reaches_a_job_while_draining(place: &Place) {
    let w = World::new(place).await;
    let id = w.enqueue(Probe::UntilCancelled).await;
    let fleet = w.start();
    w.started().await;
    fleet.stop.cancel();
    w.other.cancel(&[id]).await.unwrap();
    assert_eq!(fleet.ended().await.cancelled, 1);
}

pub async fn a_fleet_without_work_ends_at_once(place: &Place) {
    let w = World::new(place).await;
    let fleet = w.start();
    let asked = Instant::now();
    let report = fleet.stop().await;
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    assert_eq!(report, flotilla_workers::fleet::Report::default());
}

pub async fn the_next_run_goes_on_where_the_last_one_was(place: &Place) {
    let mut w = World::new(place).await;
    w.options.drain_timeout = Duration::from_millis(20);
    w.options.stop_grace = Duration::from_mins(1);
    let id = w.enqueue(Probe::CountUntilStopping).await;
    let fleet = w.start();
    w.started().await;
    assert_eq!(fleet.stop().await.handed_over, 1);
    // On record before the job can be seen.
    let said = Progress { done: 200_000, total: None, message: "last words".to_owned() };
    assert_eq!(w.job(id).await.progress, Some(said));

    let fleet = w.start();
    let job = w.settled(id).await;
    assert_eq!(job.output.unwrap().get(), "200000");
    fleet.stop().await;
}

pub async fn a_record_that_forgot_only_costs_time(place: &Place) {
    let mut w = World::new(place).await;
    w.options.drain_timeout = Duration::from_millis(20);
    w.options.stop_grace = Duration::from_mins(1);
    let id = w.enqueue(Probe::CountUntilStopping).await;
    let fleet = w.start();
    w.started().await;
    fleet.stop().await;

    w.faults.refuse("progress");
    let fleet = w.start();
    assert_eq!(w.started().await, id);
    assert_eq!(fleet.stop().await.handed_over, 1);
    let job = w.job(id).await;
    assert_eq!((job.attempts.failure, job.attempts.handover), (0, 2));
}
