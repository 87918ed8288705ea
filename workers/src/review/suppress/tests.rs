//! Which comments accept which findings.

use super::*;
use crate::review::{diff, sample};

fn finding(rule: &str, start_line: u32, end_line: u32) -> Finding {
    Finding { start_line, end_line, ..sample::finding(rule) }
}

/// Whether `finding` stays in a new file of these lines.
fn stays(lines: &[&str], finding: Finding) -> bool {
    let body = lines.iter().map(|line| format!("+{line}\n")).collect::<Vec<_>>().concat();
    let text = format!(
        "diff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1,{} @@\n{body}",
        lines.len()
    );
    let diff = diff::parse(text.as_bytes()).unwrap().remove(0);
    let change = Change { files: vec![ChangedFile { diff, size: None, text_rules: true }] };
    let (kept, suppressed) = suppress(vec![finding], &change, &Settings::default());
    assert_eq!(kept.len() + suppressed as usize, 1);
    !kept.is_empty()
}

#[test]
fn a_comment_accepts_what_is_on_its_line() {
    for line in [
        "x(); // flotilla: ignore",
        "x() # flotilla:ignore[danger/eval]",
        "SELECT 1; -- flotilla: ignore[other/x, danger/*] since it is fine",
        "<!-- flotilla: ignore -->",
        "/* flotilla: ignore*/",
    ] {
        assert!(!stays(&[line], finding("danger/eval", 1, 1)), "{line}");
    }
    for line in [
        "x(); // flotilla: ignore[other/x]",
        "x(); // flotilla: ignored",
        "x(); // flotilla: ignore-me",
        "x(); // flotilla: ignore[]",
        "print(\"flotilla: ignore\")",
        "http://flotilla: ignore",
    ] {
        assert!(stays(&[line], finding("danger/eval", 1, 1)), "{line}");
    }
}

#[test]
fn a_comment_alone_accepts_the_line_below_it() {
    let alone = ["  # flotilla: ignore[danger/eval]", "eval(x)", "eval(y)"];
    assert!(!stays(&alone, finding("danger/eval", 2, 2)));
    assert!(stays(&alone, finding("danger/eval", 3, 3)));
    let beside = ["x() # flotilla: ignore", "eval(x)"];
    assert!(stays(&beside, finding("danger/eval", 2, 2)), "speaks of its own line");
}

#[test]
fn a_range_is_accepted_by_any_of_its_lines_and_a_file_by_none() {
    let lines = ["a", "b // flotilla: ignore", "c"];
    assert!(!stays(&lines, finding("a/b", 1, 3)));
    assert!(stays(&lines, finding("a/b", 3, 3)));
    assert!(stays(&lines, finding("a/b", 0, 0)));
}
