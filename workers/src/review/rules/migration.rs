//! `migration/*`: changes of a schema that lose data, or lock a table while the service runs.

pub(super) mod frameworks;
mod info;
mod statement;
#[cfg(test)]
mod tests;

pub(super) use info::RULES;

use self::statement::{Dialect, Statement};
use super::{catalog::RuleInfo, findings::Findings, language::Language, pattern, view::View};
use flotilla_jobs::kinds::Severity;
use regex::Regex;
use std::{collections::HashSet, sync::LazyLock};

/// Whether the path says that the file changes a schema that exists.
pub(super) fn is_migration(path: &str) -> bool {
    static VERSION: LazyLock<Regex> = LazyLock::new(|| pattern::compile(r"^(?:[vV]\d[\w.]*__|\d{3,}[_-])"));
    let mut parts = path.rsplit('/');
    let name = parts.next().unwrap_or_default();
    let folder = parts.any(|part| matches!(part, "migrations" | "migration" | "migrate" | "versions"));
    let sql = name.to_ascii_lowercase().ends_with(".sql");
    let down = name.ends_with(".down.sql") || name == "down.sql" || path.contains("/down/");
    !down && (folder || sql && VERSION.is_match(name))
}

/// Statements of SQL files; other languages are a table of patterns.
pub(super) fn check(view: &View<'_>, findings: &mut Findings) {
    if view.language != Language::Sql || !is_migration(&view.path) {
        return;
    }
    let statements = statement::split(view);
    let dialect = Dialect::of(view, &statements);
    // A table that the same file creates has no rows and no readers yet.
    let created: HashSet<String> = statements.iter().filter_map(Statement::creates).collect();
    for statement in &statements {
        if statement.table().is_some_and(|table| created.contains(&table)) {
            continue;
        }
        for rule in info::STATEMENTS.iter() {
            let Some(at) = rule.found(statement) else { continue };
            let Some(severity) = rule.severity(dialect) else { continue };
            if let Some(row) = statement.row_at(view, at) {
                findings.add(view, rule.info, row..=row).severity(severity);
            }
        }
    }
}

/// A rule about one statement.
struct StatementRule {
    info: &'static RuleInfo,
    regex: Regex,
    /// What makes it harmless.
    unless: Option<Regex>,
    /// Whether it is about how PostgreSQL locks.
    postgres: bool,
}

impl StatementRule {
    fn found(&self, statement: &Statement) -> Option<usize> {
        let found = self.regex.find(&statement.text)?;
        let harmless = self.unless.as_ref().is_some_and(|unless| unless.is_match(&statement.text));
        // The finding belongs on the line with the words that matter: the end of the match.
        (!harmless).then(|| found.end().saturating_sub(1))
    }

    /// `None` where the rule does not hold for the database.
    fn severity(&self, dialect: Dialect) -> Option<Severity> {
        match (self.postgres, dialect) {
            (true, Dialect::Other) => None,
            (true, Dialect::Unknown) => Some(self.info.severity.min(Severity::Low)),
            _ => Some(self.info.severity),
        }
    }
}
