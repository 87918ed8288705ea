//! Files of a directory, opened one part of the path after another: no link is followed at any of them, so that neither
//! what is there now nor what is put there meanwhile leads elsewhere.

use super::path::{Inside, is_git};
use crate::agents::tool::ToolError;
use cap_std::{
    ambient_authority,
    fs::{Dir, File, Metadata, OpenOptions, OpenOptionsExt as _},
};
use rustix::{fs::OFlags, io::Errno};
use std::{
    io::{self, ErrorKind, Read as _},
    path::Path,
    sync::Arc,
};

/// A directory that files are read below.
#[derive(Clone)]
pub(super) struct Tree {
    root: Arc<Dir>,
}

/// What is in a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub name: String,
    pub sort: Sort,
    pub size: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    Directory,
    File,
    Link,
    Submodule,
    Other,
}

impl Tree {
    pub fn open(dir: &Path) -> io::Result<Self> {
        Ok(Self { root: Arc::new(Dir::open_ambient_dir(dir, ambient_authority())?) })
    }

    /// The first `max` bytes of a regular file, and its size.
    pub fn read(&self, path: &Inside, max: u64) -> Result<(Vec<u8>, u64), ToolError> {
        let Some((name, parents)) = path.parts().split_last() else {
            return Err(ToolError::said("the root is a directory"));
        };
        let dir = self.walk(parents)?;
        let (file, seen) = open(&dir, name).map_err(|error| trouble(path, &error))?;
        if seen.is_dir() {
            return Err(ToolError::said(format!("`{}` is a directory; use list_dir", path.text())));
        }
        if !seen.is_file() {
            return Err(ToolError::said(format!("`{}` is not a regular file", path.text())));
        }
        let mut bytes = Vec::new();
        file.take(max).read_to_end(&mut bytes).map_err(|error| trouble(path, &error))?;
        Ok((bytes, seen.len()))
    }

    /// The root itself.
    pub fn root(&self) -> Arc<Dir> {
        Arc::clone(&self.root)
    }

    /// A directory below the root.
    pub fn dir(&self, path: &Inside) -> Result<Dir, ToolError> {
        self.walk(path.parts())
    }

    fn walk(&self, parts: &[String]) -> Result<Dir, ToolError> {
        let mut dir =
            self.root.try_clone().map_err(|error| ToolError::said(format!("the root cannot be read: {error}")))?;
        for (at, name) in parts.iter().enumerate() {
            dir = step(&dir, name).map_err(|error| {
                let path = parts[..=at].join("/");
                match error.kind() {
                    _ if is_link(&error) => ToolError::said(format!("`{path}` is a link, which is not followed")),
                    ErrorKind::NotFound => ToolError::said(format!("there is no `{path}`")),
                    ErrorKind::NotADirectory => {
                        ToolError::said(format!("`{path}` is not a directory, or a link, which is not followed"))
                    }
                    _ => ToolError::said(format!("`{path}` cannot be read: {error}")),
                }
            })?;
        }
        Ok(dir)
    }
}

/// A directory in a directory; not through a link.
pub(super) fn step(dir: &Dir, name: &str) -> io::Result<Dir> {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags((OFlags::DIRECTORY | OFlags::NOFOLLOW).bits() as i32);
    Ok(Dir::from_std_file(dir.open_with(name, &options)?.into_std()))
}

/// Something in a directory, and what it is; not through a link. Never waits: a pipe without a writer would.
pub(super) fn open(dir: &Dir, name: &str) -> io::Result<(File, Metadata)> {
    // A device may act on being opened, so what it is comes first; what is opened then is looked at again.
    let seen = dir.symlink_metadata(name)?;
    if seen.is_symlink() {
        return Err(io::Error::from(Errno::LOOP));
    }
    if !seen.is_file() && !seen.is_dir() {
        return Err(io::Error::from(ErrorKind::InvalidInput));
    }
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags.bits() as i32);
    let file = dir.open_with(name, &options)?;
    let seen = file.metadata()?;
    Ok((file, seen))
}

/// What is in a directory, git's own aside, and whether there was more than `max`.
pub(super) fn entries(dir: &Dir, max: usize) -> io::Result<(Vec<Entry>, bool)> {
    let mut found = Vec::new();
    for entry in dir.entries()? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_git(&name) {
            continue;
        }
        if found.len() == max {
            return Ok((found, true));
        }
        let seen = entry.file_type()?;
        let sort = match seen {
            _ if seen.is_dir() => Sort::Directory,
            _ if seen.is_file() => Sort::File,
            _ if seen.is_symlink() => Sort::Link,
            _ => Sort::Other,
        };
        let size = if sort == Sort::File { entry.metadata().ok().map(|seen| seen.len()) } else { None };
        found.push(Entry { name, sort, size });
    }
    found.sort();
    Ok((found, false))
}

fn trouble(path: &Inside, error: &io::Error) -> ToolError {
    let path = path.text();
    match error.kind() {
        ErrorKind::NotFound => ToolError::said(format!("there is no `{path}`")),
        _ if is_link(error) => ToolError::said(format!("`{path}` is a link, which is not followed")),
        ErrorKind::InvalidInput => ToolError::said(format!("`{path}` is not a regular file")),
        _ => ToolError::said(format!("`{path}` cannot be read: {error}")),
    }
}

/// What the system says of a link that is not followed.
fn is_link(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::LOOP.raw_os_error())
}
