//! `secret/*`: credentials that must not be in a repository.
//!
//! Found secrets are masked wherever a finding quotes their line; only hashes of them leave this module otherwise.

mod assigned;
mod key;
mod placeholder;
#[cfg(test)]
mod tests;
mod tokens;

pub(super) use tokens::TABLE;

use super::{catalog::RuleInfo, findings::Findings, language::Language, pattern::Engine, view::View};
use flotilla_jobs::kinds::Severity;
use std::{ops::Range, sync::LazyLock};

pub(super) const RULES: &[&RuleInfo] = &[&key::PRIVATE_KEY, &assigned::ASSIGNED];

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(&TABLE.iter().collect::<Vec<_>>()));

/// A secret in a file.
pub(super) struct Secret {
    info: &'static RuleInfo,
    first: usize,
    /// Last row; the rows after the first are nothing but secret.
    last: usize,
    pub span: Range<usize>,
}

pub(super) fn find(view: &View<'_>) -> Vec<Secret> {
    let mut secrets = key::find(view);
    for row in view.added() {
        let from = secrets.len();
        secrets.extend(shaped(view, row));
        if secrets.len() == from
            && !view.testing
            && view.language != Language::Prose
            && let Some(span) = assigned::find(&view.rows[row])
        {
            secrets.push(Secret { info: &assigned::ASSIGNED, first: row, last: row, span });
        }
    }
    secrets
}

/// Secrets of a row that have a shape of their own.
pub(super) fn shaped(view: &View<'_>, row: usize) -> Vec<Secret> {
    let mut secrets: Vec<Secret> = Vec::new();
    ENGINE.hits(view, row, |pattern, hit| {
        let span = hit.value().range();
        // The first shape that fits names the secret: others that overlap say the same again.
        let known = secrets.iter().any(|other| other.span.start < span.end && span.start < other.span.end);
        if !known {
            secrets.push(Secret { info: pattern.info, first: row, last: row, span });
        }
    });
    secrets
}

/// Marks on the rows what must not be quoted.
pub(super) fn hide(view: &mut View<'_>, secrets: &[Secret]) {
    for secret in secrets {
        view.rows[secret.first].secrets.push(secret.span.clone());
        for row in &mut view.rows[secret.first + 1..=secret.last] {
            row.hidden = true;
        }
    }
    for row in &mut view.rows {
        row.secrets.sort_by_key(|span| span.start);
    }
}

pub(super) fn report(view: &View<'_>, secrets: &[Secret], findings: &mut Findings) {
    let mut before = None;
    for secret in secrets {
        // Two of a kind on a line are one finding: the line is what a person goes to.
        let this = Some((secret.first, secret.info.id));
        if before == this {
            continue;
        }
        before = this;
        // Made-up credentials in tests are the most common false alarm of all.
        let severity = if view.testing { secret.info.severity.min(Severity::Medium) } else { secret.info.severity };
        findings.add(view, secret.info, secret.first..=secret.last).severity(severity);
    }
}
