//! Which change is reviewed, and that every shape of one is read.

use crate::repo::{Repo, files, git, run, tree_from};
use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    process::Command,
};

#[tokio::test]
async fn only_what_the_branch_added_is_reviewed() {
    let repo = Repo::on_branch();
    let start = repo.id("HEAD");
    repo.commit("mine", "a\nb\n");
    repo.git(&["checkout", "--quiet", "main"]);
    repo.commit("theirs", "c\n");
    repo.git(&["checkout", "--quiet", "topic"]);
    let review = repo.review().await;
    assert_eq!(files(&review), [("mine", 2, 0)]);
    assert_eq!((review.base, review.head), (start, repo.id("HEAD")));
    assert_eq!(review.notes, [""; 0]);
}

#[tokio::test]
async fn the_index_and_the_work_tree_are_reviewed_when_asked() {
    let repo = Repo::on_branch();
    repo.commit("committed", "a\n");
    repo.write("staged", "a\nb\n");
    repo.git(&["add", "staged"]);
    repo.write("README", "one\ntwo\nthree\nfour\n");
    repo.write(".git/info/exclude", "ignored\n");
    repo.write("ignored", "x\n");
    repo.write("new file", "x\ny\nz");
    symlink("/etc/passwd", repo.top.join("link")).unwrap();

    assert_eq!(files(&repo.review().await), [("committed", 1, 0)]);
    assert_eq!(files(&repo.review_with(false).await), [("committed", 1, 0), ("staged", 2, 0)]);
    let all = repo.review_with(true).await;
    let expected = [("README", 1, 0), ("committed", 1, 0), ("staged", 2, 0), ("link", 1, 0), ("new file", 3, 0)];
    assert_eq!(files(&all), expected);
}

#[tokio::test]
async fn on_the_default_branch_the_last_commit_is_reviewed() {
    let repo = Repo::new();
    repo.commit("second", "a\n");
    for review in [repo.review().await, repo.review_with(true).await] {
        assert_eq!(files(&review), [("second", 1, 0)]);
        assert_eq!(review.base, repo.id("HEAD^"));
        assert!(review.notes[0].starts_with("there is nothing to compare with `main`"), "{:?}", review.notes);
    }
    repo.write("README", "one\n");
    let review = repo.review_with(true).await;
    assert_eq!((files(&review), review.base.clone()), (vec![("README", 0, 2)], repo.id("HEAD")));
}

#[tokio::test]
async fn a_first_commit_is_reviewed_whole() {
    let repo = Repo::new();
    let review = repo.review().await;
    assert_eq!(files(&review), [("README", 3, 0)]);
    assert!(review.notes.iter().any(|note| note.contains("first commit")), "{:?}", review.notes);
}

#[tokio::test]
async fn without_a_default_branch_the_last_commit_is_reviewed() {
    let repo = Repo::new();
    repo.git(&["branch", "-m", "trunk"]);
    repo.commit("second", "a\n");
    let review = repo.review().await;
    assert_eq!(files(&review), [("second", 1, 0)]);
    assert!(review.notes[0].starts_with("there is no default branch"), "{:?}", review.notes);
}

#[tokio::test]
async fn the_default_branch_of_the_remote_goes_first() {
    let origin = Repo::new();
    origin.git(&["branch", "-m", "trunk"]);
    let clone = origin.beside("clone");
    git(&origin.top, &["clone", "--quiet", ".", clone.to_str().unwrap()]);
    git(&clone, &["branch", "main"]);
    fs::write(clone.join("a"), "x\n").unwrap();
    git(&clone, &["add", "a"]);
    git(&clone, &["commit", "--quiet", "-m", "a"]);
    git(&clone, &["branch", "-f", "main"]);
    let review = run(&crate::repo::tree(&clone)).await.unwrap();
    assert_eq!((files(&review), review.base.clone()), (vec![("a", 1, 0)], origin.id("HEAD")));
}

#[tokio::test]
async fn a_merge_is_compared_with_its_first_parent() {
    let repo = Repo::on_branch();
    repo.commit("side", "a\n");
    repo.git(&["checkout", "--quiet", "main"]);
    repo.commit("main", "b\n");
    repo.git(&["merge", "--quiet", "--no-ff", "-m", "merge", "topic"]);
    assert_eq!(files(&repo.review().await), [("side", 1, 0)]);
}

#[tokio::test]
async fn every_shape_of_a_change_is_read() {
    let repo = Repo::new();
    repo.write("moved", "1\n2\n3\n4\n5\n6\n7\n8\n");
    repo.write("script", "x\n");
    repo.write("gone", "nothing like\nthe others\n");
    repo.write("crlf", "a\r\nb\r\n");
    repo.write("bare-end", "a");
    repo.write("image", b"\0\x01\x02");
    repo.commit("content", "a\n");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.git(&["mv", "moved", "to here"]);
    repo.write("to here", "1\n2\n3\n4\n5\n6\n7\nnew\n");
    fs::set_permissions(repo.top.join("script"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(repo.top.join("gone")).unwrap();
    repo.write("crlf", "a\r\nc\r\n");
    repo.write("bare-end", "a\nb");
    repo.write("image", b"\0\x01\x02\x03");
    repo.write("empty", "");
    repo.write("caf\u{e9} \u{1f600}", "x\n");
    repo.write("tab\there", "x\n");
    repo.write("quo\"te", "x\n");
    repo.commit("content", "a\n--- b\n+++ c\n@@ -1 +1 @@\n-- \n");
    let review = repo.review().await;
    let expected = [
        ("bare-end", 2, 1),
        ("caf\u{e9} \u{1f600}", 1, 0),
        ("content", 4, 0),
        ("crlf", 1, 1),
        ("empty", 0, 0),
        ("gone", 0, 2),
        ("image", 0, 0),
        ("quo\"te", 1, 0),
        ("script", 0, 0),
        ("tab\there", 1, 0),
        ("to here", 1, 1),
    ];
    let mut found = files(&review);
    found.sort_unstable();
    assert_eq!(found, expected);
    assert!(review.skipped.is_empty());
}

#[tokio::test]
async fn a_submodule_that_moved_is_one_line() {
    let part = Repo::new();
    let repo = Repo::new();
    repo.git(&["submodule", "--quiet", "add", part.top.to_str().unwrap(), "part"]);
    repo.commit("x", "x\n");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    part.commit("more", "x\n");
    git(&repo.top.join("part"), &["pull", "--quiet"]);
    repo.git(&["commit", "--quiet", "--all", "-m", "move"]);
    assert_eq!(files(&repo.review().await), [("part", 1, 1)]);
    // The submodule is a work tree of its own.
    let review = run(&crate::repo::tree(&repo.top.join("part"))).await.unwrap();
    assert_eq!(files(&review), [("more", 1, 0)]);
}

#[tokio::test]
async fn a_conflict_is_read_with_its_markers() {
    let repo = Repo::on_branch();
    repo.commit("README", "mine\n");
    repo.git(&["checkout", "--quiet", "main"]);
    repo.commit("README", "theirs\n");
    repo.git(&["checkout", "--quiet", "topic"]);
    let merge = Command::new("git").current_dir(&repo.top).args(["merge", "--quiet", "main"]).output().unwrap();
    assert!(!merge.status.success());
    assert_eq!(files(&repo.review_with(true).await), [("README", 5, 3)]);
}

#[tokio::test]
async fn a_file_that_was_generated_before_stays_generated() {
    let repo = Repo::new();
    let text = (0..100).map(|n| format!("line {n}\n")).collect::<Vec<_>>().concat();
    let generated = format!("// Code generated by x. DO NOT EDIT.\n{text}");
    repo.write("written.go", &text);
    repo.commit("made.go", &generated);
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.write("written.go", format!("{text}more\n"));
    repo.commit("made.go", format!("{generated}more\n"));
    for review in [repo.review().await, repo.review_with(true).await] {
        assert_eq!(files(&review), [("written.go", 1, 0)]);
        assert_eq!(review.skipped[0].path, "made.go");
    }
}

#[tokio::test]
async fn thousands_of_files_are_reviewed() {
    let repo = Repo::on_branch();
    for n in 0..5_000 {
        let mut text = String::new();
        for line in 0..5 {
            writeln!(text, "line {line} of file {n}").unwrap();
        }
        repo.write(&format!("d{}/f{n}", n % 50), text);
    }
    repo.git(&["add", "--all"]);
    let staged = repo.review_with(false).await;
    assert_eq!(staged.files.len(), 5_000);
    repo.git(&["reset", "--quiet"]);
    let untracked = repo.review_with(true).await;
    assert_eq!(untracked.files.len(), 5_000);
    assert!(untracked.files.iter().all(|file| file.added == 5));
}

#[tokio::test]
async fn a_diff_that_is_too_long_is_refused_by_name() {
    let repo = Repo::on_branch();
    let text = "a line that is long enough to fill a file with a few of them\n".repeat(110_000);
    for n in 0..6 {
        repo.write(&format!("f{n}"), format!("{n}{text}"));
    }
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "-m", "much"]);
    let error = run(&repo.source()).await.unwrap_err();
    assert!(error.to_string().starts_with("git diff answered more than 32 MiB"), "{error}");
    assert!(!error.is_transient());
}

#[tokio::test]
async fn what_is_equal_to_its_base_is_said_to_be() {
    let repo = Repo::new();
    let review = run(&tree_from(&repo.top, "main")).await.unwrap();
    assert!(review.files.is_empty());
    assert!(review.notes[0].contains("nothing was reviewed"), "{:?}", review.notes);
}
