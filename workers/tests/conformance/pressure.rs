//! A producer that outruns the fleet meets a limit with a number.

use crate::{
    draft::{Draft, noop},
    fixture::{Fixture, MINUTE, QUEUE},
};
use flotilla_workers::{
    producer::{Error, MaxWaiting, Producer, QueueFull},
    registry::Registry,
    store::{Store, fault::faulty},
};
use std::{sync::Arc, time::Duration};
use tokio::{task::JoinSet, time::timeout};

fn limited(store: Arc<dyn Store>, limit: u64) -> Producer {
    let limits = MaxWaiting { each: 0, queues: [(QUEUE.to_owned(), limit)].into() };
    Producer::new(store, Registry::new()).accept_unknown_kinds(true).max_waiting(limits)
}

async fn submit(producer: &Producer, drafts: impl IntoIterator<Item = Draft>) -> Result<usize, QueueFull> {
    let jobs = drafts.into_iter().map(Draft::submission).collect();
    match producer.enqueue_all(jobs).await {
        Ok(accepted) => Ok(accepted.iter().filter(|one| !one.duplicate).count()),
        Err(Error::QueueFull(full)) => Err(full),
        Err(error) => panic!("{error}"),
    }
}

fn some(n: usize) -> impl Iterator<Item = Draft> {
    (0..n).map(|_| noop())
}

pub async fn a_full_queue_refuses_and_names_itself(f: &impl Fixture) {
    let producer = limited(f.shared_store(), 10);
    assert_eq!(submit(&producer, some(7)).await, Ok(7));
    // Jobs that wait for their time wait too.
    assert_eq!(submit(&producer, [noop().run_at(f.after(MINUTE))]).await, Ok(1));

    let full = submit(&producer, some(3).chain([noop().queue("other")])).await.unwrap_err();
    assert_eq!(full, QueueFull { queue: QUEUE.to_owned(), depth: 8, limit: 10, new: 3 });
    assert_eq!((f.stats(QUEUE).await.pending, f.stats(QUEUE).await.scheduled), (7, 1), "a batch is refused whole");
    assert!(f.store().queues().await.unwrap().iter().all(|queue| queue.name == QUEUE));

    assert_eq!(submit(&producer, some(2)).await, Ok(2));
    assert_eq!(submit(&producer, some(1)).await.unwrap_err().depth, 10);
    assert_eq!(submit(&producer, some(500).map(|job| job.queue("other"))).await, Ok(500), "it has no limit");
}

pub async fn producers_at_once_do_not_go_over_the_limit(f: &impl Fixture) {
    let producer = limited(f.shared_store(), 50);
    let mut submits = JoinSet::new();
    for n in 0..100 {
        let producer = producer.clone();
        submits.spawn(async move { submit(&producer, some(1 + n % 2)).await.unwrap_or(0) });
    }
    let accepted: usize = submits.join_all().await.into_iter().sum();
    assert!((25..=50).contains(&accepted), "{accepted}");
    assert_eq!(f.stats(QUEUE).await.pending, accepted as u64);
}

pub async fn room_comes_back_when_jobs_leave(f: &impl Fixture) {
    let producer = limited(f.shared_store(), 5);
    assert_eq!(submit(&producer, some(5)).await, Ok(5));
    submit(&producer, some(1)).await.unwrap_err();
    for claimed in f.claim(2).await {
        f.complete(&claimed).await;
    }
    // What waits is counted again within a second or so.
    let room = async {
        while submit(&producer, some(2)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(MINUTE, room).await.expect("there is room again");
    submit(&producer, some(1)).await.unwrap_err();
}

pub async fn a_repeat_takes_no_room(f: &impl Fixture) {
    let producer = limited(f.shared_store(), 4);
    for new in [1, 0, 0, 0] {
        assert_eq!(submit(&producer, [noop().idempotency("again")]).await, Ok(new));
    }
    assert_eq!(submit(&producer, some(3)).await, Ok(3));
    submit(&producer, some(1)).await.unwrap_err();
}

pub async fn a_store_that_cannot_count_still_accepts(f: &impl Fixture) {
    let (store, faults) = faulty(f.shared_store());
    faults.refuse("queues");
    let producer = limited(store, 3);
    assert_eq!(submit(&producer, some(2)).await, Ok(2));
    submit(&producer, some(2)).await.unwrap_err();
}
