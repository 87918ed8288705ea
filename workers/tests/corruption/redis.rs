//! The queue in Redis: it can be rebuilt from the record, so whatever is wrong there costs no job.

use crate::{
    servers,
    world::{Ends, LEASE, World},
};
use flotilla_jobs::{JobId, api::QueueChange};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use redis::{Value, aio::MultiplexedConnection, cmd};
use std::{ops::Deref, time::Duration};

const KEYS: [&str; 14] = [
    "pending", "delayed", "leases", "jobs", "tokens", "line", "ages", "active", "holders", "cancels", "settings",
    "counter", "parked", "kinds",
];

struct Remote {
    world: World,
    name: String,
    redis: MultiplexedConnection,
}

impl Deref for Remote {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Remote {
    async fn start(name: &str) -> Self {
        let client = redis::Client::open(servers::redis().url()).unwrap();
        let redis = client.get_multiplexed_async_connection().await.unwrap();
        Self { world: World::remote(name).await, name: name.to_owned(), redis }
    }

    /// Says this to Redis about a key of the queue.
    async fn say(&self, command: &str, key: &str, args: &[&[u8]]) -> Value {
        let key = format!("{{{}:default}}:{key}", self.name);
        cmd(command).arg(key).arg(args).query_async(&mut self.redis.clone()).await.unwrap()
    }

    async fn fields(&self, key: &str) -> Vec<Vec<u8>> {
        let Value::Array(fields) = self.say("HKEYS", key, &[]).await else { panic!("a list") };
        fields.into_iter().map(|f| redis::from_redis_value(f).unwrap()).collect()
    }
}

fn ticket(id: JobId) -> Vec<u8> {
    format!("{}5", id.to_string().replace('-', "")).into_bytes()
}

fn garbage() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> =
        ["", "|", "x", "0,0,0,0,0,0|", "0,0,0,0,0,0|{}", "-1,0,0,0,0,0|noop|{}", "0|noop|{}", "|||", "[]", "nil"]
            .iter()
            .map(|text| text.as_bytes().to_vec())
            .collect();
    all.push(b"0,0,0,0,0,0|noop|{}".to_vec());
    all.push(br#"0,0,0,0,0,0|{"n":"default","m":3,"t":1,"p":{}}"#.to_vec());
    all.push(br#"0,0,0,0,0,0||{"n":"default","m":3,"t":1,"p":{}}"#.to_vec());
    all.push(br#"4294967295,9,9,9,9,9|noop|{"n":"default","m":3,"t":1,"p":{}}"#.to_vec());
    all.push(br#"0,0,0,0,0,0|noop|{"n":"default","m":0,"t":0,"p":{}}"#.to_vec());
    all.push(br#"0,0,0,0,0,0|noop|{"n":"default","m":3,"t":1,"p":{"#.to_vec());
    all.push(vec![0xff; 40]);
    all.push([b"0,0,0,0,0,0|noop|".as_slice(), &[0xc3, 0x28]].concat());
    all.push(vec![0; 200]);
    all
}

/// Things that are no tickets.
fn nobodys() -> Vec<Vec<u8>> {
    let hex = "0123456789abcdef0123456789abcdef";
    let mut all: Vec<Vec<u8>> = garbage();
    all.extend(
        [format!("{hex}x"), format!("{hex}5x"), format!("{hex}5:g"), format!("{hex}5-1:g"), hex.to_owned()]
            .map(String::into_bytes),
    );
    all.push([format!("{hex}51:").as_bytes(), &[0xff]].concat());
    all.extend([format!("{}5", "z".repeat(32)), format!("{hex}599999999:g"), "ü".repeat(20)].map(String::into_bytes));
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_cannot_be_read_comes_from_the_record() {
    let w = Remote::start("garbage_values").await;
    let garbage = garbage();
    let jobs = w.enqueue(vec![flotilla_jobs::Options::default(); garbage.len() + 5]).await;
    for (id, bytes) in jobs.iter().zip(&garbage) {
        w.say("HSET", "jobs", &[&ticket(*id), bytes]).await;
    }
    w.completes(&jobs).await;
    assert_eq!(w.store.damage(), garbage.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_without_its_body_and_a_body_without_its_ticket_are_found() {
    let w = Remote::start("garbage_halves").await;
    let jobs = w.enqueue_mixed().await;
    let known = w.fields("jobs").await;
    for (i, ticket) in known.iter().enumerate() {
        match i % 3 {
            0 => drop(w.say("HDEL", "jobs", &[ticket]).await),
            1 => {
                w.say("ZREM", "pending", &[ticket]).await;
                w.say("ZREM", "delayed", &[ticket]).await;
            }
            _ => {}
        }
    }
    w.say("DEL", "line", &[]).await;
    let states = w.work_off(&jobs).await;
    assert!(jobs.iter().all(|id| states[id].as_str() == "completed"), "{states:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_no_job_is_thrown_out() {
    let w = Remote::start("garbage_tickets").await;
    let jobs = w.enqueue_mixed().await;
    w.park().await;
    for bytes in nobodys() {
        w.say("ZADD", "pending", &[b"0", &bytes]).await;
        w.say("ZADD", "delayed", &[b"1", &[&bytes[..], b"d"].concat()]).await;
        w.say("ZADD", "leases", &[b"1", &[&bytes[..], b"l"].concat()]).await;
        w.say("ZADD", "line", &[b"0", &[b"one\x1f", &bytes[..]].concat()]).await;
        w.say("ZADD", "parked", &[b"0", &[b"noop\x1f", &bytes[..]].concat()]).await;
        w.say("HSET", "tokens", &[&[&bytes[..], b"l"].concat(), &bytes]).await;
        w.say("SADD", "holders", &[&bytes]).await;
    }
    let states = w.work_off(&jobs).await;
    assert!(jobs.iter().all(|id| states[id].as_str() == "completed"), "{states:?}");
    let mut ends = Ends::default();
    // Five at a time, so it takes a while.
    for _ in 0..nobodys().len() {
        w.round(&mut ends).await;
    }
    let queue = w.store.queues().await.unwrap().remove(0);
    assert_eq!((queue.pending, queue.scheduled, queue.running), (0, 0, 0));
    assert!(w.store.damage() >= nobodys().len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_are_none_stop_nobody() {
    let w = Remote::start("garbage_numbers").await;
    let garbage = [&b"x"[..], b"", b"-7", b"9223372036854775807", b"1e999", b"nan", &[0xff, 0xfe]];
    for (bytes, parked) in garbage.into_iter().flat_map(|bytes| [(bytes, false), (bytes, true)]) {
        let jobs = w.enqueue_mixed().await;
        w.say("SET", "counter", &[bytes]).await;
        w.say("HSET", "settings", &[b"cap", bytes, b"paused", bytes]).await;
        w.say("HSET", "active", &[b"one", bytes, b"two", bytes]).await;
        for (i, ticket) in w.fields("jobs").await.iter().enumerate() {
            let score = [&b"-inf"[..], b"+inf", b"-1", b"1e300", b"0.5"][i % 5];
            w.say("ZADD", "pending", &[b"XX", score, ticket]).await;
        }
        if parked {
            w.park().await;
            w.say("HSET", "kinds", &[b"noop", bytes, &[0xff], bytes]).await;
        }
        let states = w.work_off(&jobs).await;
        assert!(jobs.iter().all(|id| states[id].as_str() == "completed"), "{bytes:?}: {states:?}");
    }
}

/// Every key, with work in every stage.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_type_is_removed_and_its_jobs_come_back() {
    for key in KEYS {
        let w = Remote::start(&format!("garbage_type_{key}")).await;
        let mut jobs = w.enqueue_mixed().await;
        let running = w.claim(4).await;
        w.retry(&running[0]).await;
        w.park().await;
        jobs.extend(w.enqueue(vec![flotilla_jobs::Options::default(); 2]).await);
        w.say("DEL", key, &[]).await;
        let (command, args): (&str, &[&[u8]]) = if key == "counter" { ("RPUSH", &[b"x"]) } else { ("SET", &[b"x"]) };
        w.say(command, key, args).await;
        // A worker that lives keeps what it runs, or is told that it lost it.
        let leases: Vec<_> = running[1..].iter().map(|claimed| claimed.lease.clone()).collect();
        w.store.renew(&leases, LEASE).await.unwrap();
        w.complete(&running[1]).await;

        let states = w.work_off(&jobs).await;
        assert!(jobs.iter().all(|id| states[id].as_str() == "completed"), "{key}: {states:?}");
        // The counter needs no record: it goes on from the time.
        assert_eq!(w.store.damage() > 0, key != "counter", "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_job_is_found_whatever_is_left_of_its_line() {
    for key in ["parked", "kinds", "ages", "jobs"] {
        let w = Remote::start(&format!("garbage_parked_{key}")).await;
        let jobs = w.enqueue_mixed().await;
        w.park().await;
        w.say("DEL", key, &[]).await;
        w.completes(&jobs).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_type_met_while_parking_costs_no_job() {
    for key in ["parked", "kinds", "ages", "jobs"] {
        let w = Remote::start(&format!("garbage_parking_{key}")).await;
        let jobs = w.enqueue_mixed().await;
        w.say("DEL", key, &[]).await;
        w.say("SET", key, &[b"x"]).await;
        w.park().await;
        let states = w.work_off(&jobs).await;
        assert!(jobs.iter().all(|id| states[id].as_str() == "completed"), "{key}: {states:?}");
        assert!(w.store.damage() > 0, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_lead_though_the_key_for_it_is_garbage() {
    let w = Remote::start("garbage_leads").await;
    let set = cmd("SET").arg("garbage_leads:leads").arg("x").query_async::<()>(&mut w.redis.clone()).await;
    set.unwrap();
    assert_eq!(w.store.lead(&["rescue".to_owned()], "one", LEASE).await.unwrap(), [true]);
    assert_eq!(w.store.lead(&["rescue".to_owned()], "two", LEASE).await.unwrap(), [false]);
    assert_eq!(w.store.damage(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_queue_stays_paused_when_its_settings_are_garbage() {
    let w = Remote::start("garbage_settings").await;
    let jobs = w.enqueue(vec![flotilla_jobs::Options::default(); 3]).await;
    w.store.configure_queue("default", QueueChange { paused: Some(true), cap: Some(2) }).await.unwrap();
    w.say("SET", "settings", &[b"x"]).await;
    for _ in 0..3 {
        assert!(w.claim(5).await.is_empty());
    }
    w.store.configure_queue("default", QueueChange { paused: Some(false), cap: None }).await.unwrap();
    w.say("SET", "settings", &[b"x"]).await;
    w.claim(5).await;
    assert!(w.claim(5).await.len() <= 2, "the cap is known again");
    w.advance(LEASE + Duration::from_secs(1));
    let states = w.work_off(&jobs).await;
    assert!(jobs.iter().all(|id| states[id].is_terminal()), "{states:?}");
}

/// Whatever is written wherever: all jobs end, and each has one result.
#[tokio::test(flavor = "multi_thread")]
async fn random_garbage_anywhere_costs_no_job() {
    for seed in 0..12 {
        let w = Remote::start(&format!("garbage_random_{seed}")).await;
        let mut rng = StdRng::seed_from_u64(seed);
        let jobs = w.enqueue_mixed().await;
        let mut ends = Ends::default();
        for i in 0..6 {
            if i % 2 == 0 {
                w.park().await;
            }
            mess(&w, &mut rng).await;
            w.round(&mut ends).await;
        }
        let states = w.work_off(&jobs).await;
        // A job that was held when its lease was spoiled may count crashes; it is never lost.
        let ended = ["completed", "quarantined"];
        assert!(jobs.iter().all(|id| ended.contains(&states[id].as_str())), "seed {seed}: {states:?}");
    }
}

async fn mess(w: &Remote, rng: &mut StdRng) {
    let key = *KEYS.choose(rng).unwrap();
    let known = w.fields_or_none("jobs").await;
    let values = garbage();
    let junk = values.choose(rng).unwrap();
    let ticket = known.choose(rng).cloned().unwrap_or_else(|| b"x".to_vec());
    // A far future is no garbage: somebody may have asked for it.
    let score = rng.random_range(-1e14..w.now() as f64).to_string();
    let (command, args): (&str, Vec<&[u8]>) = match rng.random_range(0..6) {
        0 => ("DEL", vec![]),
        1 => ("SET", vec![junk]),
        2 => ("HSET", vec![&ticket, junk]),
        3 => ("ZADD", vec![score.as_bytes(), &ticket]),
        4 => ("ZADD", vec![score.as_bytes(), junk]),
        _ => ("SADD", vec![&ticket]),
    };
    let key = format!("{{{}:default}}:{key}", w.name);
    // A command that does not fit the key's type does nothing.
    let _ = cmd(command).arg(key).arg(&args[..]).query_async::<Value>(&mut w.redis.clone()).await;
}

impl Remote {
    async fn fields_or_none(&self, key: &str) -> Vec<Vec<u8>> {
        let key = format!("{{{}:default}}:{key}", self.name);
        cmd("HKEYS").arg(key).query_async(&mut self.redis.clone()).await.unwrap_or_default()
    }
}
