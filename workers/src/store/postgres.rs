//! The record on Postgres: what was accepted, how it ended, and what lies between.

mod accept;
mod approvals;
mod archive;
mod calls;
mod conversations;
mod journal;
mod ledger;
mod live;
mod pool;
mod queues;
mod read;
mod row;
mod schema;
mod settle;
mod text;
mod trail;
mod turns;

pub(crate) use accept::{Acceptance, Holder, KeyClaim};
pub(crate) use calls::{Entered, Entries};
pub(crate) use read::{Found, Loaded, Search};
pub(crate) use row::OpenJob;
pub(crate) use settle::{Again, Change, Finish, GiveBack};

use super::{Error, OpenError, damage::Damage, migrations};
use crate::clock::Clock;
use pool::{Conn, Pool};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{PgConnection, postgres::PgConnectOptions};
use std::{str::FromStr, time::Duration};
use tokio::time::timeout;

/// Oldest server that is supported: `server_version_num`.
const MIN_SERVER: i32 = 150_000;
/// How long all migrations together may take: some rewrite a table.
const MIGRATION_TIMEOUT: Duration = Duration::from_hours(1);

/// A pool of connections to the record.
pub(crate) struct Record {
    pool: Pool,
    clock: Clock,
    /// What could not be read here.
    pub(crate) damage: Damage,
}

/// Where the record is, and what a call to it may cost.
pub(crate) struct Address<'a> {
    pub(crate) url: &'a SecretString,
    pub(crate) schema: Option<&'a str>,
    /// Most connections.
    pub(crate) connections: u32,
    /// How long a statement may take, with its answer.
    pub(crate) call_timeout: Duration,
}

impl Record {
    /// Connects, and refuses a server that is too old or lacks a migration.
    pub(crate) async fn connect(address: &Address<'_>, clock: Clock) -> Result<Self, OpenError> {
        let call = address.call_timeout;
        // The server gives up first, so that who asked mostly hears what became of it; and what a client left behind
        // whose network went silent holds no lock for longer.
        let options = self::options(address)?.options([
            ("statement_timeout", (call * 4 / 5).as_millis().to_string()),
            ("idle_in_transaction_session_timeout", call.as_millis().to_string()),
            ("tcp_keepalives_idle", call.as_secs().max(1).to_string()),
        ]);
        let mut first = pool::open(&options, call).await.map_err(|e| unreachable(&e))?;
        let checks = async {
            check_server(&mut first).await?;
            migrations::check_postgres(&mut first).await
        };
        timeout(call, checks).await.map_err(|_| unreachable(&no_answer(call)))??;
        let pool = Pool::new(options, address.connections, call, first);
        Ok(Self { pool, clock, damage: Damage::default() })
    }

    /// The time a test set, to pass to a statement in place of the server's.
    fn now(&self) -> Option<i64> {
        self.clock.injected()
    }

    async fn conn(&self) -> Result<Conn, Error> {
        self.pool.acquire().await
    }

    /// A connection on which nothing is on record before [`Conn::commit`].
    async fn begin(&self) -> Result<Conn, Error> {
        let mut conn = self.conn().await?;
        conn.begin().await?;
        Ok(conn)
    }

    /// Whether it answers, and its version.
    pub(crate) async fn version(&self) -> Result<String, Error> {
        let row = self.conn().await?.row(sqlx::query("SELECT current_setting('server_version') AS version")).await?;
        row::get(&row, "version")
    }

    /// Connections in use, and open.
    pub(crate) fn usage(&self) -> (u32, u32) {
        self.pool.usage()
    }

    /// Closes every connection, waiting for those in use.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// Applies the migrations that are missing, in a schema that is made where it is missing; answers their names.
pub(crate) async fn migrate(url: &SecretString, schema: Option<&str>) -> Result<Vec<String>, OpenError> {
    let address = Address { url, schema, connections: 1, call_timeout: MIGRATION_TIMEOUT };
    let mut pg = pool::open(&options(&address)?, MIGRATION_TIMEOUT).await.map_err(|e| unreachable(&e))?;
    let work = async {
        check_server(&mut pg).await?;
        if let Some(schema) = schema {
            schema::make(&mut pg, schema).await.map_err(|e| unreachable(&e))?;
        }
        migrations::migrate_postgres(&mut pg).await
    };
    timeout(MIGRATION_TIMEOUT, work).await.map_err(|_| unreachable(&no_answer(MIGRATION_TIMEOUT)))?
}

async fn check_server(pg: &mut PgConnection) -> Result<(), OpenError> {
    let version: i32 = sqlx::query_scalar("SELECT current_setting('server_version_num')::integer")
        .fetch_one(pg)
        .await
        .map_err(|e| unreachable(&fault(e)))?;
    if version < MIN_SERVER {
        let detail = format!("server is version {}; 15 or later is needed", version / 10_000);
        return Err(OpenError::Unfit { what: "postgres", detail });
    }
    Ok(())
}

fn options(address: &Address<'_>) -> Result<PgConnectOptions, OpenError> {
    let options = self::address(address.url, address.schema)
        .map_err(|e| OpenError::Address { what: "postgres", detail: address_fault(&e) })?;
    Ok(options.application_name("flotilla").statement_cache_capacity(64))
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

fn unavailable(detail: String) -> Error {
    Error::Unavailable { what: "postgres", detail }
}

fn no_answer(limit: Duration) -> Error {
    unavailable(format!("no answer within {} ms", limit.as_millis()))
}

/// A driver's error while the record is opened.
fn unreachable(error: &Error) -> OpenError {
    let detail = match error {
        Error::Unavailable { detail, .. } => detail.clone(),
        other => other.to_string(),
    };
    OpenError::Unreachable { what: "postgres", detail }
}

/// What is wrong with an address, without the address.
fn address_fault(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Configuration(e) => e.to_string(),
        _ => "it does not parse; use postgres://user:password@host:5432/database".to_owned(),
    }
}
