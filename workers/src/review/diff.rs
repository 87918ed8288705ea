//! A change as text: the files, hunks and lines of a unified diff in git's format.
//!
//! Everything borrows from the diff's bytes, which need not be UTF-8. Lines keep their carriage returns.

mod header;
mod parse;
mod path;
#[cfg(test)]
mod tests;

pub use parse::{Malformed, parse};
pub(crate) use path::quote;

use std::borrow::Cow;

/// One file of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileDiff<'a> {
    /// Where it was; `None` if it is new.
    pub old_path: Option<Cow<'a, [u8]>>,
    /// Where it is; `None` if it was deleted.
    pub new_path: Option<Cow<'a, [u8]>>,
    /// Its mode before, such as `0o100644`, where the diff says it.
    pub old_mode: Option<u32>,
    /// Its mode after, where the diff says it.
    pub new_mode: Option<u32>,
    /// Whether it is a copy of the file at `old_path`, which stays.
    pub copied: bool,
    /// Whether its content is binary: there are no hunks then.
    pub binary: bool,
    /// What changed in it, from top to bottom.
    pub hunks: Vec<Hunk<'a>>,
}

impl FileDiff<'_> {
    /// The path people know it by: the new one, or the old one of a deleted file.
    pub fn path(&self) -> String {
        let path = self.new_path.as_deref().or(self.old_path.as_deref()).unwrap_or_default();
        String::from_utf8_lossy(path).into_owned()
    }

    /// Whether the file did not exist before under any name.
    pub fn is_new(&self) -> bool {
        self.old_path.is_none()
    }

    /// Whether the file is gone.
    pub fn is_deleted(&self) -> bool {
        self.new_path.is_none()
    }

    /// Lines added and lines removed.
    pub fn counts(&self) -> (u32, u32) {
        let count = |kind| self.hunks.iter().flat_map(|hunk| &hunk.lines).filter(|line| line.kind == kind).count();
        (count(Kind::Added) as u32, count(Kind::Removed) as u32)
    }
}

/// Lines that changed together, with the lines around them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Hunk<'a> {
    /// First line in the old file; the line before it where `old_lines` is 0.
    pub old_start: u32,
    pub old_lines: u32,
    /// First line in the new file; the line before it where `new_lines` is 0.
    pub new_start: u32,
    pub new_lines: u32,
    /// What git prints after the `@@`: often the function the hunk is in.
    pub section: &'a [u8],
    pub lines: Vec<Line<'a>>,
}

/// One line of a hunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Line<'a> {
    pub kind: Kind,
    /// Without the sign in front and without the line feed.
    pub text: &'a [u8],
    /// Whether a line feed ends it; only the last line of a file may lack one.
    pub newline: bool,
}

/// On which side a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    Context,
    Added,
    Removed,
}
