//! Servers that went silent: no operation of the joined store outlives its limits, and all work again afterwards.

#[path = "../../tests/support/proxy.rs"]
mod proxy;
#[path = "support/servers.rs"]
#[allow(dead_code, reason = "shared with the conformance suite")]
mod servers;

use flotilla_jobs::{Filter, JobId, JobState, NewJob, Options as JobOptions};
use flotilla_workers::store::{
    AdoptSource, Claim, Claimed, End, Error, LiveEvent, QueueChange, Settle, Store, Submission,
    remote::{Options, migrate, open},
};
use futures_util::future::join_all;
use proxy::{Proxy, Way};
use serde_json::value::RawValue;
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

const REDIS_TIMEOUT: Duration = Duration::from_millis(400);
const POSTGRES_TIMEOUT: Duration = Duration::from_millis(800);
/// More than any sum of limits: an attempt to connect, a call, a few queues; on a machine that is busy.
const LIMIT: Duration = Duration::from_secs(15);
const LEASE: Duration = Duration::from_mins(10);
const QUEUE: &str = "default";

const OPERATIONS: [&str; 22] = [
    "enqueue",
    "enqueue keyed",
    "claim",
    "renew",
    "settle",
    "settle mixed",
    "cancel",
    "retry",
    "resume",
    "get",
    "list",
    "promote",
    "rescue",
    "reconcile",
    "adopt",
    "prune",
    "prune keys",
    "lead",
    "queues",
    "configure",
    "append",
    "read",
];

struct World {
    store: Arc<dyn Store>,
    redis: Proxy,
    postgres: Proxy,
    /// A job under a lease.
    held: Claimed,
}

impl World {
    async fn start(schema: &str) -> Self {
        let (redis, postgres) = (Proxy::to(servers::redis().port()), Proxy::to(servers::postgres().port()));
        let urls = (servers::redis().url_by(redis.port()), servers::postgres().url_by(postgres.port()));
        let options = Options {
            prefix: schema.to_owned(),
            schema: Some(schema.to_owned()),
            pool: OPERATIONS.len() as u32,
            redis_timeout: REDIS_TIMEOUT,
            postgres_timeout: POSTGRES_TIMEOUT,
            ..Options::new(urls.0.into(), urls.1.into())
        };
        migrate(&options).await.unwrap();
        let store = open(options).await.unwrap();
        store.enqueue(vec![job(None), job(None)]).await.unwrap();
        let held = claim(&*store, 1).await.unwrap().pop().unwrap();
        Self { store, redis, postgres, held }
    }

    async fn call(&self, operation: &str) -> Result<(), Error> {
        let (store, lease, id) = (&*self.store, &self.held.lease, self.held.id());
        let end = |end| vec![Settle::new(lease.clone(), 0, end)];
        let queues = [QUEUE.to_owned()];
        match operation {
            "enqueue" => store.enqueue(vec![job(None)]).await.map(drop),
            "enqueue keyed" => store.enqueue(vec![job(Some(JobId::new().to_string()))]).await.map(drop),
            "claim" => claim(store, 1).await.map(drop),
            "renew" => store.renew(std::slice::from_ref(lease), LEASE).await.map(drop),
            "settle" => store.settle(end(End::Completed(RawValue::NULL.to_owned()))).await.map(drop),
            "settle mixed" => store.settle(end(End::HandedOver)).await.map(drop),
            "cancel" => store.cancel(&[id]).await.map(drop),
            "retry" => store.retry(&[id]).await.map(drop),
            "resume" => store.resume(&[id]).await.map(drop),
            "get" => store.get(id).await.map(drop),
            "list" => store.list(&Filter::default(), None, 10).await.map(drop),
            "promote" => store.promote(&queues, 10).await.map(drop),
            "rescue" => store.rescue(&queues, 10).await.map(drop),
            "reconcile" => store.reconcile(None, Duration::ZERO, 10).await.map(drop),
            "adopt" => {
                let from = AdoptSource { source: "theirs".into(), kind: "noop".into(), queue: QUEUE.into() };
                store.adopt(&from, 10).await.map(drop)
            }
            "prune" => store.prune(JobState::Completed, LEASE, 10).await.map(drop),
            "prune keys" => store.prune_keys(10).await.map(drop),
            "lead" => store.lead(&["prune".to_owned()], "one", LEASE).await.map(drop),
            "queues" => store.queues().await.map(drop),
            "configure" => store.configure_queue(QUEUE, QueueChange { paused: Some(false), cap: None }).await,
            "append" => store.append(vec![(lease.clone(), LiveEvent::Cut)]).await,
            "read" => store.read(id, 0, 10).await.map(drop),
            _ => unreachable!("{operation}"),
        }
    }

    /// Calls every operation; answers those that failed, all of which may be tried again.
    async fn call_all(&self) -> Vec<&'static str> {
        let calls = OPERATIONS.map(|operation| async move {
            let ended = timeout(LIMIT, self.call(operation)).await.unwrap_or_else(|_| panic!("{operation} hangs"));
            ended.err().map(|error| {
                assert!(error.is_transient(), "{operation}: {error}");
                operation
            })
        });
        join_all(calls).await.into_iter().flatten().collect()
    }
}

async fn claim(store: &dyn Store, max: u32) -> Result<Vec<Claimed>, Error> {
    let queues = [(QUEUE.to_owned(), max)];
    store.claim(Claim { worker: "one", queues: &queues, kinds: None, lease_ttl: LEASE }).await
}

fn job(key: Option<String>) -> Submission {
    let job: NewJob = serde_json::from_str(r#"{"kind": "noop", "payload": {}}"#).unwrap();
    Submission::new(NewJob { idempotency_key: key, ..job }, JobOptions::default()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_operation_waits_for_a_silent_redis() {
    let w = World::start("hangs_redis").await;
    for way in [Way::Up, Way::Down, Way::Both] {
        w.redis.hold(way);
        let failed = w.call_all().await;
        assert!(failed.contains(&"claim") && failed.contains(&"renew"), "{failed:?}");
        for accepted in ["enqueue", "enqueue keyed", "get", "read"] {
            assert!(!failed.contains(&accepted), "the record is enough for {accepted}");
        }
        let health = timeout(LIMIT, w.store.health()).await.unwrap();
        assert!(health.iter().all(|d| d.ok == (d.name == "postgres")), "{health:?}");
        works_again(&w, &w.redis).await;
    }
    w.store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_operation_waits_for_a_silent_postgres() {
    let w = World::start("hangs_postgres").await;
    for way in [Way::Up, Way::Down, Way::Both] {
        w.postgres.hold(way);
        let failed = w.call_all().await;
        assert!(failed.contains(&"enqueue") && failed.contains(&"settle"), "{failed:?}");
        for queue in ["claim", "renew", "promote"] {
            assert!(!failed.contains(&queue), "the queue is enough to {queue}");
        }
        let health = timeout(LIMIT, w.store.health()).await.unwrap();
        assert!(health.iter().all(|d| d.ok == (d.name == "redis")), "{health:?}");
        works_again(&w, &w.postgres).await;
    }
    w.store.close().await;
}

/// A call that nobody waits for any more gives its connection back, or up.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_costs_no_connection() {
    let w = World::start("hangs_gone").await;
    for _ in 0..20 {
        w.postgres.hold(Way::Down);
        let early = timeout(Duration::from_millis(5), w.store.get(w.held.id())).await;
        assert!(early.is_err(), "{early:?}");
        w.postgres.cut();
        w.postgres.heal();
    }
    works_again(&w, &w.postgres).await;
    let (_, used, open) = w.store.pools()[0];
    assert!(used == 0 && open <= OPERATIONS.len() as u32, "{used} of {open}");
    w.store.close().await;
}

/// Both ends forgot the old connections: nothing is in the way of new ones.
async fn works_again(w: &World, proxy: &Proxy) {
    proxy.cut();
    proxy.heal();
    let works = async { while !w.call_all().await.is_empty() {} };
    timeout(LIMIT, works).await.expect("everything works again");
}
