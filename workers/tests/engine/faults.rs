//! What a store that fails costs: time, and nothing else.

use crate::{
    place::Place,
    world::{Probe, World, soon},
};
use flotilla_jobs::{JobState, Options};

pub async fn results_wait_for_a_store_that_is_down(place: &Place) {
    let w = World::new(place).await;
    let ids = w.enqueue_many(20, Probe::Gate, &Options::default()).await;
    let fleet = w.start();
    for _ in 0..20 {
        w.started().await;
    }
    w.faults.down();
    w.open_gate(20);
    w.metric("flotilla_results_unrecorded", 1).await;
    soon(w.faults.failed()).await;
    w.faults.up();
    for id in ids {
        let job = w.wait_for(id, JobState::Completed).await;
        assert!(job.history.is_empty());
    }
    assert_eq!(fleet.stop().await.completed, 20);
}

pub async fn a_worker_that_starts_while_the_store_is_down_works_once_it_is_up(place: &Place) {
    let w = World::new(place).await;
    w.faults.down();
    let fleet = w.start();
    soon(w.faults.failed()).await;
    let id = w.enqueue(Probe::Done).await;
    w.faults.up();
    w.wait_for(id, JobState::Completed).await;
    fleet.stop().await;
}

pub async fn a_lost_reply_records_no_result_twice(place: &Place) {
    let w = World::new(place).await;
    let id = w.enqueue(Probe::Gate).await;
    let fleet = w.start();
    w.started().await;
    w.faults.lose_reply("settle");
    w.open_gate(1);
    let job = w.wait_for(id, JobState::Completed).await;
    assert!(job.history.is_empty());
    let report = fleet.stop().await;
    assert_eq!(report.completed + report.lost, 1);
}

pub async fn a_result_that_the_store_refuses_fails_its_job_and_says_why(place: &Place) {
    let w = World::new(place).await;
    let id = w.enqueue(Probe::Gate).await;
    let fleet = w.start();
    w.started().await;
    w.faults.refuse("settle");
    w.open_gate(1);
    let error = w.wait_for(id, JobState::Failed).await.error.unwrap();
    assert_eq!(error.code, "unrecordable_result");
    assert!(error.message.contains("settle is refused"), "{}", error.message);
    fleet.stop().await;
}

pub async fn one_refused_batch_does_not_cost_the_others_their_results(place: &Place) {
    let w = World::new(place).await;
    let ids = w.enqueue_many(30, Probe::Gate, &Options::default()).await;
    let fleet = w.start();
    for _ in 0..30 {
        w.started().await;
    }
    w.faults.down();
    w.open_gate(30);
    soon(w.faults.failed()).await;
    w.faults.refuse("settle");
    w.faults.up();
    let mut completed = 0;
    for id in ids {
        let job = w.settled(id).await;
        assert!(matches!(job.state, JobState::Completed | JobState::Failed), "{job:?}");
        completed += usize::from(job.state == JobState::Completed);
    }
    assert!(completed >= 29, "{completed}");
    fleet.stop().await;
}

pub async fn a_fleet_ends_although_the_store_is_gone(place: &Place) {
    let mut w = World::new(place).await;
    w.options.flush_timeout = std::time::Duration::from_millis(50);
    let id = w.enqueue(Probe::Gate).await;
    let fleet = w.start();
    w.started().await;
    w.faults.down();
    w.open_gate(1);
    let report = fleet.stop().await;
    assert_eq!(report.completed, 0);
    assert_eq!(w.job(id).await.state, JobState::Running);
}
