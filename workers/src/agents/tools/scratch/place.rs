//! A directory that is this process's while it lives, and is found to be nobody's once that is killed.
//!
//! Beside each directory `NAME` there is a file `NAME.lock`, locked by its owner. The kernel gives the lock up when the
//! process ends, however that happens; whoever then gets it removes the directory first and the file last.

use rustix::fs::{FlockOperation, flock, fstat};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// Directories of others that are looked at, each time one is made.
const MAX_SWEPT: usize = 200;

/// A directory with a lock beside it; both go with it.
pub(super) struct Place {
    dir: PathBuf,
    lock: PathBuf,
    /// Holds the lock.
    _locked: File,
}

impl Place {
    pub fn make(parent: &Path) -> io::Result<Self> {
        private(parent)?;
        sweep(parent)?;
        loop {
            let name = Uuid::now_v7().to_string();
            let (dir, lock) = (parent.join(&name), parent.join(format!("{name}.lock")));
            let locked = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&lock)?;
            flock(&locked, FlockOperation::LockExclusive)?;
            // Somebody who sweeps may have had it in between, and removed it.
            if fstat(&locked)?.st_nlink == 0 {
                continue;
            }
            let place = Self { dir, lock, _locked: locked };
            for dir in [place.dir.clone(), place.tree(), place.staging()] {
                DirBuilder::new().mode(0o700).create(dir)?;
            }
            return Ok(place);
        }
    }

    /// The files.
    pub fn tree(&self) -> PathBuf {
        self.dir.join("tree")
    }

    /// Where files are until they are whole.
    pub fn staging(&self) -> PathBuf {
        self.dir.join("staging")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.dir, &self.lock) {
            tracing::warn!(dir = %self.dir.display(), "a job's work tree could not be removed, and is removed later: {error}");
        }
    }
}

/// Makes a directory for this user, or finds that it is one: what others may write to could be swapped for a link.
fn private(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let seen = fs::symlink_metadata(dir)?;
    let own = seen.uid() == rustix::process::geteuid().as_raw();
    if seen.is_dir() && own && seen.mode() & 0o022 == 0 {
        return Ok(());
    }
    let what = format!("{} must be a directory of this user that nobody else may write to", dir.display());
    Err(io::Error::new(io::ErrorKind::PermissionDenied, what))
}

/// Removes directories whose owners are gone.
fn sweep(parent: &Path) -> io::Result<()> {
    let locks = fs::read_dir(parent)?.filter_map(Result::ok).map(|entry| entry.path());
    for lock in locks.filter(|path| path.extension().is_some_and(|e| e == "lock")).take(MAX_SWEPT) {
        let Ok(file) = OpenOptions::new().write(true).open(&lock) else { continue };
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            continue;
        }
        if let Err(error) = remove(&lock.with_extension(""), &lock) {
            tracing::warn!(dir = %lock.display(), "a work tree that was left behind could not be removed: {error}");
        }
    }
    Ok(())
}

fn remove(dir: &Path, lock: &Path) -> io::Result<()> {
    gone(fs::remove_dir_all(dir))?;
    gone(fs::remove_file(lock))
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(dir: &Path) -> usize {
        fs::read_dir(dir).unwrap().count()
    }

    #[test]
    fn it_goes_with_its_owner_and_what_is_left_goes_later() {
        let dir = tempfile::tempdir().unwrap();
        let parent = dir.path().join("scratch");
        let one = Place::make(&parent).unwrap();
        fs::write(one.tree().join("a"), "x").unwrap();
        // A killed process takes its lock along, and leaves the rest.
        let left = parent.join("left");
        fs::create_dir_all(left.join("tree/b")).unwrap();
        fs::write(parent.join("left.lock"), "").unwrap();
        let two = Place::make(&parent).unwrap();
        assert!(!left.exists() && one.tree().join("a").exists(), "what lives stays");
        assert_eq!(count(&parent), 4);
        drop((one, two));
        assert_eq!(count(&parent), 0);
    }

    #[test]
    fn nobody_else_may_write_where_it_is() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let open = dir.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(Place::make(&open).is_err());
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(dir.path(), &link).unwrap();
        assert!(Place::make(&link).is_err());
    }
}
