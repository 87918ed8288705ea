//! `test/*`: tests that run alone, or not at all.

use super::{
    catalog::RuleInfo,
    language::Language::{Go, Java, Python, Ruby, Rust, Script},
    pattern::{Hit, Layer, Pattern},
    todo,
};
use flotilla_jobs::kinds::{Category, Severity};

static FOCUSED: RuleInfo = RuleInfo::new(
    "test/focused",
    Severity::High,
    Category::Testing,
    "A focused test: the others do not run",
    "The suite stays green because the other tests are left out without a word. Take the focus away.",
);

static SKIPPED: RuleInfo = RuleInfo::new(
    "test/skipped",
    Severity::Low,
    Category::Testing,
    "A test is skipped without a reason",
    "Nobody will know when it may run again. Say why, or name an issue next to it; or remove the test.",
);

pub(super) const TABLE: &[Pattern] = &[
    Pattern::new(&FOCUSED, &[Script], r"\b(?:describe|it|test|context|suite|specify)(\.only)(?:\s*\(|\.each\b)")
        .when(in_tests)
        .fix(without_focus),
    Pattern::new(&FOCUSED, &[Script], r"^\s*(f)(?:describe|it|context)\s*\(").when(in_tests).fix(without_focus),
    Pattern::new(&FOCUSED, &[Ruby], r"^\s*(f)(?:describe|it|context|specify)\b[ (]").when(in_tests).fix(without_focus),
    Pattern::new(&SKIPPED, &[Script], r"\b(?:describe|it|test|context|suite)\.skip\s*\(").when(is_unexplained),
    Pattern::new(&SKIPPED, &[Script], r"^\s*x(?:describe|it|test|context)\s*\(").when(is_unexplained),
    Pattern::new(&SKIPPED, &[Ruby], r"^\s*x(?:describe|it|context|specify)\b[ (]").when(is_unexplained),
    Pattern::new(&SKIPPED, &[Rust], r"^\s*#\[ignore\]").when(has_no_comment),
    Pattern::new(&SKIPPED, &[Python], r"^\s*@pytest\.mark\.skip\s*(?:\(\s*\)\s*)?$").when(has_no_comment),
    Pattern::new(&SKIPPED, &[Python], r"\bpytest\.skip\s*\(\s*\)").when(has_no_comment),
    Pattern::new(&SKIPPED, &[Go], r"\b[tb]\.(?:Skip|SkipNow)\(\s*\)").when(has_no_comment),
    Pattern::new(&SKIPPED, &[Java], r"^\s*@(?:Disabled|Ignore)\s*(?:\(\s*\)\s*)?$").when(has_no_comment),
];

fn in_tests(hit: &Hit<'_>) -> bool {
    hit.view.testing
}

/// These have no place for a reason, so a comment must hold it: with a reference, as skips last.
fn is_unexplained(hit: &Hit<'_>) -> bool {
    hit.view.testing && !hit.view.back(hit.row, 1).any(|row| todo::has_reference(row.layer(Layer::Comment)))
}

fn has_no_comment(hit: &Hit<'_>) -> bool {
    hit.view.back(hit.row, 1).all(|row| row.layer(Layer::Comment).trim().is_empty())
}

fn without_focus(hit: &Hit<'_>) -> Option<String> {
    let focus = hit.captures.get(1)?.range();
    let raw = hit.raw();
    Some(format!("{}{}", raw.get(..focus.start)?, raw.get(focus.end..)?))
}
