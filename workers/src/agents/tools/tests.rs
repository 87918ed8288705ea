//! The tools read what is inside, and nothing of what is outside, whatever is put in their way.

#[cfg(target_os = "linux")]
mod escapes;
mod history;
#[cfg(target_os = "linux")]
mod races;
#[cfg(target_os = "linux")]
mod writing;

use super::*;
use crate::agents::tool::Arguments;
use std::{fs, process::Command};
use tempfile::TempDir;

/// A work tree beside a secret.
pub(super) struct Place {
    dir: TempDir,
}

/// What must never be read.
pub(super) const SECRET: &str = "hunter2-outside";

impl Place {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("tree/src")).unwrap();
        fs::write(dir.path().join("secret"), SECRET).unwrap();
        let place = Self { dir };
        place.write("src/a.rs", "fn one() {}\nfn two() {}\r\nfn three() {}");
        place.write("README.md", "# Hello\n");
        place
    }

    pub fn root(&self) -> std::path::PathBuf {
        self.dir.path().join("tree")
    }

    pub fn outside(&self) -> std::path::PathBuf {
        self.dir.path().join("secret")
    }

    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Calls git as the owner of the repository would.
    pub fn git(&self, args: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "protocol.file.allow=always"])
            .args(args)
            .current_dir(self.root())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub fn commit(&self) {
        if !self.root().join(".git").exists() {
            self.git(&["init", "-q", "-b", "main"]);
        }
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "a message", "--allow-empty"]);
    }

    pub fn tree(&self) -> Toolbox {
        Reading::tree(&self.root()).unwrap().toolbox()
    }

    pub async fn revision(&self, revision: &str) -> Toolbox {
        let host = Host::from(crate::review::Roots::Anywhere);
        let reading = Reading::revision(&self.root(), revision, revision, &host, &Watch::default()).await;
        reading.unwrap().toolbox()
    }
}

pub(super) async fn call(toolbox: &Toolbox, name: &str, arguments: Value) -> Result<String, ToolError> {
    let Value::Object(arguments): Value = arguments else { panic!("no object") };
    let arguments: Arguments = arguments;
    let Some(Tool::Pure(tool)) = toolbox.get(name) else { panic!("no tool {name}") };
    tool.call(&arguments).await.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

pub(super) async fn refused(toolbox: &Toolbox, name: &str, arguments: Value) -> String {
    match call(toolbox, name, arguments.clone()).await {
        Err(ToolError::Said(what)) => what,
        other => panic!("{name} {arguments}: {other:?}"),
    }
}

#[tokio::test]
async fn files_are_read_listed_and_searched_alike() {
    let place = Place::new();
    place.write("src/huge.txt", "x".repeat(100_000));
    place.write("bin", b"a\0b");
    place.commit();
    for toolbox in [place.tree(), place.revision("HEAD").await] {
        let all = call(&toolbox, "read_file", json!({"path": "src/a.rs"})).await.unwrap();
        assert_eq!(all, "     1  fn one() {}\n     2  fn two() {}\n     3  fn three() {}\n");
        let some =
            call(&toolbox, "read_file", json!({"path": "./src/a.rs", "from_line": 2, "to_line": 2})).await.unwrap();
        assert_eq!(some, "     2  fn two() {}\n[lines 2 to 2 of 3]\n");
        assert!(refused(&toolbox, "read_file", json!({"path": "src/a.rs", "from_line": 9})).await.contains("3 lines"));
        assert!(refused(&toolbox, "read_file", json!({"path": "bin"})).await.contains("not text"));
        assert!(refused(&toolbox, "read_file", json!({"path": "src"})).await.contains("directory"));
        assert!(refused(&toolbox, "read_file", json!({"path": "none"})).await.contains("there is no"));
        assert!(refused(&toolbox, "read_file", json!({"file": "x"})).await.contains("do not fit"));
        let huge = call(&toolbox, "read_file", json!({"path": "src/huge.txt"})).await.unwrap();
        assert!(huge.len() < 3_000 && huge.contains("98000 bytes more"), "{}", huge.len());

        let top = call(&toolbox, "list_dir", json!({})).await.unwrap();
        assert_eq!(top, "README.md  (8 bytes)\nbin  (3 bytes)\nsrc/\n");

        let found = call(&toolbox, "grep", json!({"pattern": "fn t", "glob": "*.rs"})).await.unwrap();
        assert_eq!(found, "src/a.rs:2: fn two() {}\nsrc/a.rs:3: fn three() {}\n");
        let found = call(&toolbox, "grep", json!({"pattern": "HELLO", "ignore_case": true})).await.unwrap();
        assert_eq!(found, "README.md:1: # Hello\n");
        let none = call(&toolbox, "grep", json!({"pattern": "nothing here", "path": "src"})).await.unwrap();
        assert_eq!(none, "[no line matches]\n");
    }
}

#[tokio::test]
async fn patterns_are_bounded() {
    let place = Place::new();
    place.write("many", "a\n".repeat(1_000));
    let toolbox = place.tree();
    for bad in ["(", "a{1000}{1000}{1000}", &"x".repeat(2_000)] {
        assert!(refused(&toolbox, "grep", json!({"pattern": bad})).await.contains("pattern"), "{bad}");
    }
    let many = call(&toolbox, "grep", json!({"pattern": "a", "glob": "many"})).await.unwrap();
    assert_eq!(many.lines().count(), 301);
    assert!(many.ends_with("[only the first 300 matches are shown; narrow the search]\n"));
    // What takes other engines for ever.
    place.write("evil", "a".repeat(50_000));
    let evil = call(&toolbox, "grep", json!({"pattern": "^(a+)+$b", "glob": "evil"})).await.unwrap();
    assert_eq!(evil, "[no line matches]\n");
}
