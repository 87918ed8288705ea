//! What patches do to texts.

use super::*;
use proptest::prelude::*;

fn patched(before: &str, patch: &str) -> Result<String, String> {
    let patch = Patch::read(&format!("--- a/f\n+++ b/f\n{patch}"))?;
    apply(before, &patch.files[0].hunks)
}

#[test]
fn hunks_are_applied_where_their_lines_are() {
    let before = "one\ntwo\nthree\nfour\n";
    assert_eq!(patched(before, "@@ -2 +2 @@\n-two\n+2\n").unwrap(), "one\n2\nthree\nfour\n");
    assert_eq!(patched(before, "@@ -9,9 +9,9 @@ fn x\n two\n-three\n").unwrap(), "one\ntwo\nfour\n", "numbers are off");
    assert_eq!(patched(before, "@@ @@\n-four\n+five\n+six\n").unwrap(), "one\ntwo\nthree\nfive\nsix\n");
    assert_eq!(patched(before, "@@ -1 @@\n+zero\n one\n@@ -4 @@\n-four\n").unwrap(), "zero\none\ntwo\nthree\n");
    assert_eq!(patched(before, "@@ -1,0 +2 @@\n+1.5\n").unwrap(), "one\n1.5\ntwo\nthree\nfour\n");
    assert_eq!(patched("a\n\nb\n", "@@ -1 @@\n a\n\n-b\n+c\n").unwrap(), "a\n\nc\n", "an empty line is context");
}

#[test]
fn ends_of_files_are_kept_or_changed_as_said() {
    assert_eq!(patched("a\nb", "@@ -1 @@\n-a\n+x\n b\n").unwrap(), "x\nb");
    assert_eq!(patched("a\nb", "@@ -2 @@\n-b\n\\ No newline at end of file\n+b\n").unwrap(), "a\nb\n");
    assert_eq!(patched("a\n", "@@ -1 @@\n-a\n+a\n\\ No newline at end of file\n").unwrap(), "a");
    assert_eq!(patched("", "@@ -0,0 +1 @@\n+a\n").unwrap(), "a\n");
    assert_eq!(patched("a\n", "@@ -1 +0,0 @@\n-a\n").unwrap(), "");
    assert_eq!(patched("a\r\nb\r\n", "@@ -1 @@\n-a\r\n+c\r\n b\r\n").unwrap(), "c\r\nb\r\n");
    assert!(patched("a\r\n", "@@ -1 @@\n-a\n+c\n").is_err(), "no line break is guessed");
}

#[test]
fn what_is_not_clear_is_refused() {
    for (patch, expected) in [
        ("@@ -9 @@\n-x\n+y\n", "several places"),
        ("@@ -1 @@\n-none\n+y\n", "not in the file"),
        ("@@ -0,0 @@\n+y\n", "names no line"),
        ("@@ -1 @@\n x\n", "changes nothing"),
        ("@@ -1 @@\n*x\n", "line 4 of the patch begins"),
        ("", "not followed by a hunk"),
    ] {
        let what = patched("x\nz\nx\n", patch).unwrap_err();
        assert!(what.contains(expected), "{patch:?}: {what}");
    }
    for bad in
        ["", "hello", "@@ -1 @@\n-a\n", "--- /dev/null\n+++ /dev/null\n@@ @@\n+a\n", "--- \"a\"\n+++ b/x\n@@ @@\n+a\n"]
    {
        assert!(Patch::read(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn files_are_told_apart() {
    let text = "diff --git a/x b/x\nindex 1..2 100644\n--- a/x\t2026\n+++ b/x\n@@ -1 @@\n-- gone\n++ come\n\n\
                --- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+hi\n--- a/old\n+++ /dev/null\n@@ -1 +0,0 @@\n-bye\n";
    let files = Patch::read(text).unwrap().files;
    let names: Vec<_> = files.iter().map(|f| (f.old.as_deref(), f.new.as_deref(), f.hunks.len())).collect();
    assert_eq!(names, [(Some("x"), Some("x"), 1), (None, Some("new"), 1), (Some("old"), None, 1)]);
    assert_eq!(apply("- gone\n", &files[0].hunks).unwrap(), "+ come\n", "signs within lines are theirs");
}

proptest! {
    /// Nothing that a model writes breaks the reader, and what it accepts is applied or refused.
    #[test]
    fn any_text_is_read_or_refused(text in "([-+ @\\\\]{0,4}[a-c/0-9]{0,3}\n){0,20}", before in "([a-c]{0,2}\n){0,9}") {
        for patch in [text.clone(), format!("--- a/f\n+++ b/f\n@@ -1 @@\n{text}")] {
            if let Ok(patch) = Patch::read(&patch) {
                for file in patch.files {
                    let _ = apply(&before, &file.hunks);
                }
            }
        }
    }

    /// A patch that replaces lines by others gives the others.
    #[test]
    fn a_replaced_range_is_what_it_is_replaced_by(
        lines in proptest::collection::vec("[a-c]{1,3}", 1..12), new in proptest::collection::vec("[d-f]{1,3}", 1..4),
        at in any::<prop::sample::Index>(), count in 1_usize..4,
    ) {
        let at = at.index(lines.len());
        let end = (at + count).min(lines.len());
        let mut hunk = format!("@@ -{} @@\n", at + 1);
        hunk.extend(lines[at..end].iter().map(|line| format!("-{line}\n")));
        hunk.extend(new.iter().map(|line| format!("+{line}\n")));
        let mut expected = lines.clone();
        expected.splice(at..end, new);
        let before = lines.join("\n") + "\n";
        let after = expected.join("\n") + "\n";
        prop_assert_eq!(patched(&before, &hunk).unwrap(), after);
    }
}
