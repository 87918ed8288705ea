//! The diff of a change, and how large its files became.

use super::{Extent, heads, repository::Repository, untracked};
use crate::review::{Error, git::path_of};
use std::collections::HashMap;

/// Longest diff that is reviewed, in bytes.
pub(super) const MAX_DIFF: usize = 32 << 20;
/// Longest list of changed files, in bytes.
const MAX_LIST: usize = 16 << 20;

/// Says every choice git could take from a configuration.
const FORMAT: [&str; 17] = [
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-relative",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--unified=3",
    "--inter-hunk-context=0",
    "--diff-algorithm=histogram",
    "--submodule=short",
    // Never looks into a submodule's work tree: its configuration is code as well.
    "--ignore-submodules=dirty",
    "--ws-error-highlight=none",
    "--word-diff=none",
    "--color-moved=no",
    "--full-index",
    "--ita-invisible-in-index",
    "-O/dev/null",
];
/// Renames are found while at most this many files come and go; comparing them takes the square of it.
const RENAMES: [&str; 2] = ["--find-renames=50%", "-l1000"];

#[derive(Debug, Default)]
pub(super) struct Patch {
    pub diff: Vec<u8>,
    pub sizes: HashMap<Vec<u8>, u64>,
    pub heads: HashMap<Vec<u8>, Vec<u8>>,
    pub olds: HashMap<Vec<u8>, Vec<u8>>,
    pub notes: Vec<String>,
}

/// What changed from `base` to `head`, or to what is staged or in the work tree; `deep` with the whole of the old files.
pub(super) async fn read(
    repository: &Repository,
    base: &str,
    head: &str,
    extent: Extent,
    deep: bool,
) -> Result<Patch, Error> {
    // Attributes of the base: with its own, a change could have its lines called binary.
    let git = repository.git.clone().with_attributes_of(base);
    let between = match extent {
        Extent::Commits => vec![base, head],
        Extent::Staged => vec!["--cached", base],
        Extent::WorkTree => vec![base],
    };
    let call = git.call(["diff", "--patch"]).args(FORMAT).args(RENAMES).args(between.iter().copied());
    let mut patch = Patch { diff: call.arg("--").at_most(MAX_DIFF).run().await?, ..Patch::default() };
    let call = git.call(["diff", "--raw", "-z", "--no-abbrev", "--no-renames"]).args(FORMAT);
    let list = call.args(between.iter().copied()).arg("--").at_most(MAX_LIST).run().await?;
    patch.sizes = sizes(repository, &list).await?;
    patch.heads = heads::read(repository, &list).await?;
    if deep {
        patch.olds = heads::whole(repository, &list).await?;
    }
    if extent == Extent::WorkTree {
        untracked::add(repository, &mut patch).await?;
    }
    Ok(patch)
}

/// Sizes of the new files of a raw diff: `:MODE MODE ID ID STATUS` and a path, each ended by a NUL.
async fn sizes(repository: &Repository, list: &[u8]) -> Result<HashMap<Vec<u8>, u64>, Error> {
    let mut sizes = HashMap::new();
    let mut blobs = Vec::new();
    let mut words = list.split(|&b| b == 0);
    while let (Some(entry), Some(path)) = (words.next(), words.next()) {
        let entry = String::from_utf8_lossy(entry);
        let fields: Vec<&str> = entry.split(' ').collect();
        let [_, mode, _, id, status] = fields[..] else { continue };
        if status.starts_with(['D', 'U']) || mode == "160000" {
            continue;
        }
        if id.bytes().any(|b| b != b'0') {
            blobs.push((id.to_owned(), path.to_owned()));
        } else if let Ok(data) = repository.top().join(path_of(path)).symlink_metadata() {
            // Not in the repository yet: only the work tree has it.
            sizes.insert(path.to_owned(), data.len());
        }
    }
    if blobs.is_empty() {
        return Ok(sizes);
    }
    let input: String = blobs.iter().flat_map(|(id, _)| [id, "\n"]).collect();
    let call = repository.git.call(["cat-file", "--batch-check=%(objecttype) %(objectsize)"]);
    let answer = call.input(input.into_bytes()).at_most(MAX_LIST).run().await?;
    let answer = String::from_utf8_lossy(&answer);
    for ((_, path), line) in blobs.into_iter().zip(answer.lines()) {
        if let Some(size) = line.strip_prefix("blob ").and_then(|size| size.parse().ok()) {
            sizes.insert(path, size);
        }
    }
    Ok(sizes)
}
