//! What a team settled about its reviews: `.flotilla.toml` at the base of a change.
//!
//! Whatever in it cannot be used becomes a note of the review; a mistake there must not keep changes from being
//! reviewed.

mod model;
mod read;
#[cfg(test)]
mod tests;

pub(crate) use model::Model;

use flotilla_jobs::kinds::{Finding, Severity};
use globset::{GlobMatcher, GlobSet};

/// The file's path in a repository.
pub(crate) const FILE: &str = ".flotilla.toml";

/// Settings of the `[review]` section.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    ignore: GlobSet,
    disable: Vec<RulePattern>,
    suppress: Vec<Suppress>,
    severity: Vec<(RulePattern, Severity)>,
    /// What models are asked for.
    pub model: Model,
}

/// Findings a person accepted.
#[derive(Debug)]
struct Suppress {
    rule: RulePattern,
    path: Option<GlobMatcher>,
}

impl Settings {
    /// Reads the file's text.
    pub fn parse(text: &[u8], notes: &mut Vec<String>) -> Self {
        read::read(text, notes)
    }

    /// Whether the team leaves a file out.
    pub fn ignores(&self, path: &str) -> bool {
        self.ignore.is_match(path)
    }

    /// Whether a rule is switched off.
    pub fn disables(&self, rule: &str) -> bool {
        self.disable.iter().any(|pattern| pattern.matches(rule))
    }

    /// Whether a finding is accepted.
    pub fn suppresses(&self, finding: &Finding) -> bool {
        let here = |path: &Option<GlobMatcher>| path.as_ref().is_none_or(|path| path.is_match(&finding.path));
        self.suppress.iter().any(|s| s.rule.matches(&finding.rule) && here(&s.path))
    }

    /// How severe the team takes a rule's findings; the pattern that says most about it wins.
    pub fn severity(&self, rule: &str) -> Option<Severity> {
        let fitting = self.severity.iter().filter(|(pattern, _)| pattern.matches(rule));
        fitting.max_by_key(|(pattern, _)| pattern.weight()).map(|(_, severity)| *severity)
    }
}

/// One rule, as in `secret/aws-access-key`, or those that begin alike: `secret/*`, or `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RulePattern {
    One(String),
    Prefix(String),
}

impl RulePattern {
    /// Reads a pattern; `None` if it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, pattern) = match text.strip_suffix('*') {
            Some(prefix) => (prefix, Self::Prefix(prefix.to_owned())),
            None => (text, Self::One(text.to_owned())),
        };
        let fits = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_/".contains(&b));
        let ends = matches!(pattern, Self::One(_)) && !name.is_empty() || name.is_empty() || name.ends_with('/');
        (fits && ends && !text.is_empty()).then_some(pattern)
    }

    /// Whether it speaks of a rule.
    pub fn matches(&self, rule: &str) -> bool {
        match self {
            Self::One(one) => one == rule,
            Self::Prefix(prefix) => rule.starts_with(prefix.as_str()),
        }
    }

    fn weight(&self) -> usize {
        match self {
            Self::One(_) => usize::MAX,
            Self::Prefix(prefix) => prefix.len(),
        }
    }
}
