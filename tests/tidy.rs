//! The rules of the tree, held by reading it: who may import what, how long a file may be, and that nothing is dead.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// No file is longer.
const MAX_LINES: usize = 400;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `dir` with this extension, and its text.
fn files(dir: &str, extension: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut open = vec![root().join(dir)];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root()).unwrap().to_owned(), text));
            }
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<(PathBuf, String)> {
    ["src", "dev-model", "jobs", "workers", "tests"].iter().flat_map(|dir| files(dir, "rs")).collect()
}

/// Lines of code: what is in a comment may say anything.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(i, line)| (i + 1, line)).filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Fails with every line of `dir` that holds one of `words`, except in files for which `allowed` says so.
fn forbid(dir: &str, words: &[&str], allowed: impl Fn(&str) -> bool, why: &str) {
    let mut found = Vec::new();
    for (path, text) in files(dir, "rs") {
        let name = path.to_string_lossy().into_owned();
        if allowed(&name) {
            continue;
        }
        for (number, line) in code(&text) {
            for word in words.iter().filter(|word| line.contains(**word)) {
                found.push(format!("{name}:{number}: `{word}`"));
            }
        }
    }
    assert!(found.is_empty(), "{why}:\n{}", found.join("\n"));
}

#[test]
fn no_file_is_longer_than_the_budget() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|(_, text)| text.lines().count() > MAX_LINES)
        .map(|(path, text)| format!("{} has {} lines", path.display(), text.lines().count()))
        .collect();
    assert!(long.is_empty(), "split by responsibility:\n{}", long.join("\n"));
}

#[test]
fn every_file_says_what_it_is() {
    let silent: Vec<String> = sources()
        .iter()
        .filter(|(_, text)| !text.starts_with("//!"))
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert!(silent.is_empty(), "begin with a `//!` line:\n{}", silent.join("\n"));
}

#[test]
fn jobs_import_no_runtime() {
    let manifest = fs::read_to_string(root().join("jobs/Cargo.toml")).unwrap();
    for heavy in ["tokio", "sqlx", "redis", "apalis", "axum", "flotilla-workers"] {
        let named = manifest.lines().any(|line| line.starts_with(heavy));
        assert!(!named, "jobs/Cargo.toml names {heavy}: a producer pays for what it does not use");
    }
}

#[test]
fn workers_import_no_front() {
    let manifest = fs::read_to_string(root().join("workers/Cargo.toml")).unwrap();
    for front in ["axum", "clap"] {
        assert!(!manifest.lines().any(|line| line.starts_with(front)), "workers/Cargo.toml names {front}");
    }
    let words = ["std::env::var", "env::vars"];
    forbid("workers/src", &words, |_| false, "workers take structs and read no environment");
}

#[test]
fn the_scripted_provider_shares_no_code_with_its_client() {
    let manifest = fs::read_to_string(root().join("dev-model/Cargo.toml")).unwrap();
    let own = |line: &&str| line.starts_with("flotilla-jobs") || line.starts_with("flotilla-workers");
    assert_eq!(manifest.lines().find(own), None, "it could no longer disagree with our reading of the formats");
}

#[test]
fn the_binary_names_no_database() {
    let words = ["sqlx::", "redis::", "apalis", "rusqlite"];
    forbid("src", &words, |_| false, "the binary speaks to the store seam only");
}

#[test]
fn only_one_file_names_apalis() {
    let allowed = |name: &str| name == "workers/src/apalis.rs" || name == "workers/src/store/redis/adopt.rs";
    forbid("workers/src", &["apalis_core", "apalis::", "apalis_redis"], allowed, "apalis has one adapter");
}

#[test]
fn drivers_stay_behind_the_seam() {
    let allowed = |name: &str| name.starts_with("workers/src/store");
    forbid("workers/src", &["sqlx", "redis::"], allowed, "executor, loops and handlers see the Store trait");
}

#[test]
fn one_module_knows_both_servers() {
    let halves =
        [("workers/src/store/redis", ["sqlx", "postgres::"]), ("workers/src/store/postgres", ["redis::", "Queues"])];
    for (dir, words) in halves {
        forbid(dir, &words, |_| false, "only store/remote touches both Redis and Postgres");
    }
}

#[test]
fn the_pipeline_and_agents_know_no_queue() {
    for dir in ["workers/src/review", "workers/src/agents"] {
        forbid(
            dir,
            &["crate::store", "crate::fleet", "crate::executor"],
            |_| false,
            "handlers and their parts know no queue",
        );
    }
}

#[test]
fn clocks_are_in_one_file() {
    let words = ["SystemTime::now", "Timestamp::now", "Zoned::now"];
    // The scripted provider is the other side of a wire: it has a clock of its own.
    let clocks = ["workers/src/clock.rs", "dev-model/src/clock.rs"];
    for dir in ["jobs/src", "workers/src", "src", "dev-model/src"] {
        forbid(dir, &words, |name| clocks.contains(&name), "time is injected");
    }
}

#[test]
fn every_statement_and_script_is_used() {
    let code: String = files("workers/src", "rs").into_iter().map(|(_, text)| text).collect();
    let mut dead = Vec::new();
    for (path, _) in files("workers/src", "sql").into_iter().chain(files("workers/src", "lua")) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !code.contains(&format!("{name}\"")) {
            dead.push(path.display().to_string());
        }
    }
    for (path, _) in files("migrations", "sql") {
        if !code.contains(&*path.to_string_lossy()) {
            dead.push(path.display().to_string());
        }
    }
    assert!(dead.is_empty(), "no code names these files:\n{}", dead.join("\n"));
}

#[test]
fn statements_and_scripts_say_their_contract() {
    for (path, text) in files("workers/src", "sql").into_iter().chain(files("workers/src", "lua")) {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(text.starts_with(&format!("-- {stem}: ")), "{}: begin with `-- {stem}: what it does`", path.display());
    }
}

#[test]
fn migrations_have_the_same_numbers_and_names_on_both_records() {
    let names = |dir: &str| -> Vec<String> {
        files(dir, "sql").iter().map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    };
    assert_eq!(names("migrations/postgres"), names("migrations/sqlite"));
}

#[test]
fn nothing_is_skipped_or_left_to_do() {
    let words = [concat!("#[ig", "nore"), concat!("to", "do!("), concat!("unimplemented", "!(")];
    for dir in ["src", "dev-model", "jobs", "workers", "tests"] {
        forbid(dir, &words, |name| name == "tests/tidy.rs", "a skipped test proves nothing");
    }
}

#[test]
fn invariants_name_the_test_that_holds_them() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut lines = text.lines().filter(|line| line.starts_with("Invariant: ")).peekable();
    assert!(lines.peek().is_some(), "ARCHITECTURE.md states no invariant");
    for line in lines {
        let held = line.rsplit_once("Held by ").map(|(_, name)| name.trim_matches(['`', '.']));
        is_a_test(held.unwrap_or_else(|| panic!("no `Held by`: {line}")));
    }
}

#[test]
fn faults_name_the_test_that_proves_them() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let faults = text.split_once("## Faults").and_then(|(_, rest)| rest.split("\n## ").next()).unwrap();
    let proofs: Vec<&str> = faults.lines().filter(|line| line.starts_with("| ")).skip(2).collect();
    assert!(!proofs.is_empty(), "the table is empty");
    for row in proofs {
        is_a_test(row.trim_end_matches(" |").rsplit(" | ").next().unwrap().trim_matches('`'));
    }
}

/// Asserts that `path::function` is there.
fn is_a_test(name: &str) {
    let (path, function) = name.split_once("::").unwrap_or_else(|| panic!("no test: {name}"));
    let file = fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    assert!(file.contains(&format!("fn {function}(")), "no {function} in {path}");
}
