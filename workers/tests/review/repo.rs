//! A repository for one test.

use flotilla_jobs::kinds::{Review, Source};
use flotilla_workers::review::{Error, Roots, Watch, review};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tempfile::TempDir;

pub struct Repo {
    _dir: TempDir,
    pub top: PathBuf,
}

impl Repo {
    /// A repository with one commit on `main`: `README` of three lines.
    pub fn new() -> Self {
        let repo = Self::empty();
        repo.commit("README", "one\ntwo\nthree\n");
        repo
    }

    /// A repository without commits, with room for others beside it.
    pub fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap().join("repo");
        fs::create_dir(&top).unwrap();
        let repo = Self { _dir: dir, top };
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo
    }

    /// A directory beside the repository.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.top.with_file_name(name)
    }

    /// As [`Repo::new`], on a branch of its own.
    pub fn on_branch() -> Self {
        let repo = Self::new();
        repo.git(&["checkout", "--quiet", "-b", "topic"]);
        repo
    }

    pub fn git(&self, args: &[&str]) -> String {
        git(&self.top, args)
    }

    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.top.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes a file and commits everything.
    pub fn commit(&self, path: &str, text: impl AsRef<[u8]>) {
        self.write(path, text);
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "-m", path]);
    }

    pub fn id(&self, revision: &str) -> String {
        self.git(&["rev-parse", revision]).trim().to_owned()
    }

    pub fn source(&self) -> Source {
        tree(&self.top)
    }

    /// The review of what is committed.
    pub async fn review(&self) -> Review {
        run(&self.source()).await.unwrap()
    }

    /// The review of what is committed, staged and, if so asked, in the work tree.
    pub async fn review_with(&self, with_unstaged: bool) -> Review {
        let mut source = self.source();
        let Source::WorkTree { staged, unstaged, .. } = &mut source else { unreachable!() };
        *staged = true;
        *unstaged = with_unstaged;
        run(&source).await.unwrap()
    }
}

pub fn git(dir: &Path, args: &[&str]) -> String {
    let out = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always"])
        .args(args)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(out.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}

pub fn tree(path: &Path) -> Source {
    Source::WorkTree { path: path.to_owned(), base: None, head: None, staged: false, unstaged: false }
}

pub fn tree_from(path: &Path, base: &str) -> Source {
    let mut source = tree(path);
    let Source::WorkTree { base: from, .. } = &mut source else { unreachable!() };
    *from = Some(base.to_owned());
    source
}

pub async fn run(source: &Source) -> Result<Review, Error> {
    review(source, &Roots::Anywhere.into(), &Watch::default()).await
}

/// Paths with their lines added and removed.
pub fn files(review: &Review) -> Vec<(&str, u32, u32)> {
    review.files.iter().map(|file| (file.path.as_str(), file.added, file.removed)).collect()
}
