//! Redis and Postgres killed, wiped, frozen, or not fit: what the joined store then does.

#[path = "support/servers.rs"]
#[allow(dead_code, reason = "shared with the conformance suite")]
mod servers;

use flotilla_jobs::{Fault, JobState, NewJob, Options as JobOptions};
use flotilla_workers::{
    clock::Clock,
    store::{
        Claim, Claimed, End, Error, OpenError, Settle, Settled, Store, Submission,
        remote::{Options, migrate, open},
    },
};
use serde_json::value::RawValue;
use servers::Server;
use std::{collections::HashSet, sync::Arc, time::Duration};

/// No step takes longer.
const LIMIT: Duration = Duration::from_mins(1);

/// A store on servers of its own, which a test may harm.
struct World {
    redis: Server,
    postgres: Server,
    store: Arc<dyn Store>,
}

fn options(redis: &Server, postgres: &Server) -> Options {
    Options::new(redis.url().into(), postgres.url().into())
}

impl World {
    async fn start() -> Self {
        let (redis, postgres) = (Server::redis(&[]), Server::postgres());
        let options = Options { clock: Clock::Store, ..options(&redis, &postgres) };
        migrate(&options).await.unwrap();
        let store = open(options).await.unwrap();
        Self { redis, postgres, store }
    }

    async fn claim(&self, max: u32) -> Result<Vec<Claimed>, Error> {
        let queues = [("default".to_owned(), max)];
        self.store.claim(Claim { worker: "one", queues: &queues, kinds: None, lease_ttl: LIMIT }).await
    }

    /// Claims a job, and settles it so that the record knows and this store's queue does not hear of it.
    async fn settle_unheard(&self, end: End) -> Claimed {
        let accepted = self.store.enqueue(jobs(1)).await.unwrap();
        let queues = [("default".to_owned(), 1)];
        let ask = Claim { worker: "one", queues: &queues, kinds: None, lease_ttl: Duration::from_millis(1) };
        let claimed = self.store.claim(ask).await.unwrap().pop().unwrap();
        assert_eq!(claimed.id(), accepted[0].id);
        let elsewhere = Options { prefix: "elsewhere".to_owned(), ..options(&self.redis, &self.postgres) };
        let elsewhere = open(elsewhere).await.unwrap();
        let settle = Settle::new(claimed.lease.clone(), claimed.claimed_at, end);
        assert!(matches!(elsewhere.settle(vec![settle]).await.unwrap()[..], [Settled::Recorded(_)]));
        elsewhere.close().await;
        claimed
    }

    async fn complete(&self, claimed: Vec<Claimed>) -> Result<Vec<Settled>, Error> {
        let end = || End::Completed(RawValue::NULL.to_owned());
        let settle = |c: Claimed| Settle::new(c.lease, c.claimed_at, end());
        self.store.settle(claimed.into_iter().map(settle).collect()).await
    }
}

fn jobs(n: usize) -> Vec<Submission> {
    let job: NewJob = serde_json::from_str(r#"{"kind": "noop", "payload": {}}"#).unwrap();
    (0..n).map(|_| Submission::new(job.clone(), JobOptions::default()).unwrap()).collect()
}

/// Tries until it works: how long a store takes to find its servers again is its own business, but not for ever.
async fn until_ok<T>(mut call: impl AsyncFnMut() -> Result<T, Error>) -> T {
    let tries = async {
        loop {
            match call().await {
                Ok(answer) => return answer,
                Err(error) => assert!(error.is_transient(), "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, tries).await.expect("the store finds its servers again")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_redis_loses_no_job() {
    let w = World::start().await;
    w.store.enqueue(jobs(100)).await.unwrap();
    let held = w.claim(10).await.unwrap();
    let done = w.claim(10).await.unwrap();
    let mut ended: HashSet<_> = done.iter().map(Claimed::id).collect();
    w.complete(done).await.unwrap();
    w.redis.kill();

    // Accepted while there is no queue: the record is enough.
    w.store.enqueue(jobs(5)).await.unwrap();
    assert!(w.claim(1).await.unwrap_err().is_transient());
    let health = w.store.health().await;
    assert!(health.iter().all(|d| d.ok == (d.name == "postgres")), "{health:?}");

    w.redis.restart();
    let rebuild = async {
        while ended.len() < 105 {
            // What cannot be pushed in one round is in the next.
            until_ok(async || w.store.reconcile(None, Duration::ZERO, 1_000).await).await;
            let claimed = until_ok(async || w.claim(50).await).await;
            for c in &claimed {
                assert!(ended.insert(c.id()), "{} ran after its result", c.id());
            }
            let settled = w.complete(claimed).await.unwrap();
            assert!(settled.iter().all(|s| *s == Settled::Recorded(JobState::Completed)));
        }
    };
    tokio::time::timeout(LIMIT, rebuild).await.expect("every job comes back");
    assert!(w.claim(50).await.unwrap().is_empty());
    assert!(w.complete(held).await.unwrap().iter().all(|s| *s == Settled::LeaseLost));
    w.store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_postgres_keeps_what_was_accepted() {
    let w = World::start().await;
    let accepted = w.store.enqueue(jobs(20)).await.unwrap();
    let claimed = w.claim(20).await.unwrap();
    w.postgres.kill();
    assert!(w.store.enqueue(jobs(1)).await.unwrap_err().is_transient());
    assert!(w.complete(claimed.clone()).await.unwrap_err().is_transient());

    w.postgres.restart();
    until_ok(async || w.complete(claimed.clone()).await).await;
    for one in accepted {
        assert_eq!(w.store.get(one.id).await.unwrap().unwrap().state, JobState::Completed);
    }
    w.store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_server_holds_up_only_while_it_is_frozen() {
    let w = World::start().await;
    for server in [&w.redis, &w.postgres] {
        server.freeze();
        let mut submit = std::pin::pin!(w.store.enqueue(jobs(1)));
        let early = tokio::time::timeout(Duration::from_millis(200), &mut submit).await;
        assert!(early.is_err(), "{early:?}");
        server.thaw();
        tokio::time::timeout(LIMIT, submit).await.unwrap().unwrap();
        assert_eq!(until_ok(async || w.claim(5).await).await.len(), 1);
    }
    w.store.close().await;
}

#[tokio::test]
async fn a_redis_that_may_evict_is_refused() {
    let redis = Server::redis(&["--maxmemory-policy", "allkeys-lru"]);
    let options = options(&redis, servers::postgres());
    migrate(&options).await.unwrap();
    let refused = open(options).await.err().unwrap();

    assert!(matches!(refused, OpenError::Unfit { what: "redis", .. }), "{refused}");
    assert!(refused.to_string().contains("noeviction"), "{refused}");
}

#[tokio::test]
async fn a_database_without_migrations_is_refused() {
    let postgres = Server::postgres();
    let options = options(servers::redis(), &postgres);
    let refused = open(options.clone()).await.err().unwrap();
    assert_eq!(refused.to_string(), "the database lacks migration 0001_jobs; run `flotilla migrate`");

    assert!(!migrate(&options).await.unwrap().is_empty());
    assert!(migrate(&options).await.unwrap().is_empty(), "all is applied");
    open(options).await.unwrap().close().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_its_password() {
    let nowhere = servers::free_port();
    for (redis, postgres, what) in [
        (format!("redis://user:hunter2@127.0.0.1:{nowhere}/0"), servers::postgres().url(), "redis"),
        (servers::redis().url(), format!("postgres://user:hunter2@127.0.0.1:{nowhere}/postgres"), "postgres"),
        ("hunter2".to_owned(), servers::postgres().url(), "redis"),
        (servers::redis().url(), "hunter2://".to_owned(), "postgres"),
    ] {
        let schema = Options::new(servers::redis().url().into(), servers::postgres().url().into());
        migrate(&schema).await.unwrap();
        let refused = open(Options::new(redis.into(), postgres.into())).await.err().unwrap().to_string();
        assert!(refused.contains(what) && !refused.contains("hunter2"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_the_queue_did_not_hear_of_is_kept() {
    let w = World::start().await;
    let job = w.settle_unheard(End::Retry(Fault::new("flaky", "not now"), 10 * LIMIT)).await.id();
    // The lease is over by now; only the rescue is left to tell the queue.
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert!(w.store.rescue(&["default".to_owned()], 10).await.unwrap().is_empty(), "that was no crash");
    assert!(w.claim(1).await.unwrap().is_empty());
    let job = w.store.get(job).await.unwrap().unwrap();
    assert_eq!((job.state, job.attempts.failure, job.attempts.crash), (JobState::Scheduled, 1, 0));
    assert_eq!(w.store.queues().await.unwrap()[0].scheduled, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_resumed_before_the_queue_heard_of_its_pause_runs_again() {
    let w = World::start().await;
    let old = w.settle_unheard(End::Paused("no budget".to_owned())).await;
    assert_eq!(w.store.resume(&[old.id()]).await.unwrap(), [true]);
    let again = w.claim(1).await.unwrap();
    assert_eq!(again.iter().map(Claimed::id).collect::<Vec<_>>(), [old.id()]);
    assert_eq!(w.complete(vec![old]).await.unwrap(), [Settled::LeaseLost]);
    assert_eq!(w.complete(again).await.unwrap(), [Settled::Recorded(JobState::Completed)]);
}
