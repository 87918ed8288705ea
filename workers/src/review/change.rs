//! What the rules look at.

use super::diff::FileDiff;

/// A change without the files that are left out.
#[derive(Clone, Debug, Default)]
pub struct Change<'a> {
    /// Its files, in the order of the diff.
    pub files: Vec<ChangedFile<'a>>,
}

/// A file of a change.
#[derive(Clone, Debug)]
pub struct ChangedFile<'a> {
    /// What changed in it.
    pub diff: FileDiff<'a>,
    /// Bytes of the new file, where known.
    pub size: Option<u64>,
    /// Whether its lines are for people: neither binary, nor a lock file, nor too long to read.
    pub text_rules: bool,
}
