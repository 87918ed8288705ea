//! Repositories that try to run programs, to hide lines, or to be taken for options.

use crate::repo::{Repo, files, run, tree_from};
use flotilla_workers::review::{Roots, Watch, review};
use std::{
    fs,
    io::{ErrorKind, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::Command,
    sync::Arc,
    time::Duration,
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Nothing here takes longer.
const LIMIT: Duration = Duration::from_secs(30);

/// Configures a program wherever git runs one. It leaves a file behind, which must not be there.
fn arm(repo: &Repo) -> PathBuf {
    let ran = repo.beside("ran");
    let program = repo.beside("program");
    fs::write(&program, format!("#!/bin/sh\necho \"$0 $@\" >> '{}'\ncat\n", ran.display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let hooks = repo.top.join(".git/hooks");
    fs::create_dir_all(&hooks).unwrap();
    for hook in ["post-index-change", "fsmonitor-watchman", "reference-transaction"] {
        fs::copy(&program, hooks.join(hook)).unwrap();
    }
    let program = program.to_str().unwrap();
    for key in [
        "core.fsmonitor",
        "core.pager",
        "pager.diff",
        "core.editor",
        "core.sshCommand",
        "core.alternateRefsCommand",
        "diff.external",
        "diff.d.command",
        "diff.d.textconv",
        "filter.f.clean",
        "filter.f.smudge",
        "filter.a=b.c.process",
        "gpg.program",
        "credential.helper",
        "alias.diff",
    ] {
        repo.git(&["config", key, program]);
    }
    repo.git(&["config", "filter.a=b.c.required", "true"]);
    // And one that only an included file names.
    fs::write(repo.beside("more"), format!("[filter \"inner\"]\n\tclean = {program}\n\trequired = true\n")).unwrap();
    repo.git(&["config", "include.path", repo.beside("more").to_str().unwrap()]);
    let _ = fs::remove_file(&ran);
    ran
}

#[tokio::test]
async fn no_program_of_the_repository_runs() {
    let repo = Repo::new();
    repo.commit(".gitattributes", "*.d diff=d\n*.f filter=f\n*.p filter=a=b.c\n*.i filter=inner\n");
    for name in ["x.d", "x.f", "x.p", "x.i"] {
        repo.commit(name, "old\n");
    }
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    for name in ["x.d", "x.f", "x.p", "x.i"] {
        repo.commit(name, "new\n");
    }
    let ran = arm(&repo);
    for name in ["x.d", "x.f", "x.p", "x.i", "y.f"] {
        repo.write(name, "newer\n");
    }
    let _ = fs::remove_file(&ran);
    let committed = repo.review().await;
    assert_eq!(files(&committed), [("x.d", 1, 1), ("x.f", 1, 1), ("x.i", 1, 1), ("x.p", 1, 1)]);
    let all = repo.review_with(true).await;
    assert_eq!(all.files.len(), 5);
    let roots = Roots::Below(vec![repo.top.clone()]);
    review(&repo.source(), &roots.into(), &Watch::default()).await.unwrap();
    assert!(!ran.exists(), "ran: {}", fs::read_to_string(&ran).unwrap_or_default());
}

#[tokio::test]
async fn the_trap_works() {
    // Proves that the test above tests something: git itself does run these programs.
    let repo = Repo::new();
    repo.commit(".gitattributes", "*.f filter=f\n");
    repo.commit("x.f", "old\n");
    let ran = arm(&repo);
    repo.write("x.f", "newer\n");
    let _ = fs::remove_file(&ran);
    let _ = Command::new("git").current_dir(&repo.top).args(["diff", "--stat"]).output();
    assert!(ran.exists());
}

#[tokio::test]
async fn the_repository_is_not_written_to() {
    let repo = Repo::on_branch();
    repo.commit("x", "x\n");
    repo.write("x", "y\n");
    repo.write("new", "y\n");
    let list = || {
        let mut open = vec![repo.top.join(".git")];
        let mut found = Vec::new();
        while let Some(dir) = open.pop() {
            for entry in fs::read_dir(dir).unwrap().flatten() {
                let data = entry.metadata().unwrap();
                if data.is_dir() {
                    open.push(entry.path());
                } else {
                    found.push((entry.path(), data.modified().unwrap(), data.len()));
                }
            }
        }
        found.sort();
        found
    };
    let before = list();
    repo.review_with(true).await;
    assert_eq!(list(), before);
}

#[tokio::test]
async fn a_change_cannot_hide_its_lines_by_attributes() {
    let repo = Repo::on_branch();
    repo.write(".gitattributes", "* -diff\n*.rs binary\n");
    repo.commit("x.rs", "a\nb\n");
    let review = repo.review().await;
    assert_eq!(files(&review), [(".gitattributes", 2, 0), ("x.rs", 2, 0)]);
    assert_eq!(files(&repo.review_with(true).await).len(), 2);
}

#[tokio::test]
async fn names_that_look_like_options_are_names() {
    let repo = Repo::on_branch();
    let trap = repo.beside("output");
    repo.write("--output=x", "a\n");
    repo.write(":(exclude)*", "a\n");
    repo.commit("-z", "b\n");
    // Git refuses to make such a branch by name, but not to have one.
    let name = format!("--output={}", trap.display()).replace('/', "_");
    fs::write(repo.top.join(".git/refs/heads").join(&name), format!("{}\n", repo.id("main"))).unwrap();
    let review = run(&tree_from(&repo.top, &format!("refs/heads/{name}"))).await.unwrap();
    assert_eq!(files(&review), [("--output=x", 1, 0), ("-z", 1, 0), (":(exclude)*", 1, 0)]);
    // Past the check of the job kind, it still is no option.
    for revision in [name.as_str(), "--all", "-h", "--output=x"] {
        let _ = run(&tree_from(&repo.top, revision)).await;
    }
    repo.write("--untracked", "x\n");
    assert_eq!(repo.review_with(true).await.files.len(), 4);
    assert!(!trap.exists() && !repo.top.join("x").exists());
}

#[tokio::test]
async fn settings_of_the_repository_do_not_change_how_a_diff_is_written() {
    let repo = Repo::on_branch();
    repo.commit("x y", "a\n\nb\n");
    for (key, value) in [
        ("diff.noprefix", "true"),
        ("diff.mnemonicPrefix", "true"),
        ("diff.srcPrefix", "zz/"),
        ("diff.suppressBlankEmpty", "true"),
        ("diff.context", "0"),
        ("diff.submodule", "log"),
        ("diff.orderFile", "/nonexistent"),
        ("diff.relative", "true"),
        ("diff.wsErrorHighlight", "all"),
        ("diff.colorMoved", "zebra"),
        ("color.ui", "always"),
        ("color.diff", "always"),
        ("core.quotePath", "false"),
        ("core.bigFileThreshold", "1"),
        ("diff.ignoreSubmodules", "all"),
        ("diff.algorithm", "patience"),
        ("diff.renames", "copies"),
        ("core.abbrev", "4"),
    ] {
        repo.git(&["config", key, value]);
    }
    assert_eq!(files(&repo.review_with(true).await), [("x y", 3, 0)]);
}

#[tokio::test]
async fn a_call_that_hangs_ends_with_the_review() {
    let repo = Repo::on_branch();
    let pipe = repo.beside("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    repo.git(&["config", "include.path", pipe.to_str().unwrap()]);
    let cancelled = CancellationToken::new();
    let watch = Watch::new(cancelled.clone(), CancellationToken::new(), Arc::new(|_, _, _: &str| ()));
    let source = repo.source();
    let hanging = tokio::spawn(async move { review(&source, &Roots::Anywhere.into(), &watch).await });
    // Opening the pipe for writing returns once git has opened it for reading.
    let writer = tokio::task::spawn_blocking(move || fs::OpenOptions::new().write(true).open(pipe));
    let mut writer = timeout(LIMIT, writer).await.unwrap().unwrap().unwrap();
    cancelled.cancel();
    let error = timeout(LIMIT, hanging).await.unwrap().unwrap().unwrap_err();
    assert!(error.is_transient(), "{error}");
    // Nobody reads any more: the process is gone. A pipe holds 64 KiB, so a reader that only sleeps is told as well.
    let gone = tokio::task::spawn_blocking(move || {
        loop {
            if let Err(error) = writer.write_all(&[b'#'; 4096]) {
                return error.kind();
            }
        }
    });
    assert_eq!(timeout(LIMIT, gone).await.unwrap().unwrap(), ErrorKind::BrokenPipe);
}
