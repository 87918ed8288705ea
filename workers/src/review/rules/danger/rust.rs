//! Rust.

use super::{INJECTION, TLS, outside_tests, rule};
use crate::review::rules::{
    catalog::RuleInfo,
    language::Language::Rust,
    pattern::{Hit, Layer, Pattern},
};
use flotilla_jobs::kinds::Severity;

/// How far above `unsafe` its reason may be: it can be long, and attributes may come between.
const REASON_LINES: usize = 10;
/// How many lines a builder call spreads its arguments over.
const BUILDER_LINES: usize = 6;

static UNSAFE: RuleInfo = rule(
    "danger/rust-unsafe",
    Severity::Low,
    "`unsafe` without a reason",
    "The compiler no longer checks what is in it, so the reader has to. Say in a `// SAFETY:` comment why it holds.",
);
static TRANSMUTE: RuleInfo = rule(
    "danger/rust-transmute",
    Severity::Medium,
    "A `transmute`",
    "It takes any bits for a value of another type. A cast, `from_ne_bytes`, or a crate such as bytemuck checks more.",
);
static CERTS: RuleInfo = rule("danger/rust-invalid-certs", Severity::High, "Certificates are not checked", TLS);
static SHELL: RuleInfo =
    rule("danger/rust-shell", Severity::Medium, "A shell command put together from values", INJECTION);

pub const TABLE: &[Pattern] = &[
    Pattern::new(&UNSAFE, &[Rust], r"\bunsafe\s*(?:\{|impl\b)").when(has_no_reason),
    Pattern::new(&TRANSMUTE, &[Rust], r"\btransmute(?:_copy)?\s*(?:::\s*<|\()").when(has_no_reason),
    Pattern::new(&CERTS, &[Rust], r"\bdanger_accept_invalid_(?:certs|hostnames)\s*\(\s*true\s*\)").when(outside_tests),
    Pattern::new(&SHELL, &[Rust], r#"\bCommand::new\(\s*"(?:/bin/|/usr/bin/)?(?:sh|bash)"\s*\)"#)
        .over(Layer::Text)
        .when(takes_format),
];

fn has_no_reason(hit: &Hit<'_>) -> bool {
    let says = |comment: &str| comment.to_ascii_lowercase().contains("safety");
    !hit.view.back(hit.row, REASON_LINES).any(|row| says(row.layer(Layer::Comment)))
        && !hit.view.ahead(hit.row, 1).any(|row| says(row.layer(Layer::Comment)))
}

fn takes_format(hit: &Hit<'_>) -> bool {
    for row in hit.view.ahead(hit.row, BUILDER_LINES) {
        let code = row.layer(Layer::Code);
        if code.contains("format!(") {
            return true;
        }
        if code.contains(';') {
            return false;
        }
    }
    false
}
