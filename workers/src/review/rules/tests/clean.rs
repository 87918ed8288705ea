//! Flotilla's own sources as if they were new: what is severe here is a false alarm.

use super::{check_files, new_file};
use flotilla_jobs::kinds::Severity;
use std::{
    fs,
    path::{Path, PathBuf},
};

#[test]
fn this_repository_is_clean() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut paths = Vec::new();
    walk(root, &mut paths);
    let texts: Vec<(String, Vec<u8>)> = paths
        .iter()
        .map(|path| (path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap()))
        .collect();
    assert!(texts.len() > 100, "only {} files in {}", texts.len(), root.display());
    let files = texts.iter().map(|(path, text)| new_file(path, text)).collect();
    let mut found = check_files(files);
    for finding in &found {
        // For whoever tunes a rule: `cargo test this_repository_is_clean -- --nocapture`.
        println!("{} {} {}:{} {}", finding.severity, finding.rule, finding.path, finding.start_line, finding.excerpt);
    }
    // The tables of samples for the rules themselves.
    found.retain(|finding| finding.severity >= Severity::High && !finding.path.contains("review/rules/"));
    assert!(found.is_empty(), "{found:#?}");
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
    const ENDINGS: [&str; 12] = ["rs", "toml", "md", "sql", "lua", "py", "sh", "yml", "yaml", "json", "html", "js"];
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !path.is_symlink() {
            if !name.starts_with('.') && !["target", "node_modules"].contains(&name) {
                walk(&path, paths);
            }
        } else if path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known)) {
            paths.push(path);
        }
    }
}
