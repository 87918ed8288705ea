//! Collects findings: within limits, with an identity each, and never quoting a secret.

use super::{
    catalog::RuleInfo,
    view::{Row, View},
};
use crate::hex::hex;
use flotilla_jobs::kinds::{Category, Finding, FoundBy, Severity};
use sha2::{Digest, Sha256};
use std::{cmp::Reverse, collections::HashMap, ops::RangeInclusive};

/// So many findings a review has at most: nobody reads more, and a result must fit into a record.
pub const MAX_FINDINGS: usize = 1_000;
/// So many findings one rule may have in one file: more of the same says nothing new.
pub const MAX_PER_RULE_AND_FILE: usize = 50;

const MAX_EXCERPT_LINES: usize = 6;
const MAX_EXCERPT_CHARS: usize = 200;
const SHOWN_OF_SECRET: usize = 4;

pub(super) const RULES: &[&RuleInfo] = &[&LEFT_OUT];

static LEFT_OUT: RuleInfo = RuleInfo::new(
    "review/left-out",
    Severity::Info,
    Category::Maintainability,
    "More findings were left out",
    "The change has more findings than a review shows. Fix these first, or exclude generated files in the settings.",
);

#[derive(Default)]
pub(super) struct Findings {
    found: Vec<Finding>,
    /// By rule and path.
    counts: HashMap<(&'static str, String), usize>,
    /// By rule, path and text: how often it was seen so far.
    occurrences: HashMap<[u8; 32], u32>,
    left_out: usize,
}

/// A finding that was just added, to say more about it.
pub(super) struct Added<'f> {
    /// `None` if it was over the limit.
    finding: Option<&'f mut Finding>,
    /// Whether the lines may be quoted in full.
    quotable: bool,
}

impl Findings {
    /// Adds a finding about rows of a file.
    pub fn add(&mut self, view: &View<'_>, info: &RuleInfo, rows: RangeInclusive<usize>) -> Added<'_> {
        let rows = &view.rows[rows];
        let identity = rows.first().map_or("", |row| &row.raw);
        let mut added = self.push(info, &view.path, identity);
        if let (Some(finding), Some(first), Some(last)) = (&mut added.finding, rows.first(), rows.last()) {
            (finding.start_line, finding.end_line) = (first.line, last.line);
            let lines: Vec<_> = rows.iter().filter(|row| !row.hidden).take(MAX_EXCERPT_LINES).map(excerpt).collect();
            finding.excerpt = lines.join("\n");
        }
        added.quotable = rows.iter().all(|row| row.secrets.is_empty() && !row.hidden);
        added
    }

    /// Adds a finding about a whole file; `identity` tells findings of one rule about one file apart.
    pub fn add_whole(&mut self, path: &str, info: &RuleInfo, identity: &str) -> Added<'_> {
        self.push(info, path, identity)
    }

    fn push(&mut self, info: &RuleInfo, path: &str, identity: &str) -> Added<'_> {
        let fingerprint = self.fingerprint(info.id, path, identity);
        let count = self.counts.entry((info.id, path.to_owned())).or_default();
        *count += 1;
        if *count > MAX_PER_RULE_AND_FILE {
            self.left_out += 1;
            return Added { finding: None, quotable: false };
        }
        self.found.push(Finding {
            rule: info.id.to_owned(),
            source: FoundBy::Rule,
            path: path.to_owned(),
            start_line: 0,
            end_line: 0,
            severity: info.severity,
            category: info.category,
            title: info.title.to_owned(),
            body: info.why.to_owned(),
            suggestion: None,
            excerpt: String::new(),
            fingerprint,
            confidence: None,
        });
        Added { finding: self.found.last_mut(), quotable: true }
    }

    fn fingerprint(&mut self, rule: &str, path: &str, text: &str) -> String {
        let mut hash = Sha256::new();
        for part in [rule, "\0", path, "\0"].into_iter().chain(text.split_whitespace().flat_map(|word| [word, " "])) {
            hash.update(part);
        }
        let occurrence = self.occurrences.entry(hash.clone().finalize().into()).or_default();
        *occurrence += 1;
        hash.update(format!("\0{occurrence}"));
        hex(&hash.finalize()[..16])
    }

    /// What was found, in the order people read it.
    pub fn finish(mut self) -> Vec<Finding> {
        sort(&mut self.found);
        if self.found.len() + usize::from(self.left_out > 0) > MAX_FINDINGS {
            self.left_out += self.found.len() - (MAX_FINDINGS - 1);
            self.found.truncate(MAX_FINDINGS - 1);
        }
        if self.left_out > 0 {
            let title = format!("{} more findings were left out", self.left_out);
            self.add_whole("", &LEFT_OUT, "").title(title);
            sort(&mut self.found);
        }
        self.found
    }
}

fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        let milder = Reverse(a.severity).cmp(&Reverse(b.severity));
        milder.then_with(|| (&a.path, a.start_line, &a.rule).cmp(&(&b.path, b.start_line, &b.rule)))
    });
}

/// The line with its secrets masked.
pub(super) fn masked(row: &Row<'_>) -> String {
    let mut text = String::new();
    let mut at = 0;
    for secret in &row.secrets {
        text.push_str(&row.raw[at.min(secret.start)..secret.start]);
        if secret.start >= at {
            text.extend(row.raw[secret.clone()].chars().take(SHOWN_OF_SECRET));
            text.push('…');
        }
        at = at.max(secret.end);
    }
    text.push_str(&row.raw[at..]);
    text
}

/// The line for people: secrets masked, and not longer than they read.
fn excerpt(row: &Row<'_>) -> String {
    let mut text = masked(row).trim_end().to_owned();
    if let Some((end, _)) = text.char_indices().nth(MAX_EXCERPT_CHARS) {
        text.truncate(end);
        text.push('…');
    }
    text
}

impl Added<'_> {
    /// Offers a replacement, unless it would quote a secret that is on the line too.
    pub fn suggest(mut self, suggestion: Option<String>) -> Self {
        if let Some(finding) = self.finding.as_mut().filter(|_| self.quotable) {
            finding.suggestion = suggestion;
        }
        self
    }

    /// Makes it `severity` instead of what the rule says.
    pub fn severity(mut self, severity: Severity) -> Self {
        if let Some(finding) = &mut self.finding {
            finding.severity = severity;
        }
        self
    }

    pub fn title(mut self, title: String) -> Self {
        if let Some(finding) = &mut self.finding {
            finding.title = title;
        }
        self
    }
}
