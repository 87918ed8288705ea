//! Settings come from the base.

use crate::repo::{Repo, files};

#[tokio::test]
async fn the_base_decides_and_the_change_does_not() {
    let repo = Repo::new();
    repo.commit(".flotilla.toml", "[review]\nignore = [\"docs/**\"]\nignored = 1\n");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.write("docs/x.md", "a\n");
    repo.write("src/x.rs", "a\n");
    repo.commit(".flotilla.toml", "[review]\nignore = [\"**\"]\n");
    let review = repo.review().await;
    assert_eq!(files(&review), [(".flotilla.toml", 1, 2), ("src/x.rs", 1, 0)]);
    assert_eq!(review.skipped.len(), 1);
    assert_eq!(review.skipped[0].path, "docs/x.md");
    assert!(review.notes.iter().any(|note| note.contains("did you mean `ignore`?")), "{:?}", review.notes);
    assert!(review.notes.iter().any(|note| note.contains("once it is in the base")), "{:?}", review.notes);
}

#[tokio::test]
async fn settings_that_are_a_link_or_too_long_are_noted() {
    let repo = Repo::new();
    std::os::unix::fs::symlink("/etc/passwd", repo.top.join(".flotilla.toml")).unwrap();
    repo.commit("x", "a\n");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.commit("y", "a\n");
    assert!(repo.review().await.notes[0].contains("were not read"));

    let repo = Repo::new();
    repo.commit(".flotilla.toml", "# long\n".repeat(20_000));
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.commit("y", "a\n");
    assert!(repo.review().await.notes[0].contains("at most 64 KiB"));
}
