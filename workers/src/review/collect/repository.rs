//! The repository of a work tree, once it is known to be one and to be allowed.

use crate::review::{
    Error,
    git::{self, Git, path_of},
    host::Host,
    watch::Watch,
};
use std::path::{Path, PathBuf};

/// A repository with a work tree, called at its top.
#[derive(Debug)]
pub(super) struct Repository {
    pub git: Git,
}

impl Repository {
    /// Opens the repository whose work tree has its top at `path`.
    pub async fn open(path: &Path, host: &Host, watch: &Watch) -> Result<Self, Error> {
        let real = path.canonicalize();
        // Where it may not look, it does not say what is there.
        if !host.roots.allow(real.as_deref().unwrap_or(path)) {
            return Err(Error::Forbidden(path.to_owned()));
        }
        let real = real.map_err(|error| Error::Unreadable(path.to_owned(), error))?;
        if !real.is_dir() {
            let error = std::io::ErrorKind::NotADirectory.into();
            return Err(Error::Unreadable(path.to_owned(), error));
        }
        let git = Git::open(&real, host, watch).await.map_err(|e| explain(path, e))?;
        let top = line(git.call(["rev-parse", "--show-toplevel"]).run().await.map_err(|e| explain(path, e))?);
        if path_of(&top) != real {
            return Err(not_the_top(&git, path, &real, &path_of(&top)).await);
        }
        let mut dirs = Vec::new();
        for which in ["--absolute-git-dir", "--git-common-dir"] {
            let dir = line(git.call(["rev-parse", which]).run().await?);
            dirs.push(real.join(path_of(&dir)));
        }
        if !host.roots.allow_repository(&dirs) {
            return Err(Error::Forbidden(path.to_owned()));
        }
        Ok(Self { git })
    }

    /// The top of the work tree.
    pub fn top(&self) -> PathBuf {
        self.git.dir().to_owned()
    }

    /// The commit a revision names; an error if there is none.
    pub async fn commit(&self, revision: &str) -> Result<String, Error> {
        if let Some(id) = self.find(revision).await? {
            return Ok(id);
        }
        let has_commits = self.find("HEAD").await?.is_some();
        if !has_commits && revision == "HEAD" {
            return wrong(format!("the repository at `{}` has no commit yet; commit something", self.top().display()));
        }
        let shallow =
            if self.is_shallow().await? { "; the clone is shallow, so it may be missing: fetch more" } else { "" };
        wrong(format!(
            "`{revision}` names no commit in `{}`{shallow}; give a branch, tag or commit that is there",
            self.top().display()
        ))
    }

    /// The commit a revision names, if any.
    pub async fn find(&self, revision: &str) -> Result<Option<String>, Error> {
        let name = format!("{revision}^{{commit}}");
        let answer = self.git.call(["rev-parse", "--verify", "--quiet", "--end-of-options", &name]).answer().await?;
        let id = String::from_utf8_lossy(&answer.output).trim().to_owned();
        let is_id = id.len() >= 40 && id.bytes().all(|b| b.is_ascii_hexdigit());
        Ok((answer.code == Some(0) && is_id).then_some(id))
    }

    /// Whether its history was cut off when it was cloned.
    pub async fn is_shallow(&self) -> Result<bool, Error> {
        Ok(line(self.git.call(["rev-parse", "--is-shallow-repository"]).run().await?) == b"true")
    }
}

/// Fails with what is wrong with the repository, and what would be right.
pub(super) fn wrong<T>(message: String) -> Result<T, Error> {
    Err(Error::Repository(message))
}

/// An answer of one line.
pub(super) fn line(mut answer: Vec<u8>) -> Vec<u8> {
    if answer.last() == Some(&b'\n') {
        answer.pop();
    }
    answer
}

/// Why git does not take a directory, in words of ours.
fn explain(path: &Path, error: git::Error) -> Error {
    let git::Error::Failed { message, .. } = &error else { return error.into() };
    let path = path.display();
    Error::Repository(if message.contains("dubious ownership") {
        format!(
            "`{path}` belongs to another user, and git refuses to read it; \
             run the worker as its owner, or put it below a directory in http.review_roots"
        )
    } else if message.contains("must be run in a work tree") {
        format!("`{path}` is a bare repository or a `.git` directory; give the top of a work tree")
    } else if message.contains("not a git repository") {
        format!("`{path}` is not in a git work tree; give the top of one (git init makes one)")
    } else {
        format!("git cannot read the repository at `{path}`: {message}; `git fsck` there may tell more")
    })
}

async fn not_the_top(git: &Git, path: &Path, real: &Path, top: &Path) -> Error {
    let shown = path.display();
    let Ok(inside) = real.strip_prefix(top) else {
        return Error::Repository(format!(
            "the repository at `{shown}` keeps its work tree elsewhere (core.worktree); give the top of that work tree"
        ));
    };
    // An empty directory of a submodule belongs to the repository around it.
    let entry = git.call(["ls-files", "--stage", "-z", "--full-name", "--", "."]).answer().await;
    if entry.is_ok_and(|entry| entry.output.starts_with(b"160000 ")) {
        return Error::Repository(format!(
            "`{shown}` is a submodule that is not checked out; run git submodule update --init `{}` in `{}`",
            inside.display(),
            top.display()
        ));
    }
    Error::Repository(format!(
        "`{shown}` is inside of a work tree, not its top; give `{}` to review all of it",
        top.display()
    ))
}
