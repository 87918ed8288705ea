//! Every source of settings, which of them wins, and what a wrong setting is answered with.

mod budgets;
mod mcp;
mod models;
mod property;
mod safety;
mod tools;

use super::{Inputs, Listen, Loaded, LogFormat, load, may_listen, people, to_json};
use secrecy::ExposeSecret;
use std::{fs, path::PathBuf};
use tempfile::TempDir;

/// Inputs with a file, variables and flags.
struct World {
    dir: TempDir,
    inputs: Inputs,
}

impl World {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), inputs: Inputs::default() }
    }

    fn file(mut self, text: &str) -> Self {
        self.inputs.file = Some(self.write("flotilla.toml", text));
        self
    }

    fn var(mut self, name: &str, text: &str) -> Self {
        self.inputs.vars.push((name.to_owned(), text.to_owned()));
        self
    }

    fn flag(mut self, flag: &str, key: &str, text: &str) -> Self {
        self.inputs.flags.push((flag.to_owned(), key.to_owned(), text.to_owned()));
        self
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn load(&self) -> Loaded {
        load(&self.inputs).unwrap()
    }

    /// The error, without the directory in it.
    fn error(&self) -> String {
        let error = load(&self.inputs).unwrap_err().to_string();
        error.replace(&format!("{}/", self.dir.path().display()), "")
    }
}

#[test]
fn the_defaults_are_these() {
    assert_eq!(people(&World::new().load()).join("\n") + "\n", include_str!("tests/defaults.txt"));
}

#[test]
fn later_sources_win() {
    let world = World::new().file("[worker]\nconcurrency = 1\nlease_ms = 30000\npoll_ms = 10\n");
    let world = world.var("FLOTILLA_WORKER__CONCURRENCY", "2").var("FLOTILLA_WORKER__LEASE_MS", "20000");
    let loaded = world.flag("--concurrency", "worker.concurrency", "3").load();
    let worker = &loaded.config.worker;
    assert_eq!((worker.concurrency, worker.lease_ms, worker.poll_ms, worker.drain_ms), (3, 20_000, 10, 25_000));

    let lines = people(&loaded).join("\n");
    for (key, source) in [
        ("worker.concurrency = 3", "# --concurrency"),
        ("worker.lease_ms = 20000", "# FLOTILLA_WORKER__LEASE_MS"),
        ("worker.poll_ms = 10", "flotilla.toml:4"),
        ("worker.drain_ms = 25000", "# default"),
    ] {
        let line = lines.lines().find(|line| line.starts_with(key)).unwrap_or_else(|| panic!("no {key} in {lines}"));
        assert!(line.ends_with(source), "{line}");
    }
}

#[test]
fn every_type_can_come_from_the_environment() {
    let world = World::new()
        .var("FLOTILLA_HTTP__ACCEPT_UNKNOWN_KINDS", "true")
        .var("FLOTILLA_HTTP__REVIEW_ROOTS", "/a, /b")
        .var("FLOTILLA_WORKER__QUEUES", "fast=3, slow")
        .var("FLOTILLA_WORKER__PRUNE_AFTER_DAYS_OF", "failed=90")
        .var("FLOTILLA_WORKER__HTTP__LISTEN", "off")
        .var("FLOTILLA_HTTP__LISTEN", "localhost:0")
        .var("FLOTILLA_QUEUES__SLOW__CAP", "4")
        .var("FLOTILLA_LOG__FORMAT", "json")
        .var("RUST_LOG", "debug")
        .var("UNRELATED", "x");
    let config = world.load().config;
    assert!(config.http.accept_unknown_kinds);
    assert_eq!(config.http.review_roots, [PathBuf::from("/a"), PathBuf::from("/b")]);
    assert_eq!(config.worker.queues.into_iter().collect::<Vec<_>>(), [("fast".into(), 3), ("slow".into(), 1)]);
    assert_eq!(config.worker.prune_after_days_of["failed"], 90);
    assert_eq!(config.worker.http.listen, Listen::Off);
    assert_eq!(config.http.listen, Listen::On(([127, 0, 0, 1], 0).into()));
    assert_eq!(config.queues["slow"].cap, Some(4));
    assert_eq!((config.log.format, config.log.level.as_str()), (LogFormat::Json, "debug"));
}

#[test]
fn a_table_of_queues_replaces_the_default_one() {
    let config = World::new()
        .file("worker.queues = { slow = 1 }\n[queues.slow]\ncap = 2\n[queues.fast]\nmax_waiting = 5\n")
        .load()
        .config;
    assert_eq!(config.worker.queues.keys().collect::<Vec<_>>(), ["slow"]);
    assert_eq!((config.queues["slow"].cap, config.queues["slow"].max_waiting), (Some(2), None));
    assert_eq!((config.queues["fast"].cap, config.queues["fast"].max_waiting), (None, Some(5)));
}

#[test]
fn a_wrong_setting_is_named_with_its_place_and_what_is_right() {
    let cases = [
        (
            "[worker]\n\nconcurency = 5\n",
            "flotilla.toml:3: worker.concurency: unknown setting; did you mean `worker.concurrency`?",
        ),
        ("concurrency = 5\n", "flotilla.toml:1: concurrency: unknown setting; did you mean `worker.concurrency`?"),
        ("[wrker]\nqueues = {}\n", "flotilla.toml:1: wrker: unknown setting; did you mean `worker`?"),
        (
            "[queues.slow]\ncapp = 5\n",
            "flotilla.toml:2: queues.slow.capp: unknown setting; did you mean `queues.NAME.cap`?",
        ),
        ("worker = 3\n", "flotilla.toml:1: worker: is a section; use a table"),
        ("[worker]\nconcurrency = \"5\"\n", "flotilla.toml:2: worker.concurrency: expected an integer, found a string"),
        ("[worker]\nconcurrency = 0\n", "flotilla.toml:2: worker.concurrency: is 0; use 1 to 10000"),
        (
            "[worker]\nrenew_ms = 9000\n",
            "flotilla.toml:2: worker.renew_ms: is 9000; use 100 to 5000 (a third of worker.lease_ms, so that one lost call costs nothing)",
        ),
        (
            "[worker]\nprune_after_days_of = { running = 1 }\n",
            "flotilla.toml:2: worker.prune_after_days_of: `running` is no state that jobs end in; use completed, failed, cancelled, quarantined",
        ),
        (
            "[log]\nformat = \"xml\"\n",
            "flotilla.toml:2: log.format: unknown variant `xml`, expected `pretty` or `json`",
        ),
        (
            "[http]\nlisten = \"8080\"\n",
            "flotilla.toml:2: http.listen: `8080` is not an address; use IP:PORT such as 127.0.0.1:8080",
        ),
        (
            "[http]\ntoken = \"short\"\n",
            "flotilla.toml:2: http.token: is 5 bytes long; use 16 to 512, such as `openssl rand -hex 32`",
        ),
        ("[http]\nreview_roots = [\"here\"]\n", "flotilla.toml:2: http.review_roots: `here` is not absolute"),
        (
            "[store]\nurl = \"postgres://x\"\n",
            "flotilla.toml:2: store.url: use sqlite:PATH; for Redis and PostgreSQL set store.redis_url and store.postgres_url",
        ),
        (
            "[worker]\nqueues = { \"A b\" = 1 }\n",
            "flotilla.toml:2: worker.queues: `A b` is not a name; use 1 to 63 of a-z, 0-9, `-`, `_`, `.`, starting with a letter or digit",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(World::new().file(text).error(), message);
    }
    let error = World::new().var("FLOTILLA_HTP__LISTEN", "x").error();
    assert_eq!(error, "FLOTILLA_HTP__LISTEN: unknown setting; did you mean FLOTILLA_HTTP__LISTEN?");
    let error = World::new().var("FLOTILLA_STORE__POOL", "many").error();
    assert_eq!(error, "FLOTILLA_STORE__POOL: store.pool: expected an integer");
    let error = World::new().flag("--set", "worker.leese_ms", "1").error();
    assert_eq!(error, "--set: worker.leese_ms: unknown setting; did you mean `worker.lease_ms`?");
    let error = World::new().var("FLOTILLA_STORE__REDIS_URL", "redis://r").error();
    assert_eq!(error, "store.postgres_url: is not set, but store.redis_url is: a remote store needs both");
}

#[test]
fn a_file_that_is_no_toml_is_not_quoted() {
    let error = World::new().file("[http]\ntoken = \"hunter2hunter2hunter2\n").error();
    assert!(error.starts_with("flotilla.toml:2: ") && !error.contains("hunter2"), "{error}");
}

#[test]
fn secrets_come_from_files_and_are_never_shown() {
    let mut world = World::new();
    let token = world.write("token", "0123456789abcdef\n");
    world = world
        .var("FLOTILLA_HTTP__TOKEN_FILE", token.to_str().unwrap())
        .var("FLOTILLA_STORE__REDIS_URL", "redis://:hunter2@redis:6379/0")
        .var("FLOTILLA_STORE__POSTGRES_URL", "postgres://me:hunt@er2@db/flotilla?password=hunter2")
        .var("FLOTILLA_SERVER__TOKEN", "hunter2");
    let loaded = world.load();
    assert_eq!(loaded.config.http.token.as_ref().unwrap().expose_secret(), "0123456789abcdef");

    let shown = people(&loaded).join("\n") + &to_json(&loaded).to_string() + &format!("{:?}", loaded.config);
    assert!(!shown.contains("hunter2") && !shown.contains("er2@") && !shown.contains("0123456789abcdef"), "{shown}");
    assert!(
        shown.contains("redis://:***@redis:6379/0") && shown.contains("postgres://me:***@db/flotilla?***"),
        "{shown}"
    );
}

#[test]
fn a_secret_of_a_later_source_beats_a_file() {
    let mut world = World::new();
    let file = world.write("token", "from-the-file-0123");
    world = world.file(&format!("[http]\ntoken_file = \"{}\"\n", file.display()));
    assert_eq!(world.load().config.http.token.unwrap().expose_secret(), "from-the-file-0123");
    world = world.var("FLOTILLA_HTTP__TOKEN", "from-the-environment");
    assert_eq!(world.load().config.http.token.unwrap().expose_secret(), "from-the-environment");
    world = world.var("FLOTILLA_HTTP__TOKEN_FILE", file.to_str().unwrap());
    assert_eq!(world.error(), "FLOTILLA_HTTP__TOKEN_FILE: http.token_file: set either this or http.token, not both");
}

#[test]
fn a_file_is_looked_for_here_and_then_at_home() {
    let mut world = World::new();
    let home = world.dir.path().join("home");
    world.write("home/.config/flotilla/config.toml", "[worker]\nconcurrency = 7\n");
    world.inputs.vars = vec![("HOME".into(), home.display().to_string())];
    world.inputs.directory = Some(world.dir.path().to_owned());
    let loaded = world.load();
    assert_eq!(loaded.config.worker.concurrency, 7);
    let store = format!("sqlite:{}/.local/share/flotilla/flotilla.db", home.display());
    if cfg!(target_os = "linux") {
        assert_eq!(loaded.config.store.url, Some(store));
    }
    assert!(loaded.is_default("store.url"));

    let here = world.write("flotilla.toml", "[worker]\nconcurrency = 8\n");
    let loaded = world.load();
    assert_eq!((loaded.config.worker.concurrency, loaded.file), (8, Some(here)));

    world.inputs.file = Some(world.dir.path().join("missing.toml"));
    assert!(world.error().starts_with("cannot read the configuration file missing.toml: "));
}

#[test]
fn only_loopback_needs_no_token() {
    let (loopback, everywhere) = (([127, 0, 0, 1], 80).into(), ([0, 0, 0, 0], 80).into());
    assert!(may_listen("http.listen", loopback, false).is_ok());
    assert!(may_listen("http.listen", everywhere, true).is_ok());
    let (key, message) = may_listen("http.listen", everywhere, false).unwrap_err();
    assert!(key == "http.listen" && message.contains("FLOTILLA_HTTP__TOKEN_FILE"), "{message}");
}
