//! Any text as a configuration: lines before the first `%%` are a file, lines after it `KEY=VALUE` for the environment,
//! and after another `%%` for flags.
#![no_main]
#![allow(dead_code, unused_imports, reason = "the configuration is compiled in, and most of it not asked for")]

mod config;

use config::{Inputs, load, people, to_json};
use libfuzzer_sys::fuzz_target;
use std::{path::PathBuf, sync::LazyLock};

static FILE: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("flotilla-fuzz-{}.toml", std::process::id())));

fuzz_target!(|text: &str| {
    let mut parts = text.splitn(3, "%%\n");
    let mut next = || parts.next().unwrap_or_default();
    std::fs::write(&*FILE, next()).expect("a temporary file can be written");
    let pairs = |text: &str| -> Vec<(String, String)> {
        text.lines().filter_map(|line| line.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
    };
    // Files that secrets are in are not the fuzzer's to choose.
    let reads_files = |pairs: &[(String, String)]| pairs.iter().any(|(key, _)| key.to_lowercase().contains("_file"));
    let (vars, flags) = (pairs(next()), pairs(next()));
    if text.contains("_file") || reads_files(&vars) || reads_files(&flags) {
        return;
    }
    let flags = flags.into_iter().map(|(key, value)| ("--set".to_owned(), key, value)).collect();
    match load(&Inputs { file: Some(FILE.clone()), directory: None, vars, flags }) {
        Ok(loaded) => {
            let _ = (people(&loaded), to_json(&loaded).to_string());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
