//! The record on Postgres: what was accepted, how it ended, and what lies between.

mod accept;
mod live;
mod queues;
mod read;
mod row;
mod schema;
mod settle;
mod text;

pub(crate) use accept::{Holder, KeyClaim};
pub(crate) use read::{Found, Loaded, Search};
pub(crate) use row::OpenJob;
pub(crate) use settle::{Again, Change, Finish, GiveBack};

use super::{Dependency, Error, OpenError};
use crate::clock::Clock;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    PgPool, Postgres, Row, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{str::FromStr, time::Duration};

/// Oldest server that is supported: `server_version_num`.
const MIN_SERVER: i32 = 150_000;
/// No statement runs longer; what is slower than this is stuck.
const STATEMENT_TIMEOUT: &str = "30s";
/// Longest wait for a connection of the pool.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// A pool of connections to the record.
pub(crate) struct Record {
    pool: PgPool,
    clock: Clock,
}

impl Record {
    /// Connects and checks the server's version. Does not look at migrations.
    pub(crate) async fn connect(
        url: &SecretString,
        schema: Option<&str>,
        connections: u32,
        clock: Clock,
    ) -> Result<Self, OpenError> {
        let options = address(url, schema)
            .map_err(|e| OpenError::Address { what: "postgres", detail: address_fault(&e) })?
            .application_name("flotilla")
            .options([("statement_timeout", STATEMENT_TIMEOUT)])
            .statement_cache_capacity(64);
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options)
            .await
            .map_err(|e| OpenError::Unreachable { what: "postgres", detail: e.to_string() })?;
        let record = Self { pool, clock };
        record.check_server().await?;
        Ok(record)
    }

    async fn check_server(&self) -> Result<(), OpenError> {
        let version: i32 = sqlx::query_scalar("SELECT current_setting('server_version_num')::integer")
            .fetch_one(&self.pool)
            .await
            .map_err(|e| OpenError::Unreachable { what: "postgres", detail: e.to_string() })?;
        if version < MIN_SERVER {
            let detail = format!("server is version {}; 15 or later is needed", version / 10_000);
            return Err(OpenError::Unfit { what: "postgres", detail });
        }
        Ok(())
    }

    /// The pool, for the migrator only.
    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The time a test set, to pass to a statement in place of the server's.
    fn now(&self) -> Option<i64> {
        self.clock.injected()
    }

    async fn begin(&self) -> Result<Transaction<'static, Postgres>, Error> {
        self.pool.begin().await.map_err(fault)
    }

    /// Whether it answers, and its version.
    pub(crate) async fn health(&self) -> Dependency {
        let start = tokio::time::Instant::now();
        let answer = tokio::time::timeout(
            ACQUIRE_TIMEOUT,
            sqlx::query("SELECT current_setting('server_version') AS version").fetch_one(&self.pool),
        )
        .await;
        let (ok, detail) = match answer {
            Ok(Ok(row)) => (true, row.try_get::<String, _>("version").unwrap_or_default()),
            Ok(Err(e)) => (false, fault(e).to_string()),
            Err(_) => (false, format!("no answer within {} s", ACQUIRE_TIMEOUT.as_secs())),
        };
        Dependency { name: "postgres".to_owned(), ok, latency_ms: start.elapsed().as_millis() as u64, detail }
    }

    /// Connections in use, and open.
    pub(crate) fn usage(&self) -> (u32, u32) {
        let open = self.pool.size();
        (open.saturating_sub(self.pool.num_idle() as u32), open)
    }

    /// Closes every connection, waiting for those in use.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// Where the tables are: the server, and the schema where it is not the connection's own.
pub(crate) fn address(url: &SecretString, schema: Option<&str>) -> Result<PgConnectOptions, sqlx::Error> {
    let options = PgConnectOptions::from_str(url.expose_secret())?;
    Ok(match schema {
        Some(schema) => options.options([("search_path", schema::quoted(schema))]),
        None => options,
    })
}

/// A driver's error in the words of the seam.
///
/// Classes 22 (data exception) and 54 (too large, or nested too deep) are the caller's input, and class 23 (integrity
/// constraint violation) is a contradiction that stays however often it is tried; everything else may pass (SQLSTATE,
/// appendix A of Postgres's manual).
#[allow(clippy::needless_pass_by_value, reason = "it is a map_err function")]
fn fault(error: sqlx::Error) -> Error {
    match &error {
        sqlx::Error::Database(e) if e.code().is_some_and(|c| c.starts_with("22") || c.starts_with("54")) => {
            Error::Invalid(flotilla_jobs::Invalid::new("payload", format!("the record refuses it: {}", e.message())))
        }
        sqlx::Error::Database(e) if e.code().is_some_and(|c| c.starts_with("23")) => {
            Error::Corrupt { what: "postgres", detail: e.message().to_owned() }
        }
        sqlx::Error::ColumnDecode { index, source } => {
            Error::Corrupt { what: "postgres", detail: format!("column {index}: {source}") }
        }
        _ => Error::Unavailable { what: "postgres", detail: error.to_string() },
    }
}

/// What is wrong with an address, without the address.
fn address_fault(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Configuration(e) => e.to_string(),
        _ => "it does not parse; use postgres://user:password@host:5432/database".to_owned(),
    }
}
