//! Opening the file.

use super::Options;
use crate::store::{OpenError, migrations};
use sqlx::{
    Connection, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::time::Duration;
use tokio::time::Instant;

/// Longest wait for another process that holds the file.
pub(super) const WRITER_WAIT: Duration = Duration::from_secs(5);
/// Longest wait inside the driver at a time.
const DRIVER_WAIT: Duration = Duration::from_millis(20);
/// Connections that only read.
const READERS: u32 = 4;
/// Rows and results on their way from the driver's thread: a whole batch of a unit, so that it never waits.
const ROW_BUFFER: usize = 2_048;
/// Pages the write-ahead log grows to before they are written into the file: at 4 KiB, 16 MiB.
const CHECKPOINT_PAGES: &str = "4000";
/// Negative: KiB of cache.
const CACHE: &str = "-32000";

/// Opens the connection that writes, and applies the migrations that are missing; answers their names too.
pub(super) async fn writer(options: &Options) -> Result<(SqliteConnection, Vec<String>), OpenError> {
    let start = Instant::now();
    loop {
        let error = match try_writer(options).await {
            Ok(opened) => return Ok(opened),
            Err(error) => error,
        };
        // Of several processes that open a new file at once, one sets it up and the others find it busy.
        let busy = matches!(&error, OpenError::Unreachable { detail, .. } if detail.contains("locked"));
        if !busy || start.elapsed() >= WRITER_WAIT {
            return Err(error);
        }
        tokio::time::sleep(DRIVER_WAIT).await;
    }
}

async fn try_writer(options: &Options) -> Result<(SqliteConnection, Vec<String>), OpenError> {
    let to = SqliteConnectOptions::new()
        .filename(&options.path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(false)
        .busy_timeout(DRIVER_WAIT)
        .statement_cache_capacity(512)
        .row_buffer_size(ROW_BUFFER)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .pragma("cache_size", CACHE)
        .pragma("temp_store", "memory");
    let mut conn = SqliteConnection::connect_with(&sqlx::ConnectOptions::disable_statement_logging(to))
        .await
        .map_err(|e| refused(options, &e))?;
    let applied = migrations::migrate_sqlite(&mut conn).await.map_err(|e| refused(options, &e))?;
    // SQLite opens a file that it may not write for reading, and says so only when it is written.
    let writable = async {
        sqlx::query("BEGIN IMMEDIATE").execute(&mut conn).await?;
        sqlx::query("ROLLBACK").execute(&mut conn).await
    };
    writable.await.map_err(|e| refused(options, &e))?;
    Ok((conn, applied))
}

/// Opens the connections that read. The file is there and set up.
pub(super) fn readers(options: &Options) -> SqlitePool {
    let to = SqliteConnectOptions::new()
        .filename(&options.path)
        .read_only(true)
        .foreign_keys(false)
        .busy_timeout(WRITER_WAIT)
        .row_buffer_size(ROW_BUFFER)
        .pragma("cache_size", CACHE)
        .pragma("temp_store", "memory");
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(WRITER_WAIT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_lazy_with(sqlx::ConnectOptions::disable_statement_logging(to))
}

fn refused(options: &Options, error: &sqlx::Error) -> OpenError {
    let path = options.path.display();
    let code = error.as_database_error().and_then(|e| e.code()?.parse::<i32>().ok()).map(|code| code & 0xff);
    match code {
        // SQLITE_CORRUPT and SQLITE_NOTADB.
        Some(11 | 26) => OpenError::Unfit {
            what: "sqlite",
            detail: format!("`{path}` is not a SQLite database, or is damaged ({error}); name another file"),
        },
        // SQLITE_READONLY.
        Some(8) => OpenError::Unreachable {
            what: "sqlite",
            detail: format!("`{path}` is read-only; it and its directory must be writable ({error})"),
        },
        // SQLITE_FULL.
        Some(13) => OpenError::Unreachable {
            what: "sqlite",
            detail: format!("the disk of `{path}` is full; make room on it ({error})"),
        },
        // SQLITE_CANTOPEN.
        Some(14) => OpenError::Unreachable {
            what: "sqlite",
            detail: format!("`{path}` cannot be opened; its directory must exist and be writable ({error})"),
        },
        _ => OpenError::Unreachable { what: "sqlite", detail: format!("`{path}`: {error}") },
    }
}
