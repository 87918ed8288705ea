//! A directory that is this process's while it lives, and is found to be nobody's once that is killed.
//!
//! Beside each directory `NAME` there is a file `NAME.lock`, locked by its owner. The kernel gives the lock up when the
//! process ends, however that happens; whoever then gets it removes the directory first and the file last.

use rustix::fs::{FlockOperation, flock, fstat};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// Directories of others that are looked at, each time one is made.
const MAX_SWEPT: usize = 200;

/// A directory with a lock beside it; both go with it.
pub(in crate::agents::tools) struct Place {
    dir: PathBuf,
    lock: PathBuf,
    /// Holds the lock.
    _locked: File,
}

impl Place {
    pub fn make(parent: &Path) -> io::Result<Self> {
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

    /// All of it.
    pub fn dir(&self) -> &Path {
        &self.dir
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

/// Removes directories whose owners are gone; `parent` is made where it is not there.
pub(super) fn sweep(parent: &Path) -> io::Result<()> {
    private(parent)?;
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
    if dir.exists() {
        clear(dir)?;
    }
    gone(fs::remove_file(lock))
}

/// Removes a directory and all that is in it. What a program left there may be closed to everyone, and deeper than a
/// path is long or a stack is high; so directories are opened up, and those in them moved up, instead of gone down to.
fn clear(top: &Path) -> io::Result<()> {
    open_up(top)?;
    let mut moved = 0_u64;
    loop {
        let mut any = false;
        for entry in fs::read_dir(top)? {
            let entry = entry?;
            any = true;
            if !entry.file_type()?.is_dir() {
                gone(fs::remove_file(entry.path()))?;
                continue;
            }
            open_up(&entry.path())?;
            for below in fs::read_dir(entry.path())? {
                let below = below?;
                if below.file_type()?.is_dir() {
                    open_up(&below.path())?;
                    moved += 1;
                    fs::rename(below.path(), top.join(format!(".cleared-{}-{moved}", Uuid::now_v7())))?;
                } else {
                    gone(fs::remove_file(below.path()))?;
                }
            }
            fs::remove_dir(entry.path())?;
        }
        if !any {
            return fs::remove_dir(top);
        }
    }
}

/// Not through a link: what is no directory was looked at before.
fn open_up(dir: &Path) -> io::Result<()> {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700))
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
    fn what_is_closed_or_deep_goes_too() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::make(&dir.path().join("scratch")).unwrap();
        let mut deep = place.tree();
        for _ in 0..1_500 {
            deep.push("d");
        }
        let at = rustix::fs::CWD;
        assert!(rustix::fs::mkdirat(at, &deep, rustix::fs::Mode::RWXU).is_err(), "one step after another");
        let mut here = File::open(place.tree()).unwrap();
        for _ in 0..3_000 {
            rustix::fs::mkdirat(&here, "d", rustix::fs::Mode::RWXU).unwrap();
            here = rustix::fs::openat(&here, "d", rustix::fs::OFlags::DIRECTORY, rustix::fs::Mode::empty())
                .unwrap()
                .into();
        }
        let closed = place.staging().join("closed");
        fs::create_dir_all(closed.join("in")).unwrap();
        fs::write(closed.join("in/file"), "x").unwrap();
        std::os::unix::fs::symlink("/", closed.join("link")).unwrap();
        for dir in [closed.join("in"), closed] {
            fs::set_permissions(dir, fs::Permissions::from_mode(0o000)).unwrap();
        }
        drop(place);
        assert_eq!(count(&dir.path().join("scratch")), 0);
    }

    #[test]
    fn nobody_else_may_write_where_it_is() {
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
