//! What the tests of several stages start from.

use flotilla_jobs::kinds::{Category, Finding, FoundBy, Severity};

/// A finding on the first line of `x`.
pub(super) fn finding(rule: &str) -> Finding {
    Finding {
        rule: rule.into(),
        source: FoundBy::Rule,
        path: "x".into(),
        start_line: 1,
        end_line: 1,
        severity: Severity::Low,
        category: Category::Testing,
        title: String::new(),
        body: String::new(),
        suggestion: None,
        excerpt: String::new(),
        fingerprint: String::new(),
        confidence: None,
    }
}
