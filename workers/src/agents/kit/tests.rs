//! What is configured is what a run gets.

use super::*;
use crate::agents::{
    Tool,
    tool::{Role, Roles},
    tools::Hosts,
};
use serde_json::json;
use std::fs;
use tempfile::TempDir;

const ALL: [&str; 7] = ["read_file", "list_dir", "grep", "write_file", "apply_patch", "http_get", "run"];

fn scratch(dir: &TempDir) -> ScratchPlace {
    ScratchPlace { dir: dir.path().join("scratch"), limits: ScratchLimits { files: 2, bytes: 1_000 } }
}

fn http() -> HttpSettings {
    let hosts = Hosts::read(["docs.example.org"]).unwrap();
    HttpSettings { hosts, max_bytes: 1_000, timeout: Duration::from_secs(1), redirects: 0 }
}

fn names(toolbox: &Toolbox) -> Vec<&'static str> {
    ALL.into_iter().filter(|name| toolbox.get(name).is_some()).collect()
}

async fn write(toolbox: &Toolbox, path: &str, key: &str) -> bool {
    let Some(Tool::Effect(tool)) = toolbox.get("write_file") else { panic!("no write_file") };
    tool.call(json!({"path": path, "content": "x"}).as_object().unwrap(), key).await.is_ok()
}

#[tokio::test]
async fn nothing_is_there_that_is_not_configured() {
    let kit = Kit::default();
    assert!(names(&kit.toolbox(&ALL.into()).await.unwrap()).is_empty());
    assert!(kit.readiness().await.iter().all(|one| one.state == State::Off));
}

#[tokio::test]
async fn a_run_gets_those_that_its_agent_names() {
    let dir = tempfile::tempdir().unwrap();
    let kit = Kit { scratch: Some(scratch(&dir)), http: Some(http()), ..Kit::default() };
    let all = kit.toolbox(&ALL.into()).await.unwrap();
    assert_eq!(names(&all), ["read_file", "list_dir", "grep", "write_file", "apply_patch", "http_get"]);
    assert_eq!(all.lacks("write_file", &Roles::default()), Some(Role::FilesystemWrite));
    assert_eq!(names(&kit.toolbox(&["http_get"].into()).await.unwrap()), ["http_get"]);
    assert_eq!(fs::read_dir(dir.path().join("scratch")).unwrap().count(), 2, "one directory, and its lock");
    let states: Vec<_> = kit.readiness().await.into_iter().map(|one| (one.tool, one.state)).collect();
    assert_eq!(states, [("files".into(), State::Ready), (HTTP.into(), State::Ready), (RUN.into(), State::Off)]);
}

#[tokio::test]
async fn runs_have_directories_of_their_own_that_go_with_them() {
    let dir = tempfile::tempdir().unwrap();
    let kit = Kit { scratch: Some(scratch(&dir)), ..Kit::default() };
    let parent = dir.path().join("scratch");
    // What a killed process left there.
    fs::create_dir_all(parent.join("left/tree")).unwrap();
    fs::write(parent.join("left.lock"), "").unwrap();
    fs::set_permissions(&parent, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    assert_eq!(kit.readiness().await[0].state, State::Ready);
    assert_eq!(fs::read_dir(&parent).unwrap().count(), 0, "it is removed when a process starts");

    let (one, two) = (kit.toolbox(&ALL.into()).await.unwrap(), kit.toolbox(&ALL.into()).await.unwrap());
    assert!(write(&one, "a/b.txt", "1").await && write(&one, "c.txt", "2").await);
    assert!(!write(&one, "d.txt", "3").await, "two files are all that is allowed");
    assert!(write(&one, "c.txt", "4").await, "one of them may be written again");
    assert!(write(&two, "e.txt", "1").await, "the other run has room of its own");
    let Some(Tool::Pure(read)) = two.get("read_file") else { panic!("no read_file") };
    assert!(read.call(json!({"path": "c.txt"}).as_object().unwrap()).await.is_err());
    drop((one, two));
    assert_eq!(fs::read_dir(&parent).unwrap().count(), 0);
}

#[tokio::test]
async fn a_directory_that_others_may_write_to_is_not_used() {
    let dir = tempfile::tempdir().unwrap();
    let kit = Kit { scratch: Some(scratch(&dir)), ..Kit::default() };
    let parent = dir.path().join("scratch");
    fs::create_dir(&parent).unwrap();
    fs::set_permissions(&parent, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    assert_eq!(kit.readiness().await[0].state, State::Unfit);
    assert!(matches!(kit.toolbox(&ALL.into()).await, Err(Halt::Retry(fault, _)) if fault.code == "no_scratch"));
}
