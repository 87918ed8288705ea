//! Where the engine's tests keep their jobs: a key prefix and a schema each, on servers that all of them share.

use crate::servers;
use flotilla_workers::{
    clock::Clock,
    store::{
        Store,
        remote::{self, Options},
    },
};
use sqlx::{Connection, PgConnection, SqlSafeStr};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// One test's place.
pub struct Place {
    name: String,
    clock: Clock,
}

impl Place {
    pub async fn new(clock: Clock) -> Self {
        static TESTS: AtomicU32 = AtomicU32::new(0);
        let name = format!("engine{}", TESTS.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::connect(&servers::postgres().url()).await.unwrap();
        let schema = sqlx::AssertSqlSafe(format!("CREATE SCHEMA {name}")).into_sql_str();
        sqlx::raw_sql(schema).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let place = Self { name, clock };
        remote::migrate(&place.options()).await.unwrap();
        place
    }

    /// A handle to the store; two of them see the same jobs.
    pub async fn open(&self) -> Arc<dyn Store> {
        remote::open(self.options()).await.unwrap()
    }

    fn options(&self) -> Options {
        let options = Options::new(servers::redis().url().into(), servers::postgres().url().into());
        Options {
            prefix: self.name.clone(),
            schema: Some(self.name.clone()),
            pool: 4,
            clock: self.clock.clone(),
            ..options
        }
    }
}
