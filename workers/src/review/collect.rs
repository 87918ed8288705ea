//! Gets hold of a change: its diff, the sizes of its new files, and the settings at its base.

mod base;
mod heads;
mod locks;
mod patch;
mod repository;
mod untracked;

use super::{Error, git::Git, host::Host, watch::Watch};
use flotilla_jobs::kinds::Source;
use repository::Repository;
use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

/// A change as bytes, which the rest of the review borrows from.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub base: String,
    pub head: String,
    pub diff: Vec<u8>,
    /// Bytes of each new file, by its path.
    pub sizes: HashMap<Vec<u8>, u64>,
    /// The first lines of changed files as they were at the base, by path, where they are known.
    pub heads: HashMap<Vec<u8>, Vec<u8>>,
    /// Changed files as they were at the base, by the path they had there, where asked for and known.
    pub olds: HashMap<Vec<u8>, Vec<u8>>,
    /// Paths of the lock files there are after the change.
    pub lock_files: HashSet<String>,
    /// The text of `.flotilla.toml` at the base.
    pub settings: Option<Vec<u8>>,
    pub notes: Vec<String>,
}

/// Which parts of a work tree belong to the change beside its commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    Commits,
    Staged,
    WorkTree,
}

/// Longest text of settings that is read, in bytes.
const MAX_SETTINGS: u64 = 64 << 10;

/// Collects the change of a source; `deep` with the whole of the old files.
pub(crate) async fn collect(source: &Source, host: &Host, watch: &Watch, deep: bool) -> Result<Collected, Error> {
    match source {
        Source::Diff { diff } => Ok(Collected { diff: diff.clone().into_bytes(), ..Collected::default() }),
        Source::PullRequest { .. } => Err(Error::PullRequest),
        Source::WorkTree { path, base, head, staged, unstaged } => {
            let extent = match (unstaged, staged) {
                (true, _) => Extent::WorkTree,
                (false, true) => Extent::Staged,
                (false, false) => Extent::Commits,
            };
            let repository = Repository::open(path, host, watch).await?;
            work_tree(&repository, base.as_deref(), head.as_deref().unwrap_or("HEAD"), extent, deep).await
        }
    }
}

/// The commits that a work tree's source names now: the one it is compared with, and the newest. `None` for any other.
pub(crate) async fn commits(source: &Source, host: &Host, watch: &Watch) -> Result<Option<[String; 2]>, Error> {
    let Source::WorkTree { path, base, head, .. } = source else { return Ok(None) };
    let repository = Repository::open(path, host, watch).await?;
    let head = repository.commit(head.as_deref().unwrap_or("HEAD")).await?;
    Ok(Some([base::find(&repository, base.as_deref(), &head).await?.commit, head]))
}

async fn work_tree(
    repository: &Repository,
    base: Option<&str>,
    head: &str,
    extent: Extent,
    deep: bool,
) -> Result<Collected, Error> {
    let head = repository.commit(head).await?;
    let mut notes = Vec::new();
    let mut start = base::find(repository, base, &head).await?;
    let mut change = patch::read(repository, &start.commit, &head, extent, deep).await?;
    if change.diff.is_empty() && start.commit == head && base.is_none() {
        // The default branch itself: what it compares with is itself, so its last commit is the change.
        start = base::parent(repository, &head).await?;
        change = patch::read(repository, &start.commit, &head, Extent::Commits, deep).await?;
        notes.push(format!(
            "there is nothing to compare with {}, so the last commit was reviewed; set a base to review more",
            start.instead_of.as_deref().unwrap_or("the default branch")
        ));
    } else if change.diff.is_empty() && start.commit == head {
        notes.push(format!("`{}` holds every commit of the change: nothing was reviewed", base.unwrap_or_default()));
    }
    notes.extend(start.note);
    notes.extend(change.notes);
    let lock_files = locks::list(repository, &head, extent).await?;
    let settings = settings(repository, &start.commit, &mut notes).await?;
    Ok(Collected {
        base: start.commit,
        head,
        diff: change.diff,
        sizes: change.sizes,
        heads: change.heads,
        olds: change.olds,
        lock_files,
        settings,
        notes,
    })
}

/// Opens the repository of a work tree, if reviews may read it.
pub(crate) async fn open(path: &Path, host: &Host, watch: &Watch) -> Result<Git, Error> {
    Ok(Repository::open(path, host, watch).await?.git)
}

/// The settings at the base: the change itself must not decide what is found in it.
async fn settings(repository: &Repository, base: &str, notes: &mut Vec<String>) -> Result<Option<Vec<u8>>, Error> {
    let git = &repository.git;
    let entry = git.call(["ls-tree", "-z", "-l", "--full-tree", base, "--", ".flotilla.toml"]).run().await?;
    let entry = String::from_utf8_lossy(&entry);
    let mut words = entry.split_whitespace();
    let (Some(mode), Some("blob"), Some(id), Some(size)) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Ok(None);
    };
    let size = size.parse().unwrap_or(u64::MAX);
    if mode == "120000" || size > MAX_SETTINGS {
        notes.push(format!(
            "the settings in `.flotilla.toml` were not read: it must be a file of at most {} KiB",
            MAX_SETTINGS >> 10
        ));
        return Ok(None);
    }
    Ok(Some(git.call(["cat-file", "blob", id]).at_most(MAX_SETTINGS as usize).run().await?))
}
