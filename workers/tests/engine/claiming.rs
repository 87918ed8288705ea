//! Which jobs are claimed, and what keeps them ours.

use crate::{
    place::Place,
    world::{Probe, World, soon},
};
use flotilla_jobs::{JobState, Options};
use flotilla_workers::fleet::QueueWeight;
use std::time::Duration;

fn queue(name: &str) -> Options {
    Options { queue: Some(name.to_owned()), ..Options::default() }
}

pub async fn concurrency_is_used_and_never_exceeded(place: &Place) {
    let mut w = World::new(place).await;
    w.options.concurrency = 4;
    let ids = w.enqueue_many(40, Probe::Gate, &Options::default()).await;
    let fleet = w.start();
    for _ in 0..4 {
        w.started().await;
    }
    w.open_gate(40);
    for id in ids {
        w.wait_for(id, JobState::Completed).await;
    }
    fleet.stop().await;
    assert_eq!(w.peak(), 4);
}

pub async fn queues_share_the_slots_by_weight_and_none_starves(place: &Place) {
    let mut w = World::new(place).await;
    w.options.concurrency = 4;
    w.options.queues = vec![QueueWeight::new("heavy", 3), QueueWeight::new("light", 1)];
    let heavy = w.enqueue_many(60, Probe::Gate, &queue("heavy")).await;
    let light = w.enqueue_many(60, Probe::Gate, &queue("light")).await;
    let fleet = w.start();
    let mut first = Vec::new();
    for _ in 0..40 {
        first.push(w.started().await);
        w.open_gate(1);
    }
    let share = first.iter().filter(|id| heavy.contains(id)).count();
    assert!((27..=33).contains(&share), "{share} of 40 came from the queue of weight 3 of 4");
    w.open_gate(80);
    for id in heavy.into_iter().chain(light) {
        w.wait_for(id, JobState::Completed).await;
    }
    fleet.stop().await;
}

pub async fn an_idle_worker_starts_a_new_job_without_waiting_for_the_poll(place: &Place) {
    let mut w = World::new(place).await;
    w.options.poll = Duration::from_hours(1);
    let fleet = w.start();
    let first = w.enqueue(Probe::Done).await;
    w.wait_for(first, JobState::Completed).await;
    let second = w.enqueue(Probe::Done).await;
    w.wait_for(second, JobState::Completed).await;
    fleet.stop().await;
}

pub async fn leases_are_renewed_while_every_slot_is_busy(place: &Place) {
    let mut w = World::new(place).await;
    w.options.concurrency = 2;
    w.options.lease = Duration::from_millis(600);
    w.options.renew_every = Duration::from_millis(100);
    let ids = w.enqueue_many(3, Probe::Gate, &Options::default()).await;
    let fleet = w.start();
    w.started().await;
    w.started().await;
    // Two leases, ten rounds: well beyond the life of a lease, with the rescue loop looking every 200 ms.
    w.metric(r#"flotilla_leases_total{event="renewed"}"#, 20).await;
    w.open_gate(3);
    for id in ids {
        assert_eq!(w.wait_for(id, JobState::Completed).await.attempts.crash, 0);
    }
    let report = fleet.stop().await;
    assert_eq!((report.completed, report.lost), (3, 0));
}

pub async fn a_run_whose_lease_was_lost_records_nothing(place: &Place) {
    let mut w = World::with_manual_time(place).await;
    // The fleet does not notice by itself: it is as if it had slept.
    w.options.renew_every = Duration::from_hours(1);
    w.options.lease = Duration::from_hours(1);
    let id = w.enqueue(Probe::Gate).await;
    let fleet = w.start();
    assert_eq!(w.started().await, id);

    w.advance(Duration::from_secs(3_601));
    let rescued = w.other.rescue(&["default".to_owned()], 10).await.unwrap();
    assert_eq!(rescued.iter().map(|r| (r.job, r.state)).collect::<Vec<_>>(), [(id, JobState::Pending)]);
    // The same worker claims it again, while its first run still goes on.
    assert_eq!(w.started().await, id);
    w.open_gate(2);

    let job = w.wait_for(id, JobState::Completed).await;
    assert_eq!((job.attempts.crash, job.history.len()), (1, 1));
    let report = fleet.stop().await;
    assert_eq!((report.completed, report.lost), (1, 1));
}

pub async fn a_handler_hears_that_its_lease_is_lost(place: &Place) {
    let mut w = World::with_manual_time(place).await;
    w.options.renew_every = Duration::from_millis(20);
    w.options.concurrency = 1;
    let id = w.enqueue(Probe::UntilCancelled).await;
    let fleet = w.start();
    w.started().await;

    w.faults.down();
    soon(w.faults.failed()).await;
    w.advance(w.options.lease * 2);
    w.other.rescue(&["default".to_owned()], 10).await.unwrap();
    w.faults.up();
    w.told().await;

    assert_eq!(w.started().await, id);
    w.other.cancel(&[id]).await.unwrap();
    w.wait_for(id, JobState::Cancelled).await;
    assert_eq!(fleet.stop().await.lost, 1);
}
