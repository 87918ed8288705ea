//! Where one test keeps its jobs: a key prefix and a schema on servers that all tests share, or a file of its own.

use crate::servers;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::sync::atomic::{AtomicU32, Ordering};

/// The settings that name the place.
pub enum Place {
    /// Name of the prefix and the schema.
    Remote(String),
    File,
}

impl Place {
    pub fn remote() -> Self {
        static TESTS: AtomicU32 = AtomicU32::new(0);
        Self::Remote(format!("e2e{}", TESTS.fetch_add(1, Ordering::Relaxed)))
    }

    /// The part `[store]` of a configuration.
    pub fn settings(&self) -> String {
        let Self::Remote(name) = self else { return String::new() };
        let (redis, postgres) = (servers::redis().url(), servers::postgres().url());
        format!(
            "[store]\nredis_url = \"{redis}\"\npostgres_url = \"{postgres}\"\nprefix = \"{name}\"\n\
             schema = \"{name}\"\npool = 4\n"
        )
    }

    /// Rows in the table of results, and for how many different jobs.
    pub async fn results(&self) -> (i64, i64) {
        let Self::Remote(name) = self else { panic!("a file has no server to ask") };
        let mut connection = PgConnection::connect(&servers::postgres().url()).await.unwrap();
        let count = format!("SELECT count(*), count(DISTINCT id) FROM {name}.job_results");
        let row = sqlx::query_as(AssertSqlSafe(count)).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        row
    }
}
