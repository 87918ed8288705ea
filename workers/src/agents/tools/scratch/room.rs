//! Files of a work tree of one's own: how they are written, and how many and how much of them there may be.

use super::Change;
use crate::agents::{
    tool::ToolError,
    tools::{path::Inside, tree::step},
};
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt as _};
use std::{
    io::{self, ErrorKind, Write as _},
    sync::Arc,
};

/// How much there may be in a job's own tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScratchLimits {
    /// Most files.
    pub files: u64,
    /// Most bytes in all of them.
    pub bytes: u64,
}

impl Default for ScratchLimits {
    fn default() -> Self {
        Self { files: 50_000, bytes: 512 << 20 }
    }
}

/// A work tree that is written to.
pub(super) struct Room {
    root: Arc<Dir>,
    staging: Arc<Dir>,
    limits: ScratchLimits,
    files: u64,
    bytes: u64,
}

/// What is at a path.
struct Seen {
    size: u64,
    executable: bool,
}

impl Room {
    pub fn new(root: Arc<Dir>, staging: Arc<Dir>, limits: ScratchLimits) -> Self {
        Self { root, staging, limits, files: 0, bytes: 0 }
    }

    /// Puts a file of the revision there.
    pub fn copy(&mut self, path: &Inside, content: &[u8], executable: bool) -> io::Result<()> {
        let ScratchLimits { files, bytes } = self.limits;
        if self.files == files || self.bytes + content.len() as u64 > bytes {
            let what = format!("the revision has more than {files} files or {} MiB", bytes >> 20);
            return Err(io::Error::other(what));
        }
        self.put(path, content, executable)?;
        self.files += 1;
        self.bytes += content.len() as u64;
        Ok(())
    }

    /// Whether all these changes can be made: each is at a place for a file, and there is room.
    pub fn fits(&self, changes: &[Change]) -> Result<(), ToolError> {
        let (mut files, mut bytes) = (self.files, self.bytes);
        for Change { path, content } in changes {
            let before = self.seen(path)?;
            bytes = bytes.saturating_sub(before.as_ref().map_or(0, |seen| seen.size));
            bytes += content.as_ref().map_or(0, Vec::len) as u64;
            files += u64::from(before.is_none() && content.is_some());
        }
        let most = self.limits;
        if files > most.files || bytes > most.bytes {
            let what = format!("the work tree may have {} files and {} MiB, and is full", most.files, most.bytes >> 20);
            return Err(ToolError::said(what));
        }
        Ok(())
    }

    pub fn write(&mut self, path: &Inside, content: &[u8]) -> Result<(), ToolError> {
        let before = self.seen(path)?;
        let executable = before.as_ref().is_some_and(|seen| seen.executable);
        self.put(path, content, executable).map_err(|error| trouble(path, &error))?;
        self.bytes = self.bytes.saturating_sub(before.as_ref().map_or(0, |seen| seen.size)) + content.len() as u64;
        self.files += u64::from(before.is_none());
        Ok(())
    }

    pub fn remove(&mut self, path: &Inside) -> Result<(), ToolError> {
        let before = self.seen(path)?.ok_or_else(|| ToolError::said(format!("there is no `{}`", path.text())))?;
        let Some((name, parents)) = path.parts().split_last() else { return Err(root()) };
        let dir = self.dir(parents, false).map_err(|error| trouble(path, &error))?;
        dir.remove_file(name).map_err(|error| trouble(path, &error))?;
        self.bytes = self.bytes.saturating_sub(before.size);
        self.files = self.files.saturating_sub(1);
        Ok(())
    }

    /// The file that is there; an error where there is something else, or no place for one.
    fn seen(&self, path: &Inside) -> Result<Option<Seen>, ToolError> {
        let Some((name, parents)) = path.parts().split_last() else { return Err(root()) };
        let dir = match self.dir(parents, false) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            dir => dir.map_err(|error| trouble(path, &error))?,
        };
        match dir.symlink_metadata(name) {
            Ok(seen) if seen.is_file() => {
                use cap_std::fs::MetadataExt as _;
                Ok(Some(Seen { size: seen.len(), executable: seen.mode() & 0o100 != 0 }))
            }
            Ok(seen) if seen.is_dir() => Err(ToolError::said(format!("`{}` is a directory", path.text()))),
            Ok(_) => Err(ToolError::said(format!("`{}` is not a regular file", path.text()))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(trouble(path, &error)),
        }
    }

    /// Writes a file aside and moves it to its place: it is never half there, and what was there is not written through.
    fn put(&self, path: &Inside, content: &[u8], executable: bool) -> io::Result<()> {
        let (name, parents) =
            path.parts().split_last().ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "the root"))?;
        let dir = self.dir(parents, true)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(if executable { 0o700 } else { 0o600 });
        // The mode counts for a new file only.
        match self.staging.remove_file("next") {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.staging.open_with("next", &options)?.write_all(content)?;
        self.staging.rename("next", &dir, name)
    }

    /// A directory, one part after another and through no link; made where it is missing.
    fn dir(&self, parts: &[String], make: bool) -> io::Result<Dir> {
        let mut dir = self.root.try_clone()?;
        for name in parts {
            dir = match step(&dir, name) {
                Err(error) if make && error.kind() == ErrorKind::NotFound => {
                    dir.create_dir(name)?;
                    step(&dir, name)?
                }
                next => next?,
            };
        }
        Ok(dir)
    }
}

fn root() -> ToolError {
    ToolError::said("the root is a directory; name a file below it")
}

fn trouble(path: &Inside, error: &io::Error) -> ToolError {
    let path = path.text();
    match error.kind() {
        ErrorKind::NotADirectory => ToolError::said(format!("a part of `{path}` is a file or a link, not a directory")),
        ErrorKind::InvalidFilename => ToolError::said(format!("a part of `{path}` is too long; 255 bytes are taken")),
        _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            ToolError::said(format!("a part of `{path}` is a link, which is not followed"))
        }
        _ => ToolError::said(format!("`{path}` cannot be written: {error}")),
    }
}
