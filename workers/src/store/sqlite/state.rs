//! Whether the file can be written, as the writer last saw it, and why not.

use crate::store::{Error, Trouble, damage::Damage};
use rustix::fs::{Access, StatVfsMountFlags, access, statvfs};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// With fewer free blocks than this the disk is full: SQLite writes a few pages at a time.
const FEW_BLOCKS: u64 = 16;
/// Of workers that have not asked for any yet.
const USUAL_LEASE: Duration = Duration::from_secs(15);
/// In a time that short no lease runs out for want of renewing.
const SHORT: Duration = Duration::from_secs(1);

/// What the writer and whoever asks for the store's health share.
pub(super) struct State {
    path: PathBuf,
    /// What could not be read in it.
    pub damage: Damage,
    inner: Mutex<Inner>,
}

struct Inner {
    trouble: Option<(Instant, String)>,
    /// The longest lease that this process asked for.
    lease: Duration,
    /// Until when expired leases say nothing about their workers.
    mercy: Option<Instant>,
}

impl State {
    /// Of a file with which nothing is wrong.
    pub fn new(path: &Path) -> Arc<Self> {
        let inner = Inner { trouble: None, lease: USUAL_LEASE, mercy: None };
        Arc::new(Self { path: path.to_owned(), damage: Damage::default(), inner: Mutex::new(inner) })
    }

    /// What is wrong, if anything.
    pub fn trouble(&self) -> Option<String> {
        self.inner().trouble.as_ref().map(|(_, what)| what.clone())
    }

    /// A write worked; answers whether that is news.
    pub fn worked(&self) -> bool {
        let mut inner = self.inner();
        let Some((since, _)) = inner.trouble.take() else { return false };
        if since.elapsed() >= SHORT {
            inner.mercy = Some(Instant::now() + inner.lease);
        }
        true
    }

    /// A lease of that length was asked for.
    pub fn leased(&self, lease: Duration) {
        let mut inner = self.inner();
        inner.lease = inner.lease.max(lease);
    }

    /// Whether leases may have run out only because nobody could renew them: their workers come first.
    pub fn spares_leases(&self) -> bool {
        self.inner().mercy.is_some_and(|until| Instant::now() < until)
    }

    /// A write failed: names the file, and the reason where SQLite does not know it. Answers whether that is news.
    pub fn failed(&self, error: Error) -> (Error, bool) {
        let error = match error {
            Error::Unwritable { trouble: Trouble::Failing, detail } => self.unwritable(self.why(), &detail),
            Error::Unwritable { trouble, detail } => self.unwritable(trouble, &detail),
            other => other,
        };
        if !error.is_transient() {
            return (error, false);
        }
        let trouble = &mut self.inner().trouble;
        let since = trouble.as_ref().map(|(since, _)| *since);
        *trouble = Some((since.unwrap_or_else(Instant::now), error.to_string()));
        (error, since.is_none())
    }

    /// SQLite says only that the system refused.
    fn why(&self) -> Trouble {
        let directory = self.path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let Ok(disk) = statvfs(directory) else { return Trouble::Failing };
        let refused = |path| access(path, Access::WRITE_OK).is_err();
        if disk.f_flag.contains(StatVfsMountFlags::RDONLY) || refused(self.path.as_path()) || refused(directory) {
            return Trouble::ReadOnly;
        }
        if disk.f_bavail < FEW_BLOCKS || self.is_as_large_as_allowed() {
            return Trouble::Full;
        }
        Trouble::Failing
    }

    /// Whether the next pages of the file or of its log would go beyond the limit on the size of files (`ulimit -f`).
    fn is_as_large_as_allowed(&self) -> bool {
        let Some(limit) = rustix::process::getrlimit(rustix::process::Resource::Fsize).current else { return false };
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        [self.path.as_path(), Path::new(&log)]
            .iter()
            .filter_map(|path| path.metadata().ok())
            .any(|file| file.len() + FEW_BLOCKS * 4_096 >= limit)
    }

    fn unwritable(&self, trouble: Trouble, detail: &str) -> Error {
        Error::Unwritable { trouble, detail: format!("`{}`: {detail}", self.path.display()) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
