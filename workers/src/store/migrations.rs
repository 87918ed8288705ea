//! Migrations, embedded: same numbers and names for both records.

use super::OpenError;
use sqlx::{
    Connection, PgConnection, SqlSafeStr, SqliteConnection,
    migrate::{Migrate, Migration, MigrationType, Migrator},
};
use std::borrow::Cow;

/// Number, name and text of each migration of the Postgres record, in order.
const POSTGRES: &[(i64, &str, &str)] = &[
    (1, "jobs", include_str!("../../../migrations/postgres/0001_jobs.sql")),
    (2, "groups", include_str!("../../../migrations/postgres/0002_groups.sql")),
    (3, "attempt_progress", include_str!("../../../migrations/postgres/0003_attempt_progress.sql")),
    (4, "upkeep", include_str!("../../../migrations/postgres/0004_upkeep.sql")),
    (5, "agents", include_str!("../../../migrations/postgres/0005_agents.sql")),
    (6, "admission", include_str!("../../../migrations/postgres/0006_admission.sql")),
    (7, "sessions", include_str!("../../../migrations/postgres/0007_sessions.sql")),
    (8, "archive", include_str!("../../../migrations/postgres/0008_archive.sql")),
    (9, "approvals", include_str!("../../../migrations/postgres/0009_approvals.sql")),
    (10, "cache", include_str!("../../../migrations/postgres/0010_cache.sql")),
];

/// The same for the SQLite file.
const SQLITE: &[(i64, &str, &str)] = &[
    (1, "jobs", include_str!("../../../migrations/sqlite/0001_jobs.sql")),
    (2, "groups", include_str!("../../../migrations/sqlite/0002_groups.sql")),
    (3, "attempt_progress", include_str!("../../../migrations/sqlite/0003_attempt_progress.sql")),
    (4, "upkeep", include_str!("../../../migrations/sqlite/0004_upkeep.sql")),
    (5, "agents", include_str!("../../../migrations/sqlite/0005_agents.sql")),
    (6, "admission", include_str!("../../../migrations/sqlite/0006_admission.sql")),
    (7, "sessions", include_str!("../../../migrations/sqlite/0007_sessions.sql")),
    (8, "archive", include_str!("../../../migrations/sqlite/0008_archive.sql")),
    (9, "approvals", include_str!("../../../migrations/sqlite/0009_approvals.sql")),
    (10, "cache", include_str!("../../../migrations/sqlite/0010_cache.sql")),
];

/// Refuses a database that lacks a migration; one that is ahead is fine, since migrations only add.
pub(crate) async fn check_postgres(conn: &mut PgConnection) -> Result<(), OpenError> {
    let done = match conn.list_applied_migrations("_sqlx_migrations").await {
        Ok(done) => done.into_iter().map(|m| m.version).collect(),
        Err(_) => Vec::new(),
    };
    match POSTGRES.iter().find(|(version, ..)| !done.contains(version)) {
        None => Ok(()),
        Some((version, name, _)) => Err(OpenError::NotMigrated { missing: format!("{version:04}_{name}") }),
    }
}

/// Applies what is missing; answers the names.
pub(crate) async fn migrate_postgres(conn: &mut PgConnection) -> Result<Vec<String>, OpenError> {
    // Also what makes its table: two that make it at once get in each other's way.
    conn.lock().await.map_err(|e| unreachable(&e.to_string()))?;
    conn.ensure_migrations_table("_sqlx_migrations").await.map_err(|e| unreachable(&e.to_string()))?;
    let done: Vec<i64> = conn
        .list_applied_migrations("_sqlx_migrations")
        .await
        .map_err(|e| unreachable(&e.to_string()))?
        .into_iter()
        .map(|m| m.version)
        .collect();
    migrator(POSTGRES).run(&mut *conn).await.map_err(|e| unreachable(&e.to_string()))?;
    conn.unlock().await.map_err(|e| unreachable(&e.to_string()))?;
    Ok(names(POSTGRES, &done))
}

/// Applies what is missing to a SQLite file; answers the names. A file that is ahead is left as it is.
pub(crate) async fn migrate_sqlite(conn: &mut SqliteConnection) -> Result<Vec<String>, sqlx::Error> {
    // Read first: an opening that has nothing to do need not wait for its turn to write.
    if let Ok(done) = conn.list_applied_migrations("_sqlx_migrations").await
        && SQLITE.iter().all(|(version, ..)| done.iter().any(|m| m.version == *version))
    {
        return Ok(Vec::new());
    }
    // The migrator takes no lock on SQLite, so several processes that open a new file would get in each other's way.
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
    tx.ensure_migrations_table("_sqlx_migrations").await?;
    let done: Vec<i64> = tx.list_applied_migrations("_sqlx_migrations").await?.into_iter().map(|m| m.version).collect();
    migrator(SQLITE).run(&mut *tx).await?;
    tx.commit().await?;
    Ok(names(SQLITE, &done))
}

fn names(all: &[(i64, &str, &str)], done: &[i64]) -> Vec<String> {
    let missing = all.iter().filter(|(version, ..)| !done.contains(version));
    missing.map(|(version, name, _)| format!("{version:04}_{name}")).collect()
}

fn migrator(all: &[(i64, &'static str, &'static str)]) -> Migrator {
    let migrations = all.iter().map(|&(version, name, sql)| {
        Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    migrator.set_ignore_missing(true);
    migrator
}

fn unreachable(detail: &str) -> OpenError {
    OpenError::Unreachable { what: "postgres", detail: detail.to_owned() }
}
