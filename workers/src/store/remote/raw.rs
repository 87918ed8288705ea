//! The limits of the two servers alone, for `flotilla bench`: what the store on top of them is measured against.

use super::Options;
use crate::store::{OpenError, postgres::address};
use redis::Script;
use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection, Row};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// What the servers do by themselves, and how they are set up.
pub struct Raw {
    /// What was measured, and how often a second.
    pub rates: Vec<(String, f64)>,
    /// Versions and durability settings.
    pub settings: Vec<(String, String)>,
}

/// Rows of one statement, and members of one script call.
const BATCH: usize = 1_000;
/// Connections that insert at the same time.
const CONNECTIONS: [usize; 2] = [1, 2];

/// How long the whole measurement may take.
const TIMEOUT: Duration = Duration::from_mins(10);

/// Measures `rows` inserts of `payload` by multi-row statements, and as many claims and finishes by scripts.
pub async fn measure(options: &Options, payload: &str, rows: usize) -> Result<Raw, OpenError> {
    let late = |_| OpenError::Unreachable { what: "store", detail: format!("took over {} s", TIMEOUT.as_secs()) };
    tokio::time::timeout(TIMEOUT, measure_all(options, payload, rows)).await.map_err(late)?
}

async fn measure_all(options: &Options, payload: &str, rows: usize) -> Result<Raw, OpenError> {
    let mut rates = Vec::new();
    for connections in CONNECTIONS {
        let rate = inserts(options, payload, rows, connections).await.map_err(|e| unreachable("postgres", &e))?;
        rates.push((format!("postgres: multi-row inserts of {BATCH}, {connections} at a time, rows"), rate));
    }
    let scripts = scripts(options, rows).await.map_err(|e| unreachable("redis", &e))?;
    let settings = settings(options).await?;
    rates.push(("redis: push, claim and finish by scripts, jobs".to_owned(), scripts));
    Ok(Raw { rates, settings })
}

/// Versions and durability settings.
pub async fn settings(options: &Options) -> Result<Vec<(String, String)>, OpenError> {
    read_settings(options).await.map_err(|e| unreachable("postgres", &e))
}

/// How many commands Redis has seen so far.
pub async fn commands_seen(options: &Options) -> Option<u64> {
    let client = redis::Client::open(options.redis_url.expose_secret()).ok()?;
    let mut conn = client.get_multiplexed_async_connection().await.ok()?;
    let info: String = redis::cmd("INFO").arg("stats").query_async(&mut conn).await.ok()?;
    info.lines().find_map(|line| line.strip_prefix("total_commands_processed:"))?.trim().parse().ok()
}

async fn connect(options: &Options) -> Result<PgConnection, sqlx::Error> {
    PgConnection::connect_with(&address(&options.postgres_url, options.schema.as_deref())?).await
}

/// Rows a second into a table of the shape of `jobs`.
async fn inserts(options: &Options, payload: &str, rows: usize, connections: usize) -> Result<f64, sqlx::Error> {
    let mut owner = connect(options).await?;
    // What an interrupted run left behind.
    let _ = sqlx::query(include_str!("raw_drop.sql")).execute(&mut owner).await;
    sqlx::query(include_str!("raw_create.sql")).execute(&mut owner).await?;
    let mut conns = Vec::new();
    for _ in 0..connections {
        conns.push(connect(options).await?);
    }
    let statements = rows.div_ceil(BATCH * connections);
    let start = Instant::now();
    let each = conns.into_iter().map(|mut conn| async move {
        for _ in 0..statements {
            let ids: Vec<Uuid> = (0..BATCH).map(|_| Uuid::now_v7()).collect();
            let payloads = vec![payload; BATCH];
            sqlx::query(include_str!("raw_insert.sql")).bind(ids).bind(payloads).execute(&mut conn).await?;
        }
        Ok::<_, sqlx::Error>(())
    });
    let done = futures_util::future::try_join_all(each).await;
    let seconds = start.elapsed().as_secs_f64();
    sqlx::query(include_str!("raw_drop.sql")).execute(&mut owner).await?;
    done?;
    Ok((statements * BATCH * connections) as f64 / seconds)
}

/// Jobs a second through a minimal queue: one zset, one hash, batches of 1,000 with 1 KB payloads.
async fn scripts(options: &Options, jobs: usize) -> Result<f64, redis::RedisError> {
    let client = redis::Client::open(options.redis_url.expose_secret())?;
    let mut conn = client.get_multiplexed_async_connection().await?;
    let key = |part: &str| format!("{{{}:raw}}:{part}", options.prefix);
    let script = Script::new(include_str!("raw.lua"));
    let blob = "x".repeat(1_024);
    let start = Instant::now();
    for round in 0..jobs.div_ceil(BATCH) {
        let mut push = script.prepare_invoke();
        push.key(key("ready")).key(key("jobs")).arg("push").arg(blob.as_str());
        for i in 0..BATCH {
            push.arg(round * BATCH + i);
        }
        push.invoke_async::<()>(&mut conn).await?;
        let mut claim = script.prepare_invoke();
        claim.key(key("ready")).key(key("jobs")).arg("claim").arg(BATCH);
        claim.invoke_async::<redis::Value>(&mut conn).await?;
    }
    Ok((jobs.div_ceil(BATCH) * BATCH) as f64 / start.elapsed().as_secs_f64())
}

async fn read_settings(options: &Options) -> Result<Vec<(String, String)>, sqlx::Error> {
    let mut conn = connect(options).await?;
    let rows = sqlx::query(include_str!("raw_settings.sql")).fetch_all(&mut conn).await?;
    let mut settings: Vec<(String, String)> = rows
        .iter()
        .map(|r| Ok((format!("postgres {}", r.try_get::<String, _>(0)?), r.try_get(1)?)))
        .collect::<Result<_, sqlx::Error>>()?;
    if let Ok(info) = redis_info(options).await {
        for (name, key) in [
            ("redis version", "redis_version:"),
            ("redis appendonly", "aof_enabled:"),
            ("redis memory policy", "maxmemory_policy:"),
        ] {
            let value = info.lines().find_map(|line| line.strip_prefix(key)).unwrap_or("unknown");
            settings.push((name.to_owned(), value.trim().to_owned()));
        }
    }
    Ok(settings)
}

async fn redis_info(options: &Options) -> Result<String, redis::RedisError> {
    let client = redis::Client::open(options.redis_url.expose_secret())?;
    let mut conn = client.get_multiplexed_async_connection().await?;
    redis::cmd("INFO").query_async(&mut conn).await
}

fn unreachable(what: &'static str, error: &dyn std::error::Error) -> OpenError {
    OpenError::Unreachable { what, detail: error.to_string() }
}
