//! Manifests and lock files.

use crate::review::{
    change::{Change, ChangedFile},
    diff::{FileDiff, Hunk, Kind, Line},
    rules::{Facts, check},
};
use std::borrow::Cow;

/// A file edited in one hunk; lines begin with their sign.
fn edited<'a>(path: &'a str, hunk: &'a str) -> ChangedFile<'a> {
    let kind = |line: &str| match line.as_bytes()[0] {
        b'+' => Kind::Added,
        b'-' => Kind::Removed,
        _ => Kind::Context,
    };
    let lines =
        hunk.lines().map(|line| Line { kind: kind(line), text: &line.as_bytes()[1..], newline: true }).collect();
    let path = Some(Cow::Borrowed(path.as_bytes()));
    let hunk = Hunk { old_start: 5, old_lines: 1, new_start: 5, new_lines: 1, section: b"", lines };
    let diff = FileDiff { old_path: path.clone(), new_path: path, hunks: vec![hunk], ..FileDiff::default() };
    ChangedFile { diff, size: None, text_rules: false }
}

fn rules(files: Vec<ChangedFile<'_>>, present: &[&str]) -> Vec<String> {
    let facts = Facts { present: present.iter().map(ToString::to_string).collect() };
    check(&Change { files }, &facts).into_iter().map(|finding| finding.rule).collect()
}

fn missing(manifest: &str, lock: &str, hunk: &str) -> bool {
    assert!(rules(vec![edited(manifest, hunk)], &[]).is_empty(), "no lock file is known");
    assert!(rules(vec![edited(manifest, hunk), edited(lock, "+x")], &[lock]).is_empty(), "both changed");
    rules(vec![edited(manifest, hunk)], &[lock]) == ["lock/missing"]
}

#[test]
fn cargo() {
    let missing = |hunk| missing("api/Cargo.toml", "Cargo.lock", hunk);
    assert!(missing(" [dependencies]\n+serde = \"1\""));
    assert!(missing(" [dev-dependencies]\n a = \"1\"\n+b.workspace = true"));
    assert!(!missing(" [package]\n-version = \"1.0.0\"\n+version = \"1.0.1\""));
    assert!(!missing(" [dependencies]\n-serde = \"1.0\"\n+serde = { version = \"1.0\", features = [\"derive\"] }"));
    assert!(!missing(" [workspace.dependencies]\n+serde = \"1\""));
    assert!(!missing(" [dependencies]\n a = \"1\"\n \n [lints]\n+workspace = true"));
    assert!(!missing(" edition = \"2024\"\n+rust-version = \"1.90\""));
}

#[test]
fn npm() {
    let missing = |hunk| missing("web/package.json", "web/yarn.lock", hunk);
    assert!(missing("   \"dependencies\": {\n+    \"a\": \"1.0.0\","));
    assert!(missing("-    \"a\": \"^1.0.0\",\n+    \"a\": \"^1.1.0\","));
    assert!(!missing("-  \"version\": \"1.0.0\",\n+  \"version\": \"1.0.1\","));
    assert!(!missing("   \"scripts\": {\n+    \"a\": \"^x\","));
    assert!(!missing("   \"engines\": {\n+    \"node\": \"^22\""));
    assert!(!missing("   \"dependencies\": {\n+    \"a\": \"1\",\n     \"b\": \"2\"\n-    \"a\": \"1\""));
}

#[test]
fn others() {
    assert!(missing("go.mod", "go.sum", " require (\n+\tgithub.com/a/b v1.2.3"));
    assert!(!missing("go.mod", "go.sum", "-go 1.22\n+go 1.23"));
    assert!(!missing("go.mod", "go.sum", "-\tgithub.com/a/b v1.2.3 // indirect\n+\tgithub.com/a/b v1.2.3"));
    assert!(missing("pyproject.toml", "uv.lock", " dependencies = [\n+    \"httpx>=0.27\","));
    assert!(missing("pyproject.toml", "poetry.lock", " [tool.poetry.dependencies]\n+httpx = \"^0.27\""));
    assert!(!missing("pyproject.toml", "uv.lock", " [tool.ruff]\n+line-length = 120"));
    assert!(missing("Gemfile", "Gemfile.lock", "+gem \"rails\", \"~> 8.0\""));
    assert!(!missing("Gemfile", "Gemfile.lock", "+# gem \"rails\""));
    assert!(missing("composer.json", "composer.lock", "   \"require\": {\n+    \"a/b\": \"1.0\""));
}

#[test]
fn a_lock_file_alone_is_mentioned() {
    assert_eq!(rules(vec![edited("Cargo.lock", "+x")], &[]), ["lock/without-manifest"]);
    // The manifest of a member in the folders below.
    assert!(rules(vec![edited("Cargo.lock", "+x"), edited("a/b/Cargo.toml", "+x")], &[]).is_empty());
    assert_eq!(rules(vec![edited("a/Cargo.lock", "+x"), edited("b/Cargo.toml", "+x")], &[]), ["lock/without-manifest"]);
    let mut new = edited("Cargo.lock", "+x");
    new.diff.old_path = None;
    assert!(rules(vec![new], &[]).is_empty());
}

#[test]
fn the_nearest_lock_file_counts() {
    let hunk = " [dependencies]\n+serde = \"1\"";
    assert!(rules(vec![edited("a/Cargo.toml", hunk), edited("a/Cargo.lock", "+x")], &["Cargo.lock"]).is_empty());
    assert!(rules(vec![edited("b/Cargo.toml", hunk)], &["a/Cargo.lock"]).is_empty());
}
