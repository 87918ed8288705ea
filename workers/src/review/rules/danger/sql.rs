//! SQL put together from values, where the value stands in place of a literal.
//!
//! Names of tables cannot be parameters, so a placeholder after `FROM` says nothing; one after `=` does.

use super::{outside_tests, rule};
use crate::review::rules::{
    catalog::RuleInfo,
    language::Language::{Go, Java, Php, Python, Ruby, Rust, Script},
    pattern::{Layer, Pattern},
};
use flotilla_jobs::kinds::Severity;

static FORMAT: RuleInfo = rule(
    "danger/sql-format",
    Severity::High,
    "SQL put together from values",
    "A value with a quote in it changes the statement. Leave a parameter in its place, and bind the value.",
);

pub const TABLE: &[Pattern] = &[
    Pattern::new(
        &FORMAT,
        &[Python],
        r#"(?i)\bf["'](?:"")?\s*(?:select\s.*\sfrom|insert\s+into|update\s.*\sset|delete\s+from)\s.*(?:=|\slike|\svalues\s*\(|\sin\s*\()\s*'?%?\{"#,
    )
    .over(Layer::Text)
    .when(outside_tests),
    Pattern::new(
        &FORMAT,
        &[Python],
        r#"(?i)["'](?:"")?\s*(?:select\s.*\sfrom|insert\s+into|update\s.*\sset|delete\s+from)\s.*(?:=|\slike|\svalues\s*\(|\sin\s*\()\s*'?%s.*["']\s*%\s*[\w(]"#,
    )
    .over(Layer::Text)
    .when(outside_tests),
    Pattern::new(
        &FORMAT,
        &[Script],
        r"(?i)\b(?:query|execute|raw|unsafe|\$queryrawunsafe|\$executerawunsafe)\s*\(\s*`\s*(?:select\s.*\sfrom|insert\s+into|update\s.*\sset|delete\s+from)\s[^`]*(?:=|\slike|\svalues\s*\(|\sin\s*\()\s*'?%?\$\{",
    )
    .over(Layer::Text)
    .when(outside_tests),
    Pattern::new(
        &FORMAT,
        &[Go],
        r#"(?i)\bfmt\.Sprintf\(\s*["`]\s*(?:select\s.*\sfrom|insert\s+into|update\s.*\sset|delete\s+from)\s[^`]*(?:=|\slike|\svalues\s*\(|\sin\s*\()\s*'?%?%[svq]"#,
    )
    .over(Layer::Text)
    .when(outside_tests),
    Pattern::new(
        &FORMAT,
        &[Rust],
        r#"(?i)\bformat!\(\s*r?#*"\s*(?:select\s.*\sfrom|insert\s+into|update\s.*\sset|delete\s+from)\s.*(?:=|\slike|\svalues\s*\(|\sin\s*\()\s*'?%?\{"#,
    )
    .over(Layer::Text)
    .when(outside_tests),
    // Only with the quote before the value: without it, the value may be a number or a list of placeholders.
    Pattern::new(
        &FORMAT,
        &[Java, Script, Python, Go, Php, Ruby],
        r#"(?i)"\s*(?:select\s[^"]*\sfrom|insert\s+into|update\s[^"]*\sset|delete\s+from)\s[^"]*(?:=|\slike|\svalues\s*\(|\sin\s*\()\s*'%?"\s*[+.]\s*\$?[a-z_]"#,
    )
    .over(Layer::Text)
    .when(outside_tests),
];
