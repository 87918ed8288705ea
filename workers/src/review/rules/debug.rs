//! `debug/*`: what was put in to look at something, and left.

use super::{
    catalog::RuleInfo,
    language::Language::{Go, Java, Php, Python, Ruby, Rust, Script},
    pattern::{Hit, Pattern},
};
use flotilla_jobs::kinds::{Category, Severity};

const fn rule(id: &'static str, severity: Severity, title: &'static str, why: &'static str) -> RuleInfo {
    RuleInfo::new(id, severity, Category::Maintainability, title, why)
}

const STOPS: &str = "It stops the program and waits for somebody who is not there. Remove it.";
const PRINTS: &str = "It prints to a place where nobody in production looks, and may print what should stay private. \
                      Remove it, or use the logger.";

static DBG: RuleInfo = rule("debug/rust-dbg", Severity::Medium, "A left-over `dbg!`", PRINTS);
static DEBUGGER: RuleInfo = rule("debug/js-debugger", Severity::Medium, "A left-over `debugger`", STOPS);
static CONSOLE: RuleInfo = rule("debug/js-console", Severity::Low, "A left-over `console` call", PRINTS);
static BREAKPOINT: RuleInfo = rule("debug/python-breakpoint", Severity::Medium, "A left-over breakpoint", STOPS);
static PRY: RuleInfo = rule("debug/ruby-pry", Severity::Medium, "A left-over breakpoint", STOPS);
static DUMP: RuleInfo = rule("debug/php-dump", Severity::Medium, "A left-over dump of a value", PRINTS);
static SYSTEM_OUT: RuleInfo = rule("debug/java-print", Severity::Info, "Printing to standard output", PRINTS);
static SPEW: RuleInfo = rule("debug/go-dump", Severity::Medium, "A left-over dump or breakpoint", PRINTS);

pub(super) const TABLE: &[Pattern] = &[
    Pattern::new(&DBG, &[Rust], r"\bdbg!\s*[(\[{]").when(|hit| !hit.raw().contains("macro_rules!")),
    Pattern::new(&DEBUGGER, &[Script], r"^\s*debugger\s*;?\s*$").fix(|_| Some(String::new())),
    Pattern::new(&CONSOLE, &[Script], r"\bconsole\.(?:log|debug|trace|dir|table)\s*\(").when(is_application),
    Pattern::new(
        &BREAKPOINT,
        &[Python],
        r"\b(?:i?pdb|pudb|wdb)\.set_trace\s*\(|^\s*breakpoint\s*\(|^\s*(?:import|from)\s+(?:ipdb|pudb)\b|;\s*breakpoint\s*\(\s*\)",
    ),
    Pattern::new(&PRY, &[Ruby], r"\bbinding\.(?:pry|irb|break)\b|^\s*(?:byebug|debugger)\s*$"),
    Pattern::new(&DUMP, &[Php], r"^\s*(?:var_dump|dd|ddd)\s*\("),
    Pattern::new(&SYSTEM_OUT, &[Java], r"\bSystem\.out\.print(?:ln|f)?\s*\(").when(is_application),
    Pattern::new(&SPEW, &[Go], r"\bspew\.(?:Dump|Printf|Println)\s*\(|\bruntime\.Breakpoint\s*\(\s*\)"),
];

/// Printing is what tests, scripts and command lines are for.
fn is_application(hit: &Hit<'_>) -> bool {
    const FOLDERS: [&str; 9] = ["scripts", "script", "bin", "cli", "tools", "tool", "examples", "benchmarks", "docs"];
    let lower = hit.view.path.to_ascii_lowercase();
    let name = lower.rsplit('/').next().unwrap_or_default();
    !hit.view.testing
        && !lower.split('/').any(|part| FOLDERS.contains(&part))
        && !["cli", "main", "logger", "log", "console"].iter().any(|word| name.split('.').next() == Some(word))
        && !name.contains(".config.")
        && hit.view.rows.first().is_none_or(|row| !row.raw.starts_with("#!"))
        && !hit.view.back(hit.row, 1).any(|row| row.raw.contains("no-console"))
}
