//! The schema that the tables are in, where it is not the connection's own.

use super::fault;
use crate::store::Error;
use sqlx::{AssertSqlSafe, PgConnection, Row};

/// A name as SQL writes it (PostgreSQL documentation, 4.1.1 "Identifiers and Key Words").
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Makes the schema where it is missing.
pub(super) async fn make(pg: &mut PgConnection, name: &str) -> Result<(), Error> {
    let known = sqlx::query(include_str!("schema_exists.sql")).bind(name).fetch_one(&mut *pg).await;
    if known.and_then(|row| row.try_get::<bool, _>("known")).map_err(fault)? {
        return Ok(());
    }
    // A name cannot be a parameter here; it is quoted above.
    let statement = AssertSqlSafe(format!("CREATE SCHEMA IF NOT EXISTS {}", quoted(name)));
    match sqlx::raw_sql(statement).execute(pg).await {
        // Another process made it between the two statements.
        Err(error) if error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation) => Ok(()),
        made => made.map(drop).map_err(fault),
    }
}
