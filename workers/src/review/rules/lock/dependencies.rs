//! Whether the diff of a manifest changes what is to be locked.
//!
//! A diff shows a few lines, so the section a line is in may be out of sight: then only lines count that look like a
//! dependency whatever their section.

use crate::review::{
    diff::{FileDiff, Kind},
    rules::pattern,
};
use regex::Regex;
use std::{collections::BTreeMap, sync::LazyLock};

/// A dependency's name and requirement.
type Entry = (String, String);

pub type Reader = fn(&FileDiff<'_>) -> bool;

/// Dependencies by name: what the removed and what the added lines ask for.
#[derive(Default)]
struct Delta(BTreeMap<String, [Option<String>; 2]>);

impl Delta {
    /// Reads lines with `parse`, which gets the section, where it is known, and gives name and requirement.
    fn read(
        diff: &FileDiff<'_>,
        section: fn(&str) -> Option<String>,
        parse: fn(Option<&str>, &str) -> Option<Entry>,
    ) -> Self {
        let mut delta = Self::default();
        for hunk in &diff.hunks {
            let mut current = None;
            for line in &hunk.lines {
                let text = String::from_utf8_lossy(line.text);
                if let Some(found) = section(&text) {
                    current = Some(found);
                } else if let Some((name, requirement)) = parse(current.as_deref(), &text) {
                    let sides = delta.0.entry(name).or_default();
                    match line.kind {
                        Kind::Removed => sides[0] = Some(requirement),
                        Kind::Added => sides[1] = Some(requirement),
                        Kind::Context => *sides = [Some(requirement.clone()), Some(requirement)],
                    }
                }
            }
        }
        delta
    }

    fn has_new_names(&self) -> bool {
        self.0.values().any(|[before, after]| before.is_none() && after.is_some())
    }

    fn has_changes(&self) -> bool {
        self.0.values().any(|[before, after]| before != after)
    }
}

static TOML_SECTION: LazyLock<Regex> = LazyLock::new(|| pattern::compile(r"^\s*\[+([^\]]+)\]+\s*(?:#.*)?$"));
static CARGO: LazyLock<Regex> = LazyLock::new(|| pattern::compile(r"^\s*([\w-]+)(?:\.workspace)?\s*=\s*(.+)$"));
static PYTHON: LazyLock<Regex> = LazyLock::new(|| {
    pattern::compile(r#"^\s*["']([\w.-]+)(?:\[[^\]]*\])?\s*((?:[<>=!~]=?|@)[^"']*)["']\s*,?\s*(?:#.*)?$"#)
});
static POETRY: LazyLock<Regex> = LazyLock::new(|| pattern::compile(r"^\s*([\w.-]+)\s*=\s*(.+)$"));
static JSON_SECTION: LazyLock<Regex> = LazyLock::new(|| pattern::compile(r#"^\s*"([\w-]+)"\s*:\s*\{"#));
static JSON_ENTRY: LazyLock<Regex> =
    LazyLock::new(|| pattern::compile(r#"^\s*"([@\w./-]+)"\s*:\s*"([^"]*)"\s*,?\s*$"#));
static GO: LazyLock<Regex> =
    LazyLock::new(|| pattern::compile(r"^\s*(?:require\s+)?([a-z0-9.-]+\.[a-z]+/[^\s]+)\s+(v\d[^\s]*)\s*(?://.*)?$"));
static GEM: LazyLock<Regex> = LazyLock::new(|| pattern::compile(r#"^\s*gem\s*\(?\s*["']([\w.-]+)["'](.*)$"#));

fn toml_section(line: &str) -> Option<String> {
    Some(TOML_SECTION.captures(line)?[1].to_owned())
}

fn json_section(line: &str) -> Option<String> {
    // A closing brace leaves the section; what follows it is out of sight again.
    if line.trim_start().starts_with('}') {
        return Some("?".to_owned());
    }
    Some(JSON_SECTION.captures(line)?[1].to_owned())
}

fn pair(regex: &Regex, line: &str) -> Option<Entry> {
    let captures = regex.captures(line)?;
    Some((captures[1].to_owned(), captures[2].split_whitespace().collect::<String>()))
}

/// Only new names: a requirement may rise up to what is locked already, and features need not pull anything in.
pub fn cargo(diff: &FileDiff<'_>) -> bool {
    let parse = |section: Option<&str>, line: &str| {
        let section = section?;
        let listed = section.ends_with("dependencies") && !section.starts_with("workspace");
        listed.then(|| pair(&CARGO, line)).flatten()
    };
    Delta::read(diff, toml_section, parse).has_new_names()
}

/// Only new names: sums of what is no longer required may stay.
pub fn go(diff: &FileDiff<'_>) -> bool {
    let section = |line: &str| {
        let word = line.trim_end().strip_suffix('(')?.trim();
        ["require", "replace", "exclude", "retract"].contains(&word).then(|| word.to_owned())
    };
    let parse = |section: Option<&str>, line: &str| {
        section.is_none_or(|section| section == "require").then(|| pair(&GO, line)).flatten()
    };
    Delta::read(diff, section, parse).has_new_names()
}

/// The lock file repeats each requirement.
pub fn npm(diff: &FileDiff<'_>) -> bool {
    let parse = |section: Option<&str>, line: &str| {
        let (name, requirement) = pair(&JSON_ENTRY, line)?;
        let certain = match section {
            Some(section) if section != "?" => section.to_ascii_lowercase().ends_with("dependencies"),
            _ => {
                requirement.starts_with(['^', '~'])
                    && !["node", "npm", "yarn", "pnpm", "bun", "vscode", "version", "electron"].contains(&name.as_str())
            }
        };
        certain.then_some((name, requirement))
    };
    Delta::read(diff, json_section, parse).has_changes()
}

/// The lock file has a hash over the requirements.
pub fn composer(diff: &FileDiff<'_>) -> bool {
    let parse = |section: Option<&str>, line: &str| {
        let (name, requirement) = pair(&JSON_ENTRY, line)?;
        let certain = match section {
            Some(section) if section != "?" => section == "require" || section == "require-dev",
            _ => name.contains('/') && requirement.starts_with(['^', '~']),
        };
        certain.then_some((name, requirement))
    };
    Delta::read(diff, json_section, parse).has_changes()
}

/// The lock files repeat each requirement, or have a hash over them.
pub fn python(diff: &FileDiff<'_>) -> bool {
    let parse = |section: Option<&str>, line: &str| match section {
        Some(section) if section.ends_with("dependencies") && section.starts_with("tool.poetry") => pair(&POETRY, line),
        Some(section) if section.starts_with("tool.") || section == "build-system" => None,
        _ => pair(&PYTHON, line),
    };
    Delta::read(diff, toml_section, parse).has_changes()
}

/// The lock file repeats each requirement.
pub fn gem(diff: &FileDiff<'_>) -> bool {
    Delta::read(diff, |_| None, |_, line| pair(&GEM, line)).has_changes()
}
