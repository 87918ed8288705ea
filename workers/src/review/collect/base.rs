//! What a change is compared with.

use super::repository::{Repository, line, wrong};
use crate::review::Error;

/// The commit a change starts from.
#[derive(Debug)]
pub(super) struct Start {
    /// A commit, or the empty tree for a first commit.
    pub commit: String,
    /// What the reader should know about it.
    pub note: Option<String>,
    /// The branch that would have been compared with.
    pub instead_of: Option<String>,
}

impl Start {
    fn at(commit: String) -> Self {
        Self { commit, note: None, instead_of: None }
    }
}

/// The merge base of a revision and `head`. Without a revision: of the remote's default branch, then of `main` or
/// `master`; where there is none of them, the parent of `head`.
pub(super) async fn find(repository: &Repository, revision: Option<&str>, head: &str) -> Result<Start, Error> {
    if let Some(revision) = revision {
        let base = repository.commit(revision).await?;
        return Ok(Start::at(merge_base(repository, revision, &base, head).await?));
    }
    for name in candidates(repository).await? {
        if let Some(base) = repository.find(&name).await? {
            return Ok(Start::at(merge_base(repository, short(&name), &base, head).await?));
        }
    }
    let mut start = parent(repository, head).await?;
    start.note.get_or_insert_with(|| {
        "there is no default branch to compare with, so the last commit was reviewed; set a base to review more".into()
    });
    Ok(start)
}

/// The first parent of `head`; the empty tree where it has none.
pub(super) async fn parent(repository: &Repository, head: &str) -> Result<Start, Error> {
    let mut instead_of = None;
    for name in candidates(repository).await? {
        if instead_of.is_none() && repository.find(&name).await?.is_some() {
            instead_of = Some(format!("`{}`", short(&name)));
        }
    }
    if let Some(commit) = repository.find(&format!("{head}^1")).await? {
        return Ok(Start { commit, note: None, instead_of });
    }
    // A shallow clone hides the parents that the commit itself names.
    let text = repository.git.call(["cat-file", "commit", head]).run().await?;
    let names_parent = text.split(|&b| b == b'\n').take_while(|l| !l.is_empty()).any(|l| l.starts_with(b"parent "));
    if names_parent {
        return wrong(format!(
            "the parent of {head} is not in this shallow clone; run git fetch --deepen=50, or clone with more depth"
        ));
    }
    let empty = line(repository.git.call(["hash-object", "-t", "tree", "--stdin"]).run().await?);
    let commit = String::from_utf8_lossy(&empty).into_owned();
    let note = Some("this is the first commit, so every file in it was reviewed".to_owned());
    Ok(Start { commit, note, instead_of })
}

/// Names of the branches a change is usually made for, the most telling first.
async fn candidates(repository: &Repository) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    let remote = repository.git.call(["symbolic-ref", "--quiet", "refs/remotes/origin/HEAD"]).answer().await?;
    if remote.code == Some(0) {
        names.extend(String::from_utf8(line(remote.output)).ok());
    }
    let usual = ["refs/heads/main", "refs/heads/master", "refs/remotes/origin/main", "refs/remotes/origin/master"];
    names.extend(usual.map(str::to_owned));
    Ok(names)
}

/// A branch's name as people say it.
fn short(name: &str) -> &str {
    name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/remotes/")).unwrap_or(name)
}

async fn merge_base(repository: &Repository, name: &str, base: &str, head: &str) -> Result<String, Error> {
    let answer = repository.git.call(["merge-base", "--end-of-options", base, head]).answer().await?;
    let id = String::from_utf8_lossy(&answer.output).lines().next().unwrap_or_default().to_owned();
    if answer.code == Some(0) && !id.is_empty() {
        return Ok(id);
    }
    if repository.is_shallow().await? {
        return wrong(format!(
            "`{name}` and {head} have no common commit in this shallow clone; \
             run git fetch --unshallow, or clone with more depth"
        ));
    }
    wrong(format!("`{name}` and {head} have no common commit: their histories are unrelated; give another base"))
}
