//! SQL put together from values, where the value stands in place of a literal.
//!
//! Names of tables cannot be parameters, so a placeholder after `FROM` says nothing; one after `=` does.

use super::{outside_tests, rule};
use crate::review::rules::{
    catalog::RuleInfo,
    language::Language::{self, Go, Java, Php, Python, Ruby, Rust, Script},
    pattern::{Layer, Pattern},
};
use flotilla_jobs::kinds::Severity;

static FORMAT: RuleInfo = rule(
    "danger/sql-format",
    Severity::High,
    "SQL put together from values",
    "A value with a quote in it changes the statement. Leave a parameter in its place, and bind the value.",
);

/// The pattern of a statement: what comes before it, what may be inside it, and how a value is put into it.
///
/// After `IN (` and `VALUES (` a value must be quoted: lists of placeholders are put together like that, rightly.
macro_rules! statement {
    ($before:literal, $inside:literal, $value:literal) => {
        concat!(
            "(?i)",
            $before,
            r"\s*(?:(?:select\s",
            $inside,
            r"\sfrom|delete\s+from)\s",
            $inside,
            r"\swhere\s",
            r"|update\s+[\w.{}$]+\s+set\s|insert\s+into\s",
            $inside,
            r"\svalues\s*\()",
            $inside,
            r"(?:(?:=|\slike)\s*'?%?|[(,]\s*'%?)",
            $value
        )
    };
}

const fn rule_for(languages: &'static [Language], regex: &'static str) -> Pattern {
    Pattern::new(&FORMAT, languages, regex).over(Layer::Text).when(outside_tests)
}

pub const TABLE: &[Pattern] = &[
    rule_for(&[Python], statement!(r#"\b(?:f|rf|fr)["'](?:"")?"#, ".*", r"\{")),
    rule_for(&[Python], statement!(r#"["'](?:"")?"#, ".*", r#"%s.*["']\s*%\s*[\w(]"#)),
    rule_for(
        &[Script],
        statement!(r"\b(?:query|execute|raw|unsafe|queryrawunsafe|executerawunsafe)\s*\(\s*`", "[^`]*", r"\$\{"),
    ),
    rule_for(&[Go], statement!(r#"\bfmt\.Sprintf\(\s*["`]"#, "[^`]*", "%[svq]")),
    rule_for(&[Rust], statement!(r##"\bformat!\(\s*r?#*""##, ".*", r"\{")),
    rule_for(&[Java, Script, Python, Go, Php, Ruby], statement!("\"", "[^\"]*", r#""\s*[+.]\s*\$?[a-z_]"#)),
];
