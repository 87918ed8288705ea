//! What holds for all rules, and the means to test one.

mod areas;
mod clean;
mod limits;

use super::{Facts, catalog, check};
use crate::review::{
    change::{Change, ChangedFile},
    diff::{FileDiff, Hunk, Kind, Line},
};
use flotilla_jobs::kinds::Finding;
use proptest::prelude::*;
use std::{borrow::Cow, collections::HashSet};

/// A new file with this text.
pub(super) fn new_file<'a>(path: &'a str, text: &'a [u8]) -> ChangedFile<'a> {
    let lines: Vec<_> = text
        .strip_suffix(b"\n")
        .unwrap_or(text)
        .split(|byte| *byte == b'\n')
        .map(|text| Line { kind: Kind::Added, text, newline: true })
        .collect();
    let hunk = Hunk { old_start: 0, old_lines: 0, new_start: 1, new_lines: lines.len() as u32, section: b"", lines };
    let diff = FileDiff { new_path: Some(Cow::Borrowed(path.as_bytes())), hunks: vec![hunk], ..FileDiff::default() };
    ChangedFile { diff, size: Some(text.len() as u64), text_rules: true }
}

pub(super) fn check_files(files: Vec<ChangedFile<'_>>) -> Vec<Finding> {
    check(&Change { files }, &Facts::default())
}

/// What is found if the file is new.
pub(super) fn check_text(path: &str, text: &str) -> Vec<Finding> {
    check_files(vec![new_file(path, text.as_bytes())])
}

/// Each text is a file of its own, and the rule finds something in it.
pub(super) fn fires(rule: &str, path: &str, texts: &[&str]) {
    for text in texts {
        let found = check_text(path, text);
        assert!(found.iter().any(|finding| finding.rule == rule), "{rule} is silent about {text:?}: {found:#?}");
    }
}

/// Each text is a file of its own, and the rule finds nothing in it.
pub(super) fn silent(rule: &str, path: &str, texts: &[&str]) {
    for text in texts {
        let found = check_text(path, text);
        assert!(found.iter().all(|finding| finding.rule != rule), "{rule} fires on {text:?}: {found:#?}");
    }
}

/// Text that looks random, and is the same each time: samples of secrets are made, so that none is in the repository.
pub(super) fn random(alphabet: &str, length: usize) -> String {
    let alphabet: Vec<char> = alphabet.chars().collect();
    let mut state: u64 = 0x9E37_79B9_7F4A_7C15 ^ length as u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        alphabet[(state >> 33) as usize % alphabet.len()]
    };
    (0..length).map(|_| next()).collect()
}

pub(super) const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
pub(super) const BASE32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
pub(super) const HEX: &str = "0123456789abcdef";

#[test]
fn the_catalog_lists_each_rule_once_with_words_for_people() {
    let mut seen = HashSet::new();
    for rule in catalog() {
        assert!(seen.insert(rule.id), "{} is there twice", rule.id);
        let well_formed = |id: &str| id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let (area, name) = rule.id.split_once('/').unwrap();
        assert!(well_formed(area) && well_formed(name), "{}", rule.id);
        assert!((1..=80).contains(&rule.title.chars().count()), "{}: {}", rule.id, rule.title);
        assert!(!rule.title.ends_with('.') && rule.why.ends_with('.'), "{}", rule.id);
    }
    assert!(seen.len() > 70, "only {} rules", seen.len());
}

#[test]
fn fingerprints_survive_moved_lines_and_tell_repeats_apart() {
    let once = check_text("src/a.rs", "dbg!(x);\n");
    let moved = check_text("src/a.rs", "fn a() {\n    dbg!(x);\n    dbg!(x);\n}\n");
    assert_eq!(once[0].fingerprint, moved[0].fingerprint);
    assert_ne!(moved[0].fingerprint, moved[1].fingerprint);
    assert_ne!(once[0].fingerprint, check_text("src/b.rs", "dbg!(x);\n")[0].fingerprint);
    assert!(once[0].fingerprint.len() == 32 && once[0].fingerprint.bytes().all(|b| b.is_ascii_hexdigit()));
}

#[test]
fn context_and_removed_lines_are_not_reported() {
    let mut file = new_file("src/a.rs", b"dbg!(1);\ndbg!(2);\ndbg!(3);");
    file.diff.hunks[0].new_start = 10;
    file.diff.hunks[0].lines[0].kind = Kind::Context;
    file.diff.hunks[0].lines[1].kind = Kind::Removed;
    let found = check_files(vec![file]);
    assert_eq!(found.iter().map(|f| (f.start_line, f.end_line)).collect::<Vec<_>>(), [(11, 11)]);
}

#[test]
fn comments_and_strings_are_not_code() {
    silent(
        "debug/rust-dbg",
        "src/a.rs",
        &["// dbg!(x)", "let a = \"dbg!(x)\";", "/* a\n dbg!(x)\n*/", "let a = r#\"\"dbg!(\"#;"],
    );
    fires(
        "debug/rust-dbg",
        "src/a.rs",
        &["let a = '\"'; dbg!(x);", "fn f<'a>(x: &'a str) { dbg!(x) }", "/* a */ dbg!(x)"],
    );
    silent("danger/python-eval", "a.py", &["\"\"\"\neval(x)\n\"\"\"", "# eval(x)", "a = 'eval(x)'"]);
    fires("danger/python-eval", "a.py", &["a = \"it's\"; eval(x)", "\"\"\"doc\"\"\"\neval(x)"]);
    silent("danger/js-eval", "a.js", &["// eval(x)", " * eval(x)", "const a = `\n eval(x)\n`;"]);
}

#[test]
fn only_whole_files_are_looked_at_where_asked() {
    let mut file = new_file("a.env", b"TOKEN=kJ8sk2Lq9wZ\ndbg!(x)");
    file.text_rules = false;
    assert_eq!(check_files(vec![file]).iter().map(|f| f.rule.as_str()).collect::<Vec<_>>(), ["file/env"]);
}

proptest! {
    #[test]
    fn any_bytes_give_findings_on_added_lines(
        path in prop::sample::select(vec!["a.rs", "a.py", "a.ts", "a.go", "A.java", "a.sh", "migrations/1.sql", "a.md", "a", "test/a.js"]),
        lines in prop::collection::vec((0..3u8, any_line()), 0..20),
    ) {
        let lines: Vec<_> = lines.iter().map(|(kind, text)| {
            let kind = [Kind::Added, Kind::Context, Kind::Removed][usize::from(*kind)];
            Line { kind, text, newline: true }
        }).collect();
        let numbers: Vec<_> = (7..).zip(lines.iter().filter(|line| line.kind != Kind::Removed)).collect();
        let hunk = Hunk { old_start: 7, old_lines: 0, new_start: 7, new_lines: 0, section: b"", lines: lines.clone() };
        let diff = FileDiff { old_path: Some(path.as_bytes().into()), new_path: Some(path.as_bytes().into()), hunks: vec![hunk], ..FileDiff::default() };
        for finding in check_files(vec![ChangedFile { diff, size: None, text_rules: true }]) {
            for line in [finding.start_line, finding.end_line] {
                let added = numbers.iter().any(|(number, row)| *number == line && row.kind == Kind::Added);
                prop_assert!(added || line == 0, "{finding:?}");
            }
            prop_assert!(finding.start_line <= finding.end_line);
        }
    }
}

/// Bytes, and pieces that rules and layers look for.
fn any_line() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "-----BEGIN PRIVATE KEY-----",
        "<<<<<<< a",
        "=======",
        ">>>>>>> b",
        "dbg!(",
        "eval(x",
        "/*",
        "*/",
        "\"\"\"",
        "r#\"",
        "'",
        "\\",
        "é",
        "\u{202e}",
        "аb",
        "password = \"",
        "TODO",
        "// ",
        "# ",
        "-- ",
        "$$",
        ";",
        "DROP TABLE a",
        "rm -rf $A/",
        "shell=True",
        "#\u{5b}ignore]",
        "fit(",
        "`",
        "yaml.load(a)",
        "UPDATE a SET b = 1",
    ];
    let piece = prop_oneof![
        prop::sample::select(pieces.to_vec()).prop_map(|piece| piece.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>().prop_filter("one line", |byte| *byte != b'\n'), 0..8),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}
