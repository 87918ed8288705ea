//! Jobs of stock apalis-redis producers, with that crate as the producer: each is taken over once.

#[path = "support/servers.rs"]
#[allow(dead_code, reason = "each test crate uses a part of it")]
mod servers;

use apalis_core::backend::TaskSink;
use apalis_redis::{Config, RedisStorage};
use flotilla_jobs::{Filter, JobRecord, JobState};
use flotilla_workers::{
    clock::Clock,
    store::{
        AdoptSource, Claim, Claimed, End, Error, Settle, Store,
        remote::{Options, migrate, open},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{sync::Arc, time::Duration};

/// More than its own worker gets past.
const WAITING: u32 = 20_000;
const BATCH: u32 = 500;

#[derive(Debug, Serialize, Deserialize)]
struct Mail {
    number: u32,
}

/// A producer's queue, and a store that takes over from it.
struct World {
    name: &'static str,
    source: AdoptSource,
    store: Arc<dyn Store>,
}

impl World {
    async fn new(name: &'static str) -> Self {
        let world = Self {
            name,
            source: AdoptSource { source: name.to_owned(), kind: "mail".to_owned(), queue: "mails".to_owned() },
            store: {
                migrate(&options(name)).await.unwrap();
                open(options(name)).await.unwrap()
            },
        };
        assert_eq!(world.store.adopt(&world.source, BATCH).await.unwrap(), 0);
        world
    }

    async fn producer(&self) -> RedisStorage<Mail> {
        let connection = apalis_redis::connect(servers::redis().url()).await.unwrap();
        RedisStorage::new(connection).with_config(Config::default().queue(self.name))
    }

    async fn push(&self, numbers: std::ops::Range<u32>) {
        let mut producer = self.producer().await;
        producer.push_bulk(numbers.map(|number| Mail { number }).collect()).await.unwrap();
    }

    /// Takes over until nothing is left.
    async fn adopt_all(store: Arc<dyn Store>, source: AdoptSource) -> u32 {
        let mut adopted = 0;
        loop {
            let batch = store.adopt(&source, BATCH).await.unwrap();
            assert!(batch <= BATCH);
            adopted += batch;
            if batch == 0 {
                return adopted;
            }
        }
    }

    /// Runs everything that waits; answers the numbers it carried, in the order they came.
    async fn run_all(&self) -> Vec<u32> {
        let queues = [("mails".to_owned(), 1_000)];
        let mut numbers = Vec::new();
        loop {
            let ask = Claim { worker: "one", queues: &queues, kinds: None, lease_ttl: Duration::from_mins(1) };
            let claimed = self.store.claim(ask).await.unwrap();
            if claimed.is_empty() {
                return numbers;
            }
            numbers.extend(claimed.iter().map(|c| serde_json::from_str::<Mail>(c.payload.get()).unwrap().number));
            let done = |c: Claimed| Settle::new(c.lease, c.claimed_at, End::Completed(RawValue::NULL.to_owned()));
            self.store.settle(claimed.into_iter().map(done).collect()).await.unwrap();
        }
    }

    async fn jobs(&self) -> Vec<JobRecord> {
        let page = self.store.list(&Filter::default(), None, 1_000).await;
        page.unwrap().jobs
    }
}

fn options(name: &str) -> Options {
    let options = Options::new(servers::redis().url().into(), servers::postgres().url().into());
    Options { prefix: name.to_owned(), schema: Some(name.to_owned()), clock: Clock::Store, ..options }
}

fn once_each(mut numbers: Vec<u32>, count: u32) {
    numbers.sort_unstable();
    assert_eq!(numbers, (0..count).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_taken_over_once_by_adopters_that_race() {
    let w = World::new("race").await;
    for from in (0..WAITING).step_by(5_000) {
        w.push(from..from + 5_000).await;
    }
    let other = open(options("race")).await.unwrap();
    let (a, b) = tokio::join!(
        tokio::spawn(World::adopt_all(w.store.clone(), w.source.clone())),
        tokio::spawn(World::adopt_all(other, w.source.clone())),
    );
    assert_eq!(a.unwrap() + b.unwrap(), WAITING);
    once_each(w.run_all().await, WAITING);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adopter_that_dies_half_way_loses_and_doubles_none() {
    let w = World::new("dies").await;
    w.push(0..3_000).await;
    // Dropped at a different point of its way each time.
    for n in 0..20 {
        let late = tokio::time::timeout(Duration::from_micros(n * 700), w.store.adopt(&w.source, BATCH)).await;
        assert!(matches!(late, Ok(Ok(_)) | Err(_)), "{late:?}");
    }
    World::adopt_all(w.store.clone(), w.source.clone()).await;
    once_each(w.run_all().await, 3_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_job_keeps_its_time() {
    let w = World::new("later").await;
    let mut producer = w.producer().await;
    let task = apalis_core::task::builder::TaskBuilder::new(Mail { number: 0 });
    producer.push_task(task.run_after(Duration::from_hours(1)).build()).await.unwrap();
    assert_eq!(World::adopt_all(w.store.clone(), w.source.clone()).await, 1);
    let job = w.jobs().await.remove(0);
    assert_eq!((job.state, job.kind.as_str()), (JobState::Scheduled, "mail"));
    let wait = job.run_at.duration_since(job.created_at).as_secs();
    assert!((3_590..=3_605).contains(&wait), "{wait}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_redis_says_that_it_cannot() {
    let dir = tempfile::tempdir().unwrap();
    let options = flotilla_workers::store::sqlite::Options { path: dir.path().join("a.db"), clock: Clock::Store };
    let store = flotilla_workers::store::sqlite::open(options).await.unwrap();
    let source = AdoptSource { source: "a".to_owned(), kind: "mail".to_owned(), queue: "mails".to_owned() };
    let refused = store.adopt(&source, BATCH).await;
    assert!(matches!(&refused, Err(Error::Invalid(why)) if why.to_string().contains("no redis")), "{refused:?}");
}
