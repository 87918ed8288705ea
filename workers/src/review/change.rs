//! The change under review: the files of its diff with what else is known about them.

use super::diff::FileDiff;

/// A change, as the rules see it.
#[derive(Debug)]
pub struct Change<'a> {
    /// Its files, in the diff's order.
    pub files: Vec<ChangedFile<'a>>,
}

/// A file of the change.
#[derive(Debug)]
pub struct ChangedFile<'a> {
    /// What changed in it.
    pub diff: FileDiff<'a>,
    /// Bytes of the new blob, where known.
    pub size: Option<u64>,
    /// `false`: only the rules about whole files look at it.
    pub text_rules: bool,
}
