//! Sources that cannot be reviewed: what is said about them.

use crate::repo::{Repo, files, git, run, tree, tree_from};
use flotilla_jobs::kinds::Source;
use flotilla_workers::review::{Error, Roots, Watch, review};
use std::{fs, os::unix::fs::symlink, path::Path, sync::Arc};
use tokio_util::sync::CancellationToken;

async fn says(source: &Source, text: &str) {
    let error = run(source).await.unwrap_err();
    assert!(error.to_string().contains(text), "{error}");
    assert!(!error.is_transient(), "{error}");
}

#[tokio::test]
async fn a_source_that_is_no_work_tree_is_refused_with_what_would_be_right() {
    let repo = Repo::on_branch();
    repo.commit("deep/er/x", "x\n");
    let plain = repo.beside("plain");
    fs::create_dir(&plain).unwrap();
    says(&tree(&plain), "is not in a git work tree; give the top of one").await;
    says(&tree(&repo.beside("absent")), "cannot be read on this worker").await;
    says(&tree(&repo.top.join("README")), "not a directory").await;
    let inside = format!("is inside of a work tree, not its top; give `{}`", repo.top.display());
    says(&tree(&repo.top.join("deep/er")), &inside).await;
    says(&tree(&repo.top.join(".git")), "is a bare repository or a `.git` directory").await;
    let bare = repo.beside("bare");
    repo.git(&["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);
    says(&tree(&bare), "is a bare repository").await;
    says(&tree(&Repo::empty().top), "has no commit yet").await;
    let pull = Source::PullRequest { repository: "a/b".into(), number: 1 };
    says(&pull, "pull requests cannot be reviewed yet").await;
}

#[tokio::test]
async fn a_revision_that_is_not_there_is_refused() {
    let repo = Repo::on_branch();
    says(&tree_from(&repo.top, "nowhere"), "`nowhere` names no commit").await;
    says(&tree_from(&repo.top, "HEAD:README"), "names no commit").await;
    repo.git(&["checkout", "--quiet", "--orphan", "other"]);
    repo.commit("x", "x\n");
    says(&tree_from(&repo.top, "main"), "their histories are unrelated").await;
}

#[tokio::test]
async fn a_shallow_clone_is_told_from_a_first_commit() {
    let repo = Repo::new();
    repo.commit("second", "x\n");
    let clone = repo.beside("clone");
    let url = format!("file://{}", repo.top.display());
    repo.git(&["clone", "--quiet", "--depth=1", &url, clone.to_str().unwrap()]);
    says(&tree(&clone), "is not in this shallow clone; run git fetch --deepen").await;
    says(&tree_from(&clone, &repo.id("HEAD^")), "the clone is shallow").await;
}

#[tokio::test]
async fn a_submodule_that_is_not_checked_out_is_named() {
    let part = Repo::new();
    let repo = Repo::new();
    repo.git(&["submodule", "--quiet", "add", part.top.to_str().unwrap(), "part"]);
    repo.commit("x", "x\n");
    repo.git(&["submodule", "--quiet", "deinit", "--force", "part"]);
    says(&tree(&repo.top.join("part")), "is a submodule that is not checked out").await;
}

#[tokio::test]
async fn work_trees_lie_below_the_roots() {
    let repo = Repo::on_branch();
    repo.commit("x", "x\n");
    let parent = repo.top.parent().unwrap();
    let below = |path: &Path| Roots::Below(vec![path.to_owned()]);
    let source = repo.source();
    assert!(review(&source, &below(parent).into(), &Watch::default()).await.is_ok());

    let root = repo.beside("root");
    fs::create_dir(&root).unwrap();
    symlink(&repo.top, root.join("link")).unwrap();
    // A work tree whose repository is elsewhere.
    let linked = root.join("linked");
    repo.git(&["worktree", "add", "--quiet", "--detach", linked.to_str().unwrap()]);
    let dots = root.join("../repo");
    for path in [&repo.top, &root.join("link"), &linked, &dots, &repo.beside("absent")] {
        let error = review(&tree(path), &below(&root).into(), &Watch::default()).await.unwrap_err();
        assert!(matches!(error, Error::Forbidden(_)), "{}: {error}", path.display());
        assert!(error.to_string().contains("http.review_roots"));
    }
    let worktree = review(&tree(&linked), &below(parent).into(), &Watch::default()).await.unwrap();
    assert_eq!(files(&worktree), [("x", 1, 0)]);
}

#[tokio::test]
async fn a_work_tree_set_elsewhere_is_refused() {
    let repo = Repo::new();
    let other = repo.beside("other");
    fs::create_dir(&other).unwrap();
    repo.git(&["config", "core.worktree", other.to_str().unwrap()]);
    let roots = Roots::Below(vec![repo.top.clone()]);
    let error = review(&repo.source(), &roots.into(), &Watch::default()).await.unwrap_err();
    assert!(error.to_string().contains("core.worktree") && !error.to_string().contains("other"), "{error}");
}

#[tokio::test]
async fn a_diff_is_reviewed_without_a_repository() {
    let diff = "--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n-a\n+b\n+c\n".to_owned();
    let review = run(&Source::Diff { diff }).await.unwrap();
    assert_eq!((files(&review), review.base.as_str()), (vec![("x", 2, 1)], ""));
    let broken = Source::Diff { diff: "--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n-a\n".into() };
    says(&broken, "line 3 of the diff: a hunk with fewer lines").await;
}

#[tokio::test]
async fn a_review_ends_when_it_is_told_to() {
    let repo = Repo::on_branch();
    repo.commit("x", "x\n");
    let cancelled = CancellationToken::new();
    let cancel = cancelled.clone();
    let say = Arc::new(move |_, _, _: &str| cancel.cancel());
    let watch = Watch::new(cancelled, CancellationToken::new(), say);
    let error = review(&repo.source(), &Roots::Anywhere.into(), &watch).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    git(&repo.top, &["status"]);
}
