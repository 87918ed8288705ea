//! A copy of a work tree for one program, which may do to it what it likes.

use super::{Scratch, place::Place};
use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::Path,
    sync::PoisonError,
};

impl Scratch {
    /// Copies all of it, beside it; gone with what this returns.
    pub(in crate::agents::tools) fn copy(&self) -> io::Result<Place> {
        let dir = self.inner.place.dir();
        let parent = dir.parent().ok_or_else(|| io::Error::other("it is in no directory"))?;
        let place = Place::make(parent)?;
        // Nothing is written meanwhile, and nobody else writes here: what is a file stays one.
        let _still = self.inner.changes.lock().unwrap_or_else(PoisonError::into_inner);
        below(&self.inner.place.tree(), &place.tree())?;
        Ok(place)
    }
}

fn below(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            DirBuilder::new().mode(0o700).create(&target)?;
            below(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
