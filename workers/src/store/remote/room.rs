//! A room of its own for a measurement on servers that others use: a schema and a key prefix that end with it.

use super::{Options, migrate};
use crate::store::OpenError;
use redis::AsyncCommands;
use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection};
use std::time::Duration;
use tokio::time::timeout;

/// The schema, as named in `room_drop.sql`.
const SCHEMA: &str = "flotilla_bench";
/// Keys that are deleted at once.
const BATCH: usize = 500;
/// How long removing either half may take.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Makes an empty room beside the jobs at `options`; what an interrupted measurement left there is removed.
pub async fn enter(options: &Options) -> Result<Options, OpenError> {
    let room =
        Options { prefix: format!("{}-bench", options.prefix), schema: Some(SCHEMA.to_owned()), ..options.clone() };
    leave(&room).await?;
    migrate(&room).await?;
    Ok(room)
}

/// Removes the room and all in it.
pub async fn leave(room: &Options) -> Result<(), OpenError> {
    let late = |what| move |_| OpenError::Unreachable { what, detail: format!("took over {} s", TIMEOUT.as_secs()) };
    let schema = timeout(TIMEOUT, forget_schema(room)).await.map_err(late("postgres"))?;
    schema.map_err(|e| unreachable("postgres", &e))?;
    let keys = timeout(TIMEOUT, forget_keys(room)).await.map_err(late("redis"))?;
    keys.map_err(|e| unreachable("redis", &e))
}

async fn forget_schema(room: &Options) -> Result<(), sqlx::Error> {
    let mut conn = PgConnection::connect(room.postgres_url.expose_secret()).await?;
    sqlx::query(include_str!("room_drop.sql")).execute(&mut conn).await?;
    conn.close().await
}

async fn forget_keys(room: &Options) -> Result<(), redis::RedisError> {
    let client = redis::Client::open(room.redis_url.expose_secret())?;
    let mut conn = client.get_multiplexed_async_connection().await?;
    for pattern in [format!("{}:*", room.prefix), format!("{{{}:*", room.prefix)] {
        let mut keys: Vec<String> = Vec::new();
        let mut found = conn.scan_match(pattern).await?;
        while let Some(key) = found.next_item().await {
            keys.push(key?);
        }
        drop(found);
        for keys in keys.chunks(BATCH) {
            conn.unlink::<_, ()>(keys).await?;
        }
    }
    Ok(())
}

fn unreachable(what: &'static str, error: &dyn std::error::Error) -> OpenError {
    OpenError::Unreachable { what, detail: error.to_string() }
}
