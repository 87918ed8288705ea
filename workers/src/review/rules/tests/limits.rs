//! Limits, order, and time.

use super::{check_files, check_text, new_file};
use crate::review::rules::{MAX_FINDINGS, MAX_LINE_BYTES, MAX_PER_RULE_AND_FILE};
use flotilla_jobs::kinds::Severity;

#[test]
fn more_of_the_same_in_a_file_is_counted_and_left_out() {
    let found = check_text("src/a.rs", &"dbg!(x);\n".repeat(MAX_PER_RULE_AND_FILE + 7));
    assert_eq!(found.len(), MAX_PER_RULE_AND_FILE + 1);
    let last = found.last().unwrap();
    assert_eq!((last.rule.as_str(), last.title.as_str()), ("review/left-out", "7 more findings were left out"));
}

#[test]
fn a_review_keeps_the_most_severe_findings() {
    let text = "dbg!(x);\n".repeat(40);
    let paths: Vec<_> = (0..40).map(|n| format!("src/{n}.rs")).collect();
    let mut files: Vec<_> = paths.iter().map(|path| new_file(path, text.as_bytes())).collect();
    files.push(new_file("src/z.rs", "let \u{202e}x = 1;".as_bytes()));
    let found = check_files(files);
    assert_eq!(found.len(), MAX_FINDINGS);
    assert_eq!(found[0].rule, "unicode/bidi");
    assert_eq!(found.last().unwrap().title, format!("{} more findings were left out", 1601 - (MAX_FINDINGS - 1)));
}

#[test]
fn findings_come_in_the_order_people_read_them() {
    let code = "// TODO: later\ndbg!(x);\nlet \u{202e}x = 1;\ndbg!(y);";
    let found = check_files(vec![new_file("src/b.rs", code.as_bytes()), new_file("src/a.rs", code.as_bytes())]);
    let order: Vec<_> = found.iter().map(|f| (f.severity, f.path.as_str(), f.start_line)).collect();
    let [high, medium, info] = [Severity::High, Severity::Medium, Severity::Info];
    assert_eq!(
        order,
        [
            (high, "src/a.rs", 3),
            (high, "src/b.rs", 3),
            (medium, "src/a.rs", 2),
            (medium, "src/a.rs", 4),
            (medium, "src/b.rs", 2),
            (medium, "src/b.rs", 4),
            (info, "src/a.rs", 1),
            (info, "src/b.rs", 1),
        ]
    );
}

#[test]
fn the_far_end_of_a_long_line_is_not_looked_at() {
    let near = format!("{}dbg!(x);", " ".repeat(MAX_LINE_BYTES - 20));
    let far = format!("{}dbg!(x);", " ".repeat(MAX_LINE_BYTES));
    assert_eq!(check_text("src/a.rs", &near).len(), 1);
    assert!(check_text("src/a.rs", &far).is_empty());
    // A character across the limit.
    assert!(check_text("src/a.rs", &"é".repeat(MAX_LINE_BYTES)).is_empty());
    assert!(check_text("src/a.rs", &format!("a{}", "é".repeat(MAX_LINE_BYTES))).is_empty());
}
