//! Where a measurement keeps its jobs, so that it meets no one else's and leaves none behind.

use super::failed;
use crate::{
    config::Loaded,
    exit::Failure,
    open::{self, Place as Configured},
};
use flotilla_workers::{
    bench,
    store::{
        Store,
        remote::{self, raw::Raw, room},
        sqlite,
    },
};
use secrecy::ExposeSecret;
use std::{path::PathBuf, process, sync::Arc};

/// A store that is there for the measurement only.
pub enum Place {
    File(PathBuf),
    Remote(Box<remote::Options>),
}

impl Place {
    /// Beside the store that the configuration names.
    pub async fn enter(loaded: &Loaded) -> Result<Self, Failure> {
        Ok(match Configured::of(loaded)? {
            Configured::Sqlite(path) => Self::File(path.with_file_name(format!("bench-{}.db", process::id()))),
            Configured::Remote(options) => Self::Remote(Box::new(room::enter(&options).await?)),
        })
    }

    pub async fn open(&self) -> Result<Arc<dyn Store>, Failure> {
        match self {
            Self::File(path) => open::file(path).await,
            Self::Remote(options) => Ok(remote::open((**options).clone()).await?),
        }
    }

    /// What names it to another process of this program.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::File(path) => vec![("FLOTILLA_STORE__URL", format!("sqlite:{}", path.display()))],
            Self::Remote(options) => {
                let urls = [
                    ("FLOTILLA_STORE__REDIS_URL", options.redis_url.expose_secret().to_owned()),
                    ("FLOTILLA_STORE__POSTGRES_URL", options.postgres_url.expose_secret().to_owned()),
                    ("FLOTILLA_STORE__PREFIX", options.prefix.clone()),
                    ("FLOTILLA_STORE__POOL", options.pool.to_string()),
                ];
                let schema = options.schema.clone().map(|schema| ("FLOTILLA_STORE__SCHEMA", schema));
                urls.into_iter().chain(schema).collect()
            }
        }
    }

    /// The limits of what is below the store, and how it is set up.
    pub async fn raw(&self, store: &dyn Store, rows: usize) -> Result<Raw, Failure> {
        match self {
            Self::File(_) => Ok(Raw { rates: Vec::new(), settings: self.settings(store).await? }),
            Self::Remote(options) => Ok(remote::raw::measure(options, &bench::sample_payload(), rows).await?),
        }
    }

    /// How the store is set up.
    pub async fn settings(&self, store: &dyn Store) -> Result<Vec<(String, String)>, Failure> {
        match self {
            Self::File(_) => {
                let version = store.health().await.into_iter().next().map_or_else(String::new, |d| d.detail);
                let settings = sqlite::DURABILITY.map(|(name, value)| (name.to_owned(), value.to_owned()));
                Ok([("sqlite version".to_owned(), version)].into_iter().chain(settings).collect())
            }
            Self::Remote(options) => Ok(remote::raw::settings(options).await?),
        }
    }

    /// Commands that Redis has seen, where there is one.
    pub async fn commands(&self) -> Option<u64> {
        match self {
            Self::File(_) => None,
            Self::Remote(options) => remote::raw::commands_seen(options).await,
        }
    }

    /// Removes everything.
    pub async fn leave(&self) -> Result<(), Failure> {
        match self {
            Self::File(path) => {
                for end in ["", "-wal", "-shm"] {
                    let mut name = path.clone().into_os_string();
                    name.push(end);
                    match std::fs::remove_file(&name) {
                        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(failed(e)),
                        _ => {}
                    }
                }
                Ok(())
            }
            Self::Remote(options) => Ok(room::leave(options).await?),
        }
    }
}
