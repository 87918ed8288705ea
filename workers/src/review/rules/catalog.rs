//! The list of rules: for people, and for formats that want each rule declared.

use super::{TABLES, file, findings, lock, merge, migration, secret, unicode};
use flotilla_jobs::kinds::{Category, Severity};
use std::collections::BTreeMap;

/// What there is to know about a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct RuleInfo {
    /// `area/name`; never changes once released, since settings and suppressions name it.
    pub id: &'static str,
    /// The severity its findings have unless the place makes them milder.
    pub severity: Severity,
    pub category: Category,
    /// One line, at most 80 characters.
    pub title: &'static str,
    /// Why it matters and what to do.
    pub why: &'static str,
}

impl RuleInfo {
    pub(super) const fn new(
        id: &'static str,
        severity: Severity,
        category: Category,
        title: &'static str,
        why: &'static str,
    ) -> Self {
        Self { id, severity, category, title, why }
    }
}

/// Every rule once, by id.
pub fn catalog() -> impl Iterator<Item = &'static RuleInfo> {
    let coded =
        [secret::RULES, merge::RULES, unicode::RULES, file::RULES, lock::RULES, migration::RULES, findings::RULES];
    let tables = TABLES.iter().copied().chain([secret::TABLE]).flatten().map(|pattern| pattern.info);
    let rules: BTreeMap<_, _> =
        coded.into_iter().flatten().copied().chain(tables).map(|info| (info.id, info)).collect();
    rules.into_values()
}
