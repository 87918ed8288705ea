//! Where one test keeps its jobs: a key prefix and a schema on servers that all tests share, servers of its own that it
//! may harm, or a file.

use crate::{
    servers::{self, Server},
    support::Home,
};
use flotilla_workers::{
    clock::Clock,
    store::{Store, remote, sqlite},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// The settings that name the place.
pub enum Place {
    /// Name of the prefix and the schema.
    Remote(String),
    Own {
        redis: Box<Server>,
        postgres: Box<Server>,
    },
    File,
}

impl Place {
    pub fn remote() -> Self {
        static TESTS: AtomicU32 = AtomicU32::new(0);
        Self::Remote(format!("e2e{}", TESTS.fetch_add(1, Ordering::Relaxed)))
    }

    pub fn own() -> Self {
        Self::Own { redis: Box::new(Server::redis(&[])), postgres: Box::new(Server::postgres()) }
    }

    /// The part `[store]` of a configuration.
    pub fn settings(&self) -> String {
        if matches!(self, Self::File) {
            return String::new();
        }
        let (redis, postgres, name) = (self.redis().url(), self.postgres().url(), self.name());
        format!(
            "[store]\nredis_url = \"{redis}\"\npostgres_url = \"{postgres}\"\nprefix = \"{name}\"\n\
             schema = \"{name}\"\npool = 4\n"
        )
    }

    pub fn redis(&self) -> &Server {
        match self {
            Self::Remote(_) => servers::redis(),
            Self::Own { redis, .. } => redis,
            Self::File => panic!("a file has no server"),
        }
    }

    pub fn postgres(&self) -> &Server {
        match self {
            Self::Remote(_) => servers::postgres(),
            Self::Own { postgres, .. } => postgres,
            Self::File => panic!("a file has no server"),
        }
    }

    /// The name of the prefix and the schema on servers that all tests share.
    pub fn shared(&self) -> Option<&str> {
        if let Self::Remote(name) = self { Some(name) } else { None }
    }

    fn name(&self) -> &str {
        if let Self::Remote(name) = self { name } else { "own" }
    }

    /// A connection to Postgres, past every proxy, that sees the tables.
    pub async fn connect(&self) -> PgConnection {
        let mut connection = PgConnection::connect(&self.postgres().url()).await.unwrap();
        let path = format!("SET search_path TO {}", self.name());
        sqlx::raw_sql(AssertSqlSafe(path)).execute(&mut connection).await.unwrap();
        connection
    }

    /// The store that processes of `home` work on, opened here.
    pub async fn store(&self, home: &Home) -> Arc<dyn Store> {
        if matches!(self, Self::File) {
            let path = home.path().join(".local/share/flotilla/flotilla.db");
            return sqlite::open(sqlite::Options { path, clock: Clock::Store }).await.unwrap();
        }
        let (redis, postgres) = (self.redis().url(), self.postgres().url());
        let mut options = remote::Options::new(redis.into(), postgres.into());
        (options.prefix, options.schema) = (self.name().to_owned(), Some(self.name().to_owned()));
        remote::open(options).await.unwrap()
    }

    /// Rows in the table of results, and for how many different jobs.
    pub async fn results(&self) -> (i64, i64) {
        let mut connection = self.connect().await;
        let count = "SELECT count(*), count(DISTINCT id) FROM job_results";
        let row = sqlx::query_as(count).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        row
    }
}
