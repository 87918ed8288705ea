//! Ways out that models, or whoever wrote the repository, may try.

use super::{Place, SECRET, call, refused};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::json;
use std::{os::unix::fs::symlink, time::Duration};
use tokio::time::timeout;

pub(super) const WAYS: [&str; 12] = [
    "../secret",
    "src/../../secret",
    "/etc/passwd",
    "/proc/self/environ",
    "link",
    "dirlink/secret",
    "inner",
    ".git/config",
    ".GIT/config",
    "src/\0/../../secret",
    "proc/self/root/etc/passwd",
    "gitlink/config",
];

#[tokio::test]
async fn no_path_leads_outside() {
    let place = Place::new();
    place.commit();
    symlink(place.outside(), place.root().join("link")).unwrap();
    symlink("..", place.root().join("dirlink")).unwrap();
    symlink("README.md", place.root().join("inner")).unwrap();
    symlink("/proc", place.root().join("proc")).unwrap();
    symlink(".git", place.root().join("gitlink")).unwrap();
    let tree = place.tree();
    for way in WAYS {
        let what = refused(&tree, "read_file", json!({"path": way})).await;
        assert!(!what.contains(SECRET), "{way}: {what}");
        refused(&tree, "list_dir", json!({"path": way})).await;
        refused(&tree, "grep", json!({"path": way, "pattern": "."})).await;
    }
    let all = call(&tree, "grep", json!({"pattern": "hunter2|repositoryformatversion|root:"})).await.unwrap();
    assert_eq!(all, "[no line matches]\n", "a search follows no link and leaves git's directory alone");

    // The same on record: links are not followed there either.
    place.git(&["add", "-A"]);
    place.git(&["commit", "-q", "-m", "links"]);
    let revision = place.revision("HEAD").await;
    for way in WAYS {
        refused(&revision, "read_file", json!({"path": way})).await;
        refused(&revision, "list_dir", json!({"path": way})).await;
    }
    assert!(refused(&revision, "read_file", json!({"path": "link"})).await.contains("a link"));
}

#[tokio::test]
async fn what_is_no_file_is_not_opened() {
    let place = Place::new();
    let nobody = Mode::from_bits_truncate(0o644);
    mknodat(CWD, place.root().join("pipe"), FileType::Fifo, nobody, 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(place.root().join("socket")).unwrap();
    // Only root may make one.
    let zero = mknodat(CWD, place.root().join("zero"), FileType::CharacterDevice, nobody, rustix::fs::makedev(1, 5));
    let tree = place.tree();
    for name in ["pipe", "socket"].into_iter().chain(zero.is_ok().then_some("zero")) {
        let read = refused(&tree, "read_file", json!({"path": name}));
        let what = timeout(Duration::from_secs(20), read).await.expect("it does not wait for a writer");
        assert!(what.contains("not a regular file"), "{name}: {what}");
    }
    let search = call(&tree, "grep", json!({"pattern": "fn one"}));
    let found = timeout(Duration::from_secs(20), search).await.expect("it does not wait for a writer").unwrap();
    assert_eq!(found, "src/a.rs:1: fn one() {}\n");
    let listed = call(&tree, "list_dir", json!({})).await.unwrap();
    assert!(listed.contains("pipe  (not a regular file)\n"), "{listed}");
}

#[tokio::test]
async fn names_cannot_pretend_and_cannot_be_patterns() {
    let place = Place::new();
    place.write("a\nfake/  b", "one\n");
    place.write(":(top)x", "literal\n");
    place.write("*", "star\n");
    place.commit();
    for toolbox in [place.tree(), place.revision("HEAD").await] {
        let listed = call(&toolbox, "list_dir", json!({})).await.unwrap();
        assert!(listed.contains("a?fake/\n"), "{listed}");
        let literal = call(&toolbox, "read_file", json!({"path": ":(top)x"})).await.unwrap();
        assert_eq!(literal, "     1  literal\n");
        assert_eq!(call(&toolbox, "read_file", json!({"path": "*"})).await.unwrap(), "     1  star\n");
        refused(&toolbox, "read_file", json!({"path": ":(exclude)*"})).await;
    }
    let revision = place.revision("HEAD").await;
    let shown = call(&revision, "git_log", json!({"path": ":(exclude)*"})).await.unwrap();
    assert_eq!(shown, "[nothing]\n", "a pathspec is a name");
}

/// The same without rights: root may open what others may not, so what holds for one need not hold for the other.
#[test]
fn nor_for_a_user_without_rights() {
    let is_root = rustix::process::geteuid().is_root();
    let program = std::env::current_exe().unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    if !is_root || !std::path::Path::new("/usr/bin/setpriv").exists() {
        println!("the tests beside this one ran without rights themselves, or there is no setpriv");
        return;
    }
    let output = std::process::Command::new("/usr/bin/setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"])
        .arg(program)
        .args(["--exact", "agents::tools::tests::escapes::no_path_leads_outside"])
        .arg("agents::tools::tests::escapes::what_is_no_file_is_not_opened")
        .arg("agents::tools::tests::writing::no_path_is_written_outside")
        .env("TMPDIR", dir.path())
        .env("HOME", dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("3 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}
