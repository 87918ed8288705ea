//! Rule checks: what can be said about a change without a model.
//!
//! Pure and linear in the size of the change. Rules look at added lines only, and at whole files. A rule is a row of a
//! table where a pattern says it all, and code where it must look around. Precision comes before recall: a rule that
//! cries wolf is switched off, and then finds nothing at all.

mod catalog;
mod danger;
mod debug;
mod file;
mod findings;
mod language;
mod layers;
mod lock;
mod merge;
mod migration;
mod pattern;
mod secret;
mod testing;
#[cfg(test)]
mod tests;
mod todo;
mod unicode;
mod view;

pub use catalog::{RuleInfo, catalog};
pub use findings::{MAX_FINDINGS, MAX_PER_RULE_AND_FILE};
pub use view::MAX_LINE_BYTES;

use self::{
    findings::Findings,
    pattern::{Engine, Pattern},
    view::View,
};
use super::{
    change::Change,
    diff::{FileDiff, Hunk, Kind, Line},
};
use flotilla_jobs::kinds::Finding;
use std::{collections::HashSet, ops::Range, sync::LazyLock};

/// What is known about the repository beside the change.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Paths of lock files present at the head of the change.
    pub present: HashSet<String>,
}

/// Every table of rules that look at one added line at a time.
static TABLES: [&[Pattern]; 11] = [
    debug::TABLE,
    testing::TABLE,
    todo::TABLE,
    danger::rust::TABLE,
    danger::python::TABLE,
    danger::script::TABLE,
    danger::go::TABLE,
    danger::java::TABLE,
    danger::shell::TABLE,
    danger::sql::TABLE,
    migration::frameworks::TABLE,
];

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(&TABLES.into_iter().flatten().collect::<Vec<_>>()));

/// What the rules find in `change`: the most severe first, then by path, line and rule.
pub fn check(change: &Change<'_>, facts: &Facts) -> Vec<Finding> {
    let mut findings = Findings::default();
    for changed in &change.files {
        if changed.diff.is_deleted() {
            continue;
        }
        let mut view = View::new(&changed.diff);
        // Secrets come first: whatever else is found on their lines must not quote them.
        let secrets = secret::find(&view);
        secret::hide(&mut view, &secrets);
        file::check(changed, &view, &mut findings);
        if changed.text_rules {
            secret::report(&view, &secrets, &mut findings);
            merge::check(&view, &mut findings);
            unicode::check(&view, &mut findings);
            migration::check(&view, &mut findings);
            lines(&view, &mut findings);
        }
    }
    lock::check(change, facts, &mut findings);
    findings.finish()
}

/// Lines of a file as others than its people may see them: secrets are masked, and nothing is told of lines that are all
/// key material.
pub(crate) fn masked(path: &str, lines: &[&[u8]]) -> Vec<String> {
    let diff = as_added(path, lines);
    let mut view = View::new(&diff);
    let secrets = secret::find(&view);
    secret::hide(&mut view, &secrets);
    let hidden = || "[key material]".to_owned();
    view.rows.iter().map(|row| if row.hidden { hidden() } else { findings::masked(row) }).collect()
}

/// Where credentials with a shape of their own are in a line, as far as lines are looked at.
pub(crate) fn secrets_in(line: &str) -> Vec<Range<usize>> {
    let lines = [line.as_bytes()];
    let diff = as_added("", &lines);
    secret::shaped(&View::new(&diff), 0).into_iter().map(|secret| secret.span).collect()
}

/// Lines as a change that adds them.
fn as_added<'a>(path: &'a str, lines: &'a [&'a [u8]]) -> FileDiff<'a> {
    let hunk = Hunk {
        old_start: 0,
        old_lines: 0,
        new_start: 1,
        new_lines: lines.len() as u32,
        section: b"",
        lines: lines.iter().map(|text| Line { kind: Kind::Added, text, newline: true }).collect(),
    };
    FileDiff { new_path: Some(path.as_bytes().into()), hunks: vec![hunk], ..FileDiff::default() }
}

fn lines(view: &View<'_>, findings: &mut Findings) {
    for index in view.added() {
        ENGINE.first_hits(view, index, |pattern, hit| {
            let suggestion = pattern.fix.and_then(|fix| fix(hit));
            findings.add(view, pattern.info, index..=index).suggest(suggestion);
        });
    }
}
