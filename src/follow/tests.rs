//! Many who follow, at the cost of few queries.

use super::*;
use crate::open;
use flotilla_jobs::{JobState, NewJob, Options};
use flotilla_workers::{
    metrics::Metrics,
    store::{Claim, Claimed, End, Settle, Submission, metered::metered},
};
use futures_util::{StreamExt, future::join_all};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use tempfile::TempDir;
use tokio::time::timeout;

/// Long enough for a loaded machine, short enough to be noticed.
const SOON: Duration = Duration::from_secs(30);
const LEASE: Duration = Duration::from_mins(5);

struct World {
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
    followers: Arc<Followers>,
    _dir: TempDir,
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let metrics = Metrics::new();
        let store = metered(open::file(&dir.path().join("jobs.db")).await.unwrap(), "sqlite", Arc::clone(&metrics));
        let followers = Followers::start(Arc::clone(&store));
        Self { store, metrics, followers, _dir: dir }
    }

    /// So many jobs, each running.
    async fn running(&self, count: u32) -> Vec<Claimed> {
        let payload = || RawValue::from_string("{}".to_owned()).unwrap();
        let new = || NewJob {
            kind: "talk".to_owned(),
            payload: payload(),
            options: Options::default(),
            idempotency_key: None,
        };
        let jobs = (0..count).map(|_| Submission::new(new(), Options::default()).unwrap()).collect();
        self.store.enqueue(jobs).await.unwrap();
        let queues = [("default".to_owned(), count)];
        self.store.claim(Claim { worker: "w", queues: &queues, kinds: None, lease_ttl: LEASE }).await.unwrap()
    }

    async fn say(&self, jobs: &[Claimed], text: &str) {
        let say = |job: &Claimed| (job.lease.clone(), LiveEvent::Text { step: 1, attempt: 1, text: text.to_owned() });
        self.store.append(jobs.iter().map(say).collect()).await.unwrap();
    }

    async fn end(&self, jobs: &[Claimed]) {
        let done = || End::Completed(RawValue::from_string("1".to_owned()).unwrap());
        let ends = jobs.iter().map(|job| Settle::new(job.lease.clone(), job.claimed_at, done()));
        self.store.settle(ends.collect()).await.unwrap();
    }

    async fn close(self) {
        self.followers.close().await;
        self.store.close().await;
    }

    /// How often each operation of the store was called.
    fn calls(&self) -> BTreeMap<String, u64> {
        let metrics = self.metrics.render();
        let counts = metrics.lines().filter_map(|line| {
            let (labels, count) = line.strip_prefix("flotilla_store_call_seconds_count{")?.rsplit_once(' ')?;
            let operation = labels.split("operation=\"").nth(1)?.split('"').next()?;
            Some((operation.to_owned(), count.parse::<u64>().ok()?))
        });
        counts.fold(BTreeMap::new(), |mut all, (operation, count)| {
            *all.entry(operation).or_default() += count;
            all
        })
    }
}

/// Reads to the end; answers the text, and asserts that nothing is missing or there twice.
async fn read(news: impl Stream<Item = Result<JobEvent, Error>>) -> String {
    let (mut text, mut last) = (String::new(), 0);
    let mut news = std::pin::pin!(news);
    while let Some(event) = timeout(SOON, news.next()).await.expect("news comes soon") {
        let event = event.unwrap();
        if let Some(seq) = event.seq() {
            assert_eq!(seq, last + 1, "{event:?}");
            last = seq;
        }
        match &event {
            JobEvent::Text { text: piece, .. } => text.push_str(piece),
            JobEvent::State(change) if change.state.is_terminal() => {
                assert_eq!(change.state, JobState::Completed);
                assert!(timeout(SOON, news.next()).await.unwrap().is_none(), "it is the last");
                return text;
            }
            _ => {}
        }
    }
    panic!("it ended without an end, after `{text}`");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_follow_many_jobs_share_their_queries() {
    const JOBS: u32 = 300;
    const WORDS: u32 = 20;
    let world = World::new().await;
    let jobs = world.running(JOBS).await;
    // Two for each job: one from the start, one that comes back.
    let readers = jobs.iter().flat_map(|job| [0, 0].map(|after| world.followers.follow(job.id(), after)));
    let readers: Vec<_> = readers.map(|news| tokio::spawn(read(news))).collect();
    let mut whole = String::new();
    for n in 0..WORDS {
        let said = format!("{n} ");
        world.say(&jobs, &said).await;
        whole.push_str(&said);
        sleep(reader::GATHER).await;
    }
    world.end(&jobs).await;
    for text in join_all(readers).await {
        assert_eq!(text.unwrap(), whole);
    }
    let calls = world.calls();
    let of = |operation: &str| calls.get(operation).copied().unwrap_or_default();
    // Each reads twice by itself, where it begins and at its end, and perhaps once more where it was late; not for each word.
    let each = u64::from(2 * JOBS);
    assert!(of("read") <= 4 * each, "{calls:?}");
    assert!(of("states") <= each + of("read_many") && of("read_many") <= 4_000, "{calls:?}");
    assert!(of("read") + of("read_many") < u64::from(JOBS * WORDS), "{calls:?}");
    world.close().await;
}

#[tokio::test]
async fn who_reads_late_and_who_comes_late_miss_nothing() {
    let world = World::new().await;
    let jobs = world.running(1).await;
    let id = jobs[0].id();
    let mut slow = Box::pin(world.followers.follow(id, 0));
    assert!(matches!(slow.next().await, Some(Ok(JobEvent::State(_)))));
    let quick = tokio::spawn(read(world.followers.follow(id, 0)));
    let mut whole = String::new();
    for n in 0..60 {
        // Some are too long to be handed round.
        let said = if n % 20 == 7 { "x".repeat(60 * 1024) } else { format!("{n} ") };
        for _ in 0..5 {
            world.say(&jobs, &said).await;
            whole.push_str(&said);
        }
        sleep(Duration::from_millis(5)).await;
    }
    let late = tokio::spawn(read(world.followers.follow(id, 0)));
    world.end(&jobs).await;
    assert!(quick.await.unwrap() == whole && late.await.unwrap() == whole && read(slow).await == whole);
    // After the end it is on record.
    assert!(read(world.followers.follow(id, 0)).await == whole);
    assert!(Box::pin(world.followers.follow(JobId::new(), 0)).next().await.is_none());
    world.close().await;
}

#[tokio::test]
async fn what_is_followed_ends_when_the_process_does() {
    let world = World::new().await;
    let jobs = world.running(1).await;
    let mut news = Box::pin(world.followers.follow(jobs[0].id(), 0));
    assert!(news.next().await.is_some());
    let rest = tokio::spawn(async move { news.next().await.is_none() });
    world.followers.close().await;
    assert!(timeout(SOON, rest).await.unwrap().unwrap());
    world.close().await;
}
