//! Tools that write do so in the job's own copy, and nowhere else.

use super::{Place, SECRET, call, escapes::WAYS};
use crate::{
    agents::{
        Tool, Toolbox,
        tool::{Effect, Role, Roles, ToolError},
        tools::{Reading, Scratch},
    },
    review::{Host, Roots, Watch},
};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    sync::Arc,
};

async fn scratch(place: &Place) -> Scratch {
    let host = Host::from(Roots::Anywhere);
    let reading = Reading::revision(&place.root(), "HEAD", "HEAD", &host, &Watch::default()).await.unwrap();
    Scratch::new(&reading, &place.root().with_file_name("scratch")).await.unwrap()
}

fn effect(toolbox: &Toolbox, name: &str) -> Arc<dyn Effect> {
    let Some(Tool::Effect(tool)) = toolbox.get(name) else { panic!("no tool {name}") };
    Arc::clone(tool)
}

async fn act(toolbox: &Toolbox, name: &str, arguments: Value, key: &str) -> Result<String, ToolError> {
    let said = effect(toolbox, name).call(arguments.as_object().unwrap(), key).await;
    said.map(|bytes| String::from_utf8(bytes).unwrap())
}

async fn refused(toolbox: &Toolbox, name: &str, arguments: Value) -> String {
    match act(toolbox, name, arguments.clone(), "refused").await {
        Err(ToolError::Said(what)) => what,
        other => panic!("{name} {arguments}: {other:?}"),
    }
}

fn adding(path: &str) -> Value {
    json!({"patch": format!("--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n")})
}

#[tokio::test]
async fn a_copy_is_written_and_goes_with_its_tools() {
    let place = Place::new();
    place.write("run.sh", "#!/bin/sh\n");
    fs::set_permissions(place.root().join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("README.md", place.root().join("link")).unwrap();
    place.commit();
    let scratch = scratch(&place).await;
    let (dir, tools) = (scratch.dir(), scratch.toolbox());
    assert!(!dir.join("link").exists() && !dir.join(".git").exists());
    assert_eq!(fs::metadata(dir.join("run.sh")).unwrap().permissions().mode() & 0o777, 0o700);

    act(&tools, "write_file", json!({"path": "new/deep/a.txt", "content": "hi\n"}), "1").await.unwrap();
    act(&tools, "write_file", json!({"path": "run.sh", "content": "#!/bin/true\n"}), "2").await.unwrap();
    assert_eq!(fs::metadata(dir.join("run.sh")).unwrap().permissions().mode() & 0o777, 0o700, "it stays a program");
    let patch = "--- a/README.md\n+++ /dev/null\n@@ -1 +0,0 @@\n-# Hello\n\
                 --- a/src/a.rs\n+++ b/src/a.rs\n@@ -1 +1 @@\n-fn one() {}\n+fn uno() {}\n";
    let said = act(&tools, "apply_patch", json!({"patch": patch}), "3").await.unwrap();
    assert_eq!(said, "`README.md` is removed\n`src/a.rs` is changed\n");
    let read = call(&tools, "read_file", json!({"path": "src/a.rs", "to_line": 1})).await.unwrap();
    assert!(read.starts_with("     1  fn uno() {}\n"), "{read}");
    assert_eq!(call(&tools, "list_dir", json!({"path": "new"})).await.unwrap(), "deep/\n");
    assert!(call(&tools, "git_log", json!({})).await.unwrap().contains("a message"), "its history is still there");
    assert_eq!(fs::read_to_string(place.root().join("README.md")).unwrap(), "# Hello\n", "the repository is as it was");

    drop(scratch);
    assert!(dir.exists(), "the tools still use it");
    drop(tools);
    assert_eq!(fs::read_dir(place.root().with_file_name("scratch")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_patch_is_made_whole_or_not_at_all() {
    let place = Place::new();
    place.commit();
    let scratch = scratch(&place).await;
    let tools = scratch.toolbox();
    let good = "--- a/README.md\n+++ b/README.md\n@@ -1 +1 @@\n-# Hello\n+# Bye\n";
    for bad in [
        "--- a/none\n+++ b/none\n@@ -1 @@\n-a\n+b\n",
        "--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1 @@\n-fn none() {}\n",
        "--- /dev/null\n+++ b/src/a.rs\n@@ @@\n+a\n",
        "--- /dev/null\n+++ b/README.md/x\n@@ @@\n+a\n",
        "--- /dev/null\n+++ b/src\n@@ @@\n+a\n",
        "--- a/src/a.rs\n+++ b/src/b.rs\n@@ -1 @@\n-fn one() {}\n",
        "--- a/README.md\n+++ /dev/null\n@@ -1 @@\n-# Hello\n",
        "--- a/src/a.rs\n+++ /dev/null\n@@ -1 @@\n-fn one() {}\n",
    ] {
        refused(&tools, "apply_patch", json!({"patch": format!("{good}{bad}")})).await;
    }
    assert_eq!(fs::read_to_string(scratch.dir().join("README.md")).unwrap(), "# Hello\n");
}

#[tokio::test]
async fn no_path_is_written_outside() {
    let place = Place::new();
    place.commit();
    let scratch = scratch(&place).await;
    let (dir, tools) = (scratch.dir(), scratch.toolbox());
    // Nothing puts links there; were there any, they would not be followed.
    symlink(place.outside(), dir.join("link")).unwrap();
    symlink("../..", dir.join("dirlink")).unwrap();
    symlink(place.root(), dir.join("inner")).unwrap();
    symlink("/proc", dir.join("proc")).unwrap();
    symlink(".git", dir.join("gitlink")).unwrap();
    for way in WAYS.into_iter().chain([
        "inner/README.md",
        "dirlink/x",
        "src",
        "",
        ".",
        "/",
        "../staging/next",
        "../../x.lock",
        ".git",
        ".git/hooks/post-checkout",
        "src/.Git/config",
        "a/../../x",
    ]) {
        // Links are refused on the way; one at the end is something that is no file.
        let what = refused(&tools, "write_file", json!({"path": way, "content": "pwned"})).await;
        assert!(!what.contains(SECRET), "{way}: {what}");
        refused(&tools, "apply_patch", adding(way)).await;
    }
    let huge = "x".repeat(300);
    assert!(refused(&tools, "write_file", json!({"path": huge, "content": ""})).await.contains("too long"));
    assert_eq!(fs::read_to_string(place.outside()).unwrap(), SECRET);
    assert_eq!(fs::read_to_string(place.root().join("README.md")).unwrap(), "# Hello\n");
    let beside: Vec<_> =
        fs::read_dir(place.root().parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(beside.len(), 3, "{beside:?}");
}

#[tokio::test]
async fn what_is_written_is_bounded() {
    let place = Place::new();
    place.commit();
    let tools = scratch(&place).await.toolbox();
    let huge = "x".repeat((1 << 20) + 1);
    assert!(refused(&tools, "write_file", json!({"path": "a", "content": huge})).await.contains("above the limit"));
    assert!(refused(&tools, "apply_patch", json!({"patch": huge})).await.contains("above the limit"));
    let many: Vec<_> = (0..65).map(|n| format!("--- /dev/null\n+++ b/{n}\n@@ @@\n+a\n")).collect();
    let many = many.concat();
    assert!(refused(&tools, "apply_patch", json!({"patch": many})).await.contains("65 files"));
}

#[tokio::test]
async fn whether_it_was_written_can_be_told() {
    let place = Place::new();
    place.commit();
    let (first, again) = (scratch(&place).await, scratch(&place).await);
    let arguments = json!({"path": "README.md", "content": "# Bye\n"});
    let arguments = arguments.as_object().unwrap();
    let write = effect(&first.toolbox(), "write_file");
    assert_eq!(write.reconcile(arguments, "k").await.unwrap(), None);
    let said = write.call(arguments, "k").await.unwrap();
    assert_eq!(write.reconcile(arguments, "k").await.unwrap(), Some(said.clone()));
    assert_eq!(write.reconcile(arguments, "other").await.unwrap(), None);
    act(&first.toolbox(), "write_file", json!({"path": "README.md", "content": "later"}), "l").await.unwrap();
    assert_eq!(write.call(arguments, "k").await.unwrap(), said, "a call that was made is not made again");
    assert_eq!(fs::read_to_string(first.dir().join("README.md")).unwrap(), "later");
    assert!(write.reconcile(arguments, "k").await.is_err(), "it is not as the call left it");

    // Another attempt, with a tree of its own.
    let write = effect(&again.toolbox(), "write_file");
    assert_eq!(write.reconcile(arguments, "k").await.unwrap(), None);
    write.restore(arguments, "k").await.unwrap();
    assert_eq!(fs::read_to_string(again.dir().join("README.md")).unwrap(), "# Bye\n");
}

#[tokio::test]
async fn each_tool_has_its_role() {
    let place = Place::new();
    place.commit();
    let tools = scratch(&place).await.toolbox();
    let usual = Roles::default();
    assert_eq!(tools.lacks("read_file", &usual), None);
    assert_eq!(tools.lacks("git_log", &Roles::from_iter([])), Some(Role::FilesystemRead));
    assert_eq!(tools.lacks("write_file", &usual), Some(Role::FilesystemWrite));
    assert_eq!(tools.lacks("apply_patch", &usual), Some(Role::FilesystemWrite));
}
