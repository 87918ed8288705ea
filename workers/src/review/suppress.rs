//! Leaves out findings that a person accepted: in the settings, or in a comment beside the line.

use super::{
    change::{Change, ChangedFile},
    diff::Kind,
    settings::{RulePattern, Settings},
};
use flotilla_jobs::kinds::Finding;
use regex::bytes::Regex;
use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

/// A comment that begins with `flotilla: ignore`, and the rules it names.
static COMMENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?:^|\s|[;{}()\[\],])(?://+|#+|--|/\*+|<!--|;+|%+)\s*flotilla:\s*ignore(?:\[([^\]]*)\]|\s|$|\*/|-->)")
        .ok()
});
/// What a line that is nothing but a comment begins with.
const OPENERS: [&[u8]; 7] = [b"//", b"#", b"--", b"/*", b"<!--", b";", b"%"];

/// The findings that stay, with the severities the team set, and how many were accepted. Those of rules that are
/// switched off count as neither.
pub(crate) fn suppress(findings: Vec<Finding>, change: &Change<'_>, settings: &Settings) -> (Vec<Finding>, u32) {
    let mut files = Files { change, by_path: None, comments: HashMap::new() };
    let mut suppressed = 0;
    let mut kept = Vec::new();
    for mut finding in findings.into_iter().filter(|finding| !settings.disables(&finding.rule)) {
        if settings.suppresses(&finding) || files.accept(&finding) {
            suppressed += 1;
            continue;
        }
        finding.severity = settings.severity(&finding.rule).unwrap_or(finding.severity);
        kept.push(finding);
    }
    (kept, suppressed)
}

/// Rules that comments accept, by line.
pub(crate) type Comments = BTreeMap<u32, Vec<RulePattern>>;

struct Files<'a, 'd> {
    change: &'a Change<'d>,
    by_path: Option<HashMap<String, &'a ChangedFile<'d>>>,
    comments: HashMap<String, Comments>,
}

impl Files<'_, '_> {
    /// Whether a comment at its lines accepts a finding.
    fn accept(&mut self, finding: &Finding) -> bool {
        if finding.start_line == 0 {
            return false;
        }
        let change = self.change;
        let by_path =
            self.by_path.get_or_insert_with(|| change.files.iter().map(|file| (file.diff.path(), file)).collect());
        let Some(file) = by_path.get(&finding.path) else { return false };
        let comments = self.comments.entry(finding.path.clone()).or_insert_with(|| comments(file));
        accepts(comments, finding)
    }
}

/// Whether comments at its lines accept a finding.
pub(crate) fn accepts(comments: &Comments, finding: &Finding) -> bool {
    let lines = finding.start_line..=finding.end_line.max(finding.start_line);
    comments.range(lines).any(|(_, rules)| rules.iter().any(|rule| rule.matches(&finding.rule)))
}

/// Which rules are accepted on which lines of the new file. A comment alone on its line speaks of the next one too.
pub(crate) fn comments(file: &ChangedFile<'_>) -> Comments {
    let mut found = Comments::new();
    for hunk in &file.diff.hunks {
        let mut number = hunk.new_start;
        for line in hunk.lines.iter().filter(|line| line.kind != Kind::Removed) {
            if let Some(rules) = accepted(line.text) {
                if is_comment(line.text) {
                    found.entry(number.saturating_add(1)).or_default().extend(rules.clone());
                }
                found.entry(number).or_default().extend(rules);
            }
            number = number.saturating_add(1);
        }
    }
    found
}

/// The rules a line's comment accepts, if it holds such a comment.
fn accepted(text: &[u8]) -> Option<Vec<RulePattern>> {
    let captures = COMMENT.as_ref()?.captures(text)?;
    let Some(list) = captures.get(1) else { return RulePattern::parse("*").map(|all| vec![all]) };
    let list = std::str::from_utf8(list.as_bytes()).unwrap_or_default();
    Some(list.split(',').filter_map(|rule| RulePattern::parse(rule.trim())).collect())
}

fn is_comment(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    OPENERS.iter().any(|opener| text.starts_with(opener))
}

#[cfg(test)]
mod tests;
