//! Adoption in trouble: adopters cut off at every step, jobs that cannot be on record, times past the calendar.

#[path = "support/servers.rs"]
#[allow(dead_code, reason = "shared with tests that harm their servers")]
mod servers;

use apalis_core::{backend::TaskSink, task::builder::TaskBuilder};
use apalis_redis::{Config, RedisStorage};
use flotilla_jobs::{Filter, JobRecord, JobState};
use flotilla_workers::store::{
    AdoptSource, Store,
    remote::{Options, migrate, open},
};
use redis::AsyncCommands;
use serde_json::{Value, json};
use servers::Server;
use sqlx::{Connection, PgConnection};
use std::{sync::Arc, task::Poll, time::Duration};

const BATCH: u32 = 500;
/// No step takes longer.
const LIMIT: Duration = Duration::from_mins(1);

/// A producer's queue, and a place for its jobs. Adoption reads keys that bear no prefix, so the servers are its own.
struct World {
    redis: Server,
    postgres: Server,
    from: AdoptSource,
}

impl World {
    async fn start(source: &str) -> Self {
        let from = AdoptSource { source: source.to_owned(), kind: "legacy".to_owned(), queue: "adopted".to_owned() };
        let world = Self { redis: Server::redis(&[]), postgres: Server::postgres(), from };
        migrate(&world.options()).await.unwrap();
        world
    }

    fn options(&self) -> Options {
        Options::new(self.redis.url().into(), self.postgres.url().into())
    }

    async fn open(&self) -> Arc<dyn Store> {
        open(self.options()).await.unwrap()
    }

    fn config(&self) -> Config {
        Config::default().queue(&self.from.source)
    }

    async fn producer(&self) -> RedisStorage<Value> {
        RedisStorage::new(apalis_redis::connect(self.redis.url()).await.unwrap()).with_config(self.config())
    }

    async fn push(&self, numbers: std::ops::Range<usize>) {
        let mut producer = self.producer().await;
        let jobs: Vec<Value> = numbers.map(|n| json!({ "n": n })).collect();
        for some in jobs.chunks(1_000) {
            producer.push_bulk(some.to_vec()).await.unwrap();
        }
    }

    async fn connection(&self) -> redis::aio::MultiplexedConnection {
        redis::Client::open(self.redis.url()).unwrap().get_multiplexed_async_connection().await.unwrap()
    }

    /// How many jobs the producer's queue still has, and how many of their arguments.
    async fn left(&self) -> (usize, usize) {
        let (mut connection, config) = (self.connection().await, self.config());
        let active: usize = connection.llen(config.active_jobs_list()).await.unwrap();
        let scheduled: usize = connection.zcard(config.scheduled_jobs_set()).await.unwrap();
        (active + scheduled, connection.hlen(config.job_data_hash()).await.unwrap())
    }

    /// Asserts that the jobs 0 to `count` are on record, once each.
    async fn each_once(&self, count: usize) {
        let mut connection = PgConnection::connect(&self.postgres.url()).await.unwrap();
        let all = sqlx::query_scalar("SELECT (payload ->> 'n')::bigint AS n FROM jobs ORDER BY n");
        let all: Vec<i64> = all.fetch_all(&mut connection).await.unwrap();
        assert_eq!(all, (0..count as i64).collect::<Vec<_>>());
    }

    /// Adopts until nothing is left; answers how many were new.
    async fn adopt_all(&self, store: &dyn Store) -> usize {
        let mut new = 0;
        let all = async {
            while self.left().await != (0, 0) {
                let some = store.adopt(&self.from, BATCH).await.unwrap();
                assert!(some <= BATCH, "{some} at once");
                new += some as usize;
            }
        };
        tokio::time::timeout(LIMIT, all).await.expect("they are adopted in time");
        new
    }
}

/// Everything on record, with payload.
async fn recorded(store: &dyn Store) -> Vec<JobRecord> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = store.list(&Filter::default(), after, 1_000).await.unwrap();
        all.extend(page.jobs);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

async fn payload(store: &dyn Store, job: &JobRecord) -> Value {
    let job = store.get(job.id).await.unwrap().unwrap();
    serde_json::from_str(job.payload.unwrap().get()).unwrap()
}

/// Drops a future in its tracks, after so many steps.
async fn cut_off<T>(future: impl Future<Output = T>, steps: usize) -> Option<T> {
    let (mut future, mut left) = (std::pin::pin!(future), steps);
    std::future::poll_fn(|cx| {
        let Some(fewer) = left.checked_sub(1) else { return Poll::Ready(None) };
        left = fewer;
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn adopters_that_end_in_between_lose_and_double_nothing() {
    let w = World::start("jobs").await;
    w.push(0..5_000).await;
    let store = w.open().await;
    // Each goes one step further than the one before, until some come to their end.
    let mut ended = 0;
    for steps in 0.. {
        ended += usize::from(cut_off(store.adopt(&w.from, 100), steps).await.is_some());
        if ended == 3 {
            break;
        }
    }
    w.adopt_all(&*store).await;
    w.each_once(5_000).await;
    // Nothing of theirs is left behind that would grow for ever.
    let keys: Vec<String> = w.connection().await.keys("jobs*meta*").await.unwrap();
    assert_eq!(keys, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_cannot_be_on_record_does_not_block_the_others() {
    // The name of a type with generics may be longer than a key.
    let w = World::start(&"a::Long<Name>".repeat(30)).await;
    let mut producer = w.producer().await;
    producer.push(json!("nul \0")).await.unwrap();
    producer.push(json!("x".repeat(5 * 1_024 * 1_024))).await.unwrap();
    w.push(0..50).await;
    // What no codec of theirs wrote: half a surrogate pair, nested too deep, not JSON, not UTF-8, nothing at all.
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let odd: [(&str, Option<&[u8]>); 5] = [
        ("half", Some(br#""\ud800""#)),
        ("deep", Some(deep.as_bytes())),
        ("text", Some(b"{not json")),
        ("bytes", Some(b"\xff\xfe\x00")),
        ("gone", None),
    ];
    let (mut connection, config) = (w.connection().await, w.config());
    for (id, data) in odd {
        if let Some(data) = data {
            let _: () = connection.hset(config.job_data_hash(), id, data).await.unwrap();
        }
        let _: () = connection.lpush(config.active_jobs_list(), id).await.unwrap();
    }

    let store = w.open().await;
    let mut new = 0;
    while w.left().await.0 > 0 {
        new += store.adopt(&w.from, 20).await.unwrap();
    }
    assert_eq!(new, 57);
    let jobs = recorded(&*store).await;
    assert_eq!(jobs.len(), 57);
    let payloads = futures_util::future::join_all(jobs.iter().map(|job| payload(&*store, job))).await;
    let text = |start: &str| payloads.iter().filter(|p| p.as_str().is_some_and(|p| p.starts_with(start))).count();
    assert_eq!(
        (text("the arguments of "), text("{not json"), payloads.iter().filter(|p| p.is_null()).count()),
        (5, 1, 1)
    );
    assert_eq!(payloads.iter().filter(|p| p["n"].is_u64()).count(), 50);
    // What our record does not have is still in theirs.
    assert_eq!(w.left().await, (0, 5));
    assert_eq!(store.adopt(&w.from, 20).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_is_kept() {
    let w = World::start("later").await;
    let mut producer = w.producer().await;
    producer.push_task(TaskBuilder::new(json!({ "n": 0 })).run_in_hours(2).build()).await.unwrap();
    producer.push_task(TaskBuilder::new(json!({ "n": 1 })).run_at_timestamp(u64::MAX).build()).await.unwrap();
    producer.push(json!({ "n": 2 })).await.unwrap();
    let store = w.open().await;
    assert_eq!(w.adopt_all(&*store).await, 3);
    let mut states = Vec::new();
    for job in recorded(&*store).await {
        states.push((payload(&*store, &job).await["n"].as_u64().unwrap(), job.state));
    }
    states.sort_unstable_by_key(|(n, _)| *n);
    assert_eq!(states, [(0, JobState::Scheduled), (1, JobState::Scheduled), (2, JobState::Pending)]);
}
