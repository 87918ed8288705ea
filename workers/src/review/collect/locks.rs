//! Which lock files there are after a change: a manifest that changed without its lock file is only worth a word where
//! there is one.

use super::{Extent, repository::Repository};
use crate::review::{Error, filter::is_lock_file, git};
use std::collections::HashSet;

/// Longest list of files that is read, in bytes.
const MAX_LIST: usize = 64 << 20;

/// Paths of lock files in the commit, or in the index where that is part of the change. None where the repository has
/// too many files to list.
pub(super) async fn list(repository: &Repository, head: &str, extent: Extent) -> Result<HashSet<String>, Error> {
    let git = &repository.git;
    let call = match extent {
        Extent::Commits => git.call(["ls-tree", "-r", "-z", "--name-only", "--full-tree", head]),
        Extent::Staged | Extent::WorkTree => git.call(["ls-files", "--cached", "-z"]),
    };
    let list = match call.at_most(MAX_LIST).run().await {
        Err(git::Error::TooMuch { .. }) => return Ok(HashSet::new()),
        list => list?,
    };
    let paths = list.split(|&b| b == 0).filter_map(|path| std::str::from_utf8(path).ok());
    Ok(paths.filter(|path| is_lock_file(path)).map(str::to_owned).collect())
}
