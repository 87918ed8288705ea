//! Opens the store that the configuration names.

use crate::{
    config::{FILE_NAME, Loaded},
    exit::Failure,
};
use flotilla_workers::{
    clock::Clock,
    store::{self, Store, remote, sqlite},
};
use rustix::process::Signal;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::signal::unix::{SignalKind, signal};

/// Where jobs are kept.
pub enum Place {
    Sqlite(PathBuf),
    Remote(Box<remote::Options>),
}

impl Place {
    /// What the configuration says.
    pub fn of(loaded: &Loaded) -> Result<Self, Failure> {
        let settings = &loaded.config.store;
        if let (Some(redis), Some(postgres)) = (&settings.redis_url, &settings.postgres_url) {
            let mut options = remote::Options::new(redis.clone(), postgres.clone());
            options.prefix.clone_from(&settings.prefix);
            options.schema.clone_from(&settings.schema);
            options.pool = settings.pool;
            options.redis_timeout = Duration::from_millis(settings.redis_timeout_ms);
            options.postgres_timeout = Duration::from_millis(settings.postgres_timeout_ms);
            return Ok(Self::Remote(Box::new(options)));
        }
        Self::file(loaded).map(Self::Sqlite)
    }

    /// The SQLite file, also where the configuration names a remote store.
    pub fn file(loaded: &Loaded) -> Result<PathBuf, Failure> {
        if let Some(path) = loaded.config.store.url.as_deref().and_then(|url| url.strip_prefix("sqlite:")) {
            return Ok(path.into());
        }
        let dir = loaded.data_dir.as_ref().ok_or_else(|| {
            Failure::usage(
                "there is no home directory to keep jobs in: set store.url to sqlite:PATH (FLOTILLA_STORE__URL)",
            )
        })?;
        Ok(dir.join(FILE_NAME))
    }

    /// Its name in metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Remote(_) => "remote",
        }
    }

    /// The disk that must not be full.
    pub fn disk(&self) -> PathBuf {
        match self {
            Self::Sqlite(path) => {
                path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new(".")).into()
            }
            Self::Remote(_) => std::env::temp_dir(),
        }
    }

    /// Opens it. `watch` says whether news of jobs' progress is wanted.
    pub async fn open(self, watch: bool) -> Result<Arc<dyn Store>, Failure> {
        match self {
            Self::Sqlite(path) => file(&path).await,
            Self::Remote(mut options) => {
                options.watch = watch;
                Ok(store::remote::open(*options).await?)
            }
        }
    }

    /// Applies missing migrations; answers their names.
    pub async fn migrate(self) -> Result<Vec<String>, Failure> {
        match self {
            Self::Sqlite(path) => {
                make_dir(&path)?;
                Ok(sqlite::migrate(&sqlite::Options { path, clock: Clock::Store }).await?)
            }
            Self::Remote(options) => Ok(remote::migrate(&options).await?),
        }
    }
}

/// Opens a SQLite file, making it and its directory where they are missing.
pub async fn file(path: &Path) -> Result<Arc<dyn Store>, Failure> {
    // A file that may not grow any more (`ulimit -f`) is a full disk, and no reason to die.
    let _ = signal(SignalKind::from_raw(Signal::XFSZ.as_raw()));
    make_dir(path)?;
    Ok(sqlite::open(sqlite::Options { path: path.to_owned(), clock: Clock::Store }).await?)
}

fn make_dir(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt;
    let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) else { return Ok(()) };
    // Payloads are nobody else's business.
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|e| {
        Failure::unavailable(format!("cannot make the directory {}: {e}; set store.url to sqlite:PATH", dir.display()))
    })
}
