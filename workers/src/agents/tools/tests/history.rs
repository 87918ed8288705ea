//! What git is asked runs nothing of the repository's, and takes no option from a model.

use super::{Place, call, refused};
use serde_json::json;
use std::{fs, os::unix::fs::PermissionsExt as _};

#[tokio::test]
async fn commits_are_shown() {
    let place = Place::new();
    place.commit();
    place.write("src/a.rs", "fn changed() {}\n");
    place.commit();
    let tools = place.revision("HEAD").await;
    let shown = call(&tools, "git_show", json!({"revision": "HEAD"})).await.unwrap();
    assert!(shown.contains("a message") && shown.contains("+fn changed() {}"), "{shown}");
    let only = call(&tools, "git_show", json!({"revision": "main", "path": "README.md"})).await.unwrap();
    assert!(!only.contains("fn changed"), "{only}");
    let log = call(&tools, "git_log", json!({"count": 1})).await.unwrap();
    assert_eq!(log.matches("commit ").count(), 1, "{log}");
    let diff = call(&tools, "git_diff", json!({"from": "HEAD~1", "to": "HEAD", "path": "src"})).await.unwrap();
    assert!(diff.contains("-fn one() {}") && diff.contains("+fn changed() {}"), "{diff}");
}

#[tokio::test]
async fn a_revision_is_no_option() {
    let place = Place::new();
    place.commit();
    let tools = place.revision("HEAD").await;
    let target = place.root().join("written");
    let output = format!("--output={}", target.display());
    for bad in [
        output.as_str(),
        "-c",
        "--exec=x",
        "-p",
        "",
        "HEAD..main",
        ":/message",
        "@{-1}",
        "HEAD@{1}",
        "HEAD:README.md",
        "main^{tree}",
        "a b",
        "HEAD\0",
        "nothing",
        "$(id)",
        "--no-index",
        "HEAD\n--output=x",
    ] {
        for (tool, arguments) in [
            ("git_show", json!({"revision": bad})),
            ("git_log", json!({"revision": bad})),
            ("git_diff", json!({"from": bad, "to": "HEAD"})),
            ("git_diff", json!({"from": "HEAD", "to": bad})),
        ] {
            refused(&tools, tool, arguments).await;
        }
    }
    assert!(!target.exists());
    for path in ["--output=x", "-p"] {
        let shown = call(&tools, "git_show", json!({"revision": "HEAD", "path": path})).await.unwrap();
        assert!(!shown.contains("fn one"), "a path is a path: {shown}");
    }
    assert!(!place.root().join("x").exists());
}

#[tokio::test]
async fn nothing_of_the_repository_runs() {
    let place = Place::new();
    let ran = place.root().join("ran");
    let script = place.root().join("script.sh");
    place.write("script.sh", format!("#!/bin/sh\ntouch '{}'\ncat\n", ran.display()));
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    place.write(".gitattributes", "*.rs diff=evil filter=evil\n*.md -diff\n");
    place.commit();
    place.write("src/a.rs", "fn changed() {}\n");
    place.write("README.md", "# Changed\n");
    place.commit();
    let program = script.display().to_string();
    for key in [
        "diff.external",
        "diff.evil.command",
        "diff.evil.textconv",
        "filter.evil.smudge",
        "filter.evil.clean",
        "filter.evil.process",
        "core.pager",
        "pager.log",
        "pager.show",
        "pager.diff",
        "core.fsmonitor",
        "core.editor",
        "alias.show",
        "alias.log",
        "gpg.program",
        "core.sshCommand",
        "core.askPass",
        "uploadpack.packObjectsHook",
    ] {
        let value = if key.starts_with("alias.") { format!("!{program}") } else { program.clone() };
        place.git(&["config", key, &value]);
    }
    place.git(&["config", "log.showSignature", "true"]);
    fs::create_dir_all(place.root().join(".git/hooks")).unwrap();
    for hook in ["post-checkout", "pre-commit", "post-index-change", "reference-transaction"] {
        fs::copy(&script, place.root().join(".git/hooks").join(hook)).unwrap();
    }
    let _ = fs::remove_file(&ran);
    let tools = place.revision("HEAD").await;
    for (tool, arguments) in [
        ("git_show", json!({"revision": "HEAD"})),
        ("git_log", json!({})),
        ("git_diff", json!({"from": "HEAD~1", "to": "HEAD"})),
        ("read_file", json!({"path": "src/a.rs"})),
        ("list_dir", json!({})),
        ("grep", json!({"pattern": "fn changed"})),
    ] {
        let said = call(&tools, tool, arguments).await.unwrap();
        assert!(!said.is_empty());
        assert!(!ran.exists(), "{tool} ran something");
    }
}

#[tokio::test]
async fn attributes_of_the_change_hide_nothing() {
    let place = Place::new();
    place.commit();
    place.write(".gitattributes", "* -diff\n");
    place.write("src/a.rs", "fn hidden() {}\n");
    place.commit();
    let host = crate::review::Host::from(crate::review::Roots::Anywhere);
    let watch = crate::review::Watch::default();
    let reading = super::Reading::revision(&place.root(), "HEAD", "HEAD~1", &host, &watch).await.unwrap();
    let diff = call(&reading.toolbox(), "git_diff", json!({"from": "HEAD~1", "to": "HEAD"})).await.unwrap();
    assert!(diff.contains("+fn hidden() {}"), "{diff}");
}

#[tokio::test]
async fn submodules_and_pointers_are_what_they_are() {
    let inner = Place::new();
    inner.commit();
    let place = Place::new();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n";
    place.write("big.bin", pointer);
    place.commit();
    place.git(&["submodule", "--quiet", "add", &inner.root().display().to_string(), "sub"]);
    place.commit();
    let revision = place.revision("HEAD").await;
    assert!(refused(&revision, "read_file", json!({"path": "sub"})).await.contains("submodule"));
    refused(&revision, "read_file", json!({"path": "sub/README.md"})).await;
    assert!(call(&revision, "list_dir", json!({})).await.unwrap().contains("sub  (a submodule"));
    for tools in [place.tree(), revision] {
        let read = call(&tools, "read_file", json!({"path": "big.bin"})).await.unwrap();
        assert!(read.contains("git-lfs"), "a pointer is not followed: {read}");
    }
    refused(&place.tree(), "read_file", json!({"path": "sub/.git"})).await;
}
