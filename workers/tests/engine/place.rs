//! Where one test of the engine keeps its jobs: a key prefix and a schema on servers that all tests share, or a file.

use crate::servers;
use flotilla_workers::{
    clock::Clock,
    store::{Store, remote, sqlite},
};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};
use tempfile::TempDir;

/// One test's place.
pub enum Place {
    /// The name of the prefix and the schema.
    Remote(String),
    File(TempDir),
}

impl Place {
    pub async fn remote() -> Self {
        static TESTS: AtomicU32 = AtomicU32::new(0);
        let name = format!("engine{}", TESTS.fetch_add(1, Ordering::Relaxed));
        remote::migrate(&remote_options(&name, Clock::Store)).await.unwrap();
        Self::Remote(name)
    }

    #[allow(clippy::unused_async, reason = "the suite makes every place alike")]
    pub async fn file() -> Self {
        Self::File(tempfile::tempdir().unwrap())
    }

    /// A handle to the store; two of them see the same jobs.
    pub async fn open(&self, clock: Clock) -> Arc<dyn Store> {
        match self {
            Self::Remote(name) => remote::open(remote_options(name, clock)).await.unwrap(),
            Self::File(dir) => {
                sqlite::open(sqlite::Options { path: dir.path().join("flotilla.db"), clock }).await.unwrap()
            }
        }
    }
}

fn remote_options(name: &str, clock: Clock) -> remote::Options {
    let options = remote::Options::new(servers::redis().url().into(), servers::postgres().url().into());
    remote::Options { prefix: name.to_owned(), schema: Some(name.to_owned()), pool: 4, clock, ..options }
}
