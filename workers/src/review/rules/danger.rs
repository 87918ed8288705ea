//! `danger/*`: calls that are safe only under conditions that the line does not show.

pub(super) mod go;
pub(super) mod java;
pub(super) mod python;
pub(super) mod rust;
pub(super) mod script;
pub(super) mod shell;
pub(super) mod sql;
#[cfg(test)]
mod tests;

use super::{catalog::RuleInfo, pattern::Hit};
use flotilla_jobs::kinds::{Category, Severity};

const fn rule(id: &'static str, severity: Severity, title: &'static str, why: &'static str) -> RuleInfo {
    RuleInfo::new(id, severity, Category::Security, title, why)
}

const TLS: &str = "Anybody between here and the server can read and change what is sent. Trust the certificate authority \
                   in question instead.";
const INJECTION: &str = "A value that somebody else chose becomes part of a command line, and so can run any command. \
                         Start the program itself, with its arguments as a list.";
const EVAL: &str = "Whatever text gets here runs as code. Parse the text, or look it up in a table of what is allowed.";
const MARKUP: &str = "Text that somebody else wrote becomes markup, scripts included. Set it as text, or sanitize it.";
const PICKLE: &str = "Bytes made by somebody else can run code while they are read. Use a format that only holds data, \
                      such as JSON.";

/// Servers that tests start have certificates that nobody signed.
fn outside_tests(hit: &Hit<'_>) -> bool {
    !hit.view.testing
}
