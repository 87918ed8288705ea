//! The cases that diff readers are known to get wrong, and properties against git itself.

mod property;

use super::{FileDiff, Kind, Malformed, parse};

fn one(text: &str) -> FileDiff<'_> {
    let mut files = parse(text.as_bytes()).unwrap();
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

fn paths<'a>(file: &'a FileDiff<'_>) -> (Option<&'a str>, Option<&'a str>) {
    let text = |path: &'a Option<std::borrow::Cow<'_, [u8]>>| path.as_deref().map(|p| std::str::from_utf8(p).unwrap());
    (text(&file.old_path), text(&file.new_path))
}

fn added<'a>(file: &FileDiff<'a>) -> Vec<&'a str> {
    let lines = file.hunks.iter().flat_map(|h| &h.lines).filter(|l| l.kind == Kind::Added);
    lines.map(|l| std::str::from_utf8(l.text).unwrap()).collect()
}

fn error(text: &str) -> String {
    parse(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn a_count_left_out_is_one() {
    let file = one("diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\n");
    assert_eq!((file.hunks[0].old_lines, file.hunks[0].new_lines), (1, 1));
    assert_eq!((added(&file), file.new_mode), (vec!["new"], Some(0o100_644)));
}

#[test]
fn a_file_may_end_without_a_line_feed_on_either_side() {
    let both =
        "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n\\ No newline at end of file\n+new\n\\ No newline at end of file\n";
    assert!(one(both).hunks[0].lines.iter().all(|line| !line.newline));
    let file = one("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n\\ No newline at end of file\n+new\n");
    assert_eq!(file.hunks[0].lines.iter().map(|line| line.newline).collect::<Vec<_>>(), [false, true]);
    let cut = one("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new");
    assert!(cut.hunks[0].lines.iter().all(|line| line.newline));
}

#[test]
fn content_may_look_like_headers() {
    let text = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,3 +1,4 @@\n--- a/y\n-diff --git a/z b/z\n+++ b/y\n+@@ -1 +1 @@\n+\\ x\n context\n\
                diff --git a/w b/w\n--- a/w\n+++ b/w\n@@ -1 +1 @@\n-1\n+2\n";
    let files = parse(text.as_bytes()).unwrap();
    assert_eq!(files.len(), 2);
    assert_eq!(added(&files[0]), ["++ b/y", "@@ -1 +1 @@", "\\ x"]);
    assert_eq!(added(&files[1]), ["2"]);
}

#[test]
fn renames_copies_and_modes_are_told() {
    let rename = "diff --git a/old name b/new\nsimilarity index 100%\nrename from old name\nrename to new\n";
    assert_eq!(paths(&one(rename)), (Some("old name"), Some("new")));
    let copy = one("diff --git a/p b/q\nsimilarity index 100%\ncopy from p\ncopy to q\n");
    assert!(copy.copied);
    let mode = one("diff --git a/a b.sh b/a b.sh\nold mode 100644\nnew mode 100755\n");
    assert_eq!(paths(&mode), (Some("a b.sh"), Some("a b.sh")));
    assert_eq!((mode.old_mode, mode.new_mode), (Some(0o100_644), Some(0o100_755)));
    assert!(mode.hunks.is_empty());
}

#[test]
fn new_empty_deleted_binary_and_submodule_files_are_told() {
    let empty = one("diff --git a/e b/e\nnew file mode 100644\nindex 0000000..e69de29\n");
    assert!(empty.is_new() && empty.hunks.is_empty());
    let deleted = one("diff --git a/e b/e\ndeleted file mode 100644\n--- a/e\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n");
    assert!(deleted.is_deleted());
    assert_eq!(deleted.path(), "e");
    let binary =
        "diff --git a/i.png b/i.png\nnew file mode 100644\nindex 0..1\nBinary files /dev/null and b/i.png differ\n";
    assert!(one(binary).binary && one(binary).is_new());
    let patch = "diff --git a/i b/i\nindex 0..1 100644\nGIT binary patch\nliteral 3\nKcmZQzWMT#Y01f~L\n\nliteral 0\nHcmV?d00001\n\n\
                 diff --git a/j b/j\nold mode 100644\nnew mode 100755\n";
    assert_eq!(parse(patch.as_bytes()).unwrap().iter().map(FileDiff::path).collect::<Vec<_>>(), ["i", "j"]);
    let module = "diff --git a/m b/m\nindex 1..2 160000\n--- a/m\n+++ b/m\n@@ -1 +1 @@\n-Subproject commit 1\n+Subproject commit 2\n";
    assert_eq!(one(module).new_mode, Some(0o160_000));
}

#[test]
fn carriage_returns_belong_to_lines() {
    let file = one("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-a\r\n+b\r\n \r\n");
    assert_eq!(added(&file), ["b\r"]);
    // A whole diff with such line ends, as mail clients send them.
    let mailed = "diff --git a/x b/x\r\n--- a/x\r\n+++ b/x\r\n@@ -1 +1 @@\r\n-a\r\n+b\r\n";
    assert_eq!(paths(&one(mailed)), (Some("x"), Some("x")));
}

#[test]
fn names_are_unquoted_and_stripped() {
    let quoted = "diff --git \"a/\\303\\244\" \"b/\\303\\244\"\nold mode 100644\nnew mode 100755\n";
    assert_eq!(paths(&one(quoted)), (Some("ä"), Some("ä")));
    let half = "diff --git a/x \"b/\\303\\244\"\nsimilarity index 90%\nrename from x\nrename to \"\\303\\244\"\n";
    assert_eq!(paths(&one(half)), (Some("x"), Some("ä")));
    let blank = "diff --git a/a b b/a b\n--- a/a b\t\n+++ b/a b\t\n@@ -1 +1 @@\n-1\n+2\n";
    assert_eq!(paths(&one(blank)), (Some("a b"), Some("a b")));
    let bare = "diff --git a/x a/x\n--- a/x\n+++ a/x\n@@ -1 +1 @@\n-1\n+2\n";
    assert_eq!(paths(&one(bare)), (Some("a/x"), Some("a/x")), "diff.noprefix");
    let mnemonic = "diff --git i/x w/x\n--- i/x\n+++ w/x\n@@ -1 +1 @@\n-1\n+2\n";
    assert_eq!(paths(&one(mnemonic)), (Some("x"), Some("x")));
    let plain = "--- a/x.c\t2024-01-01 00:00:00\n+++ b/x.c\t2024-01-02 00:00:00\n@@ -1 +1 @@\n-1\n+2\n";
    assert_eq!(paths(&one(plain)), (Some("x.c"), Some("x.c")));
}

#[test]
fn mail_around_the_diff_is_passed_over() {
    let text = "From 1 Mon\nSubject: [PATCH] x\n\n---\n x | 2 +-\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@ fn main\n-1\n+2\n-- \n2.47.3\n\n";
    let file = one(text);
    assert_eq!((added(&file), file.hunks[0].section), (vec!["2"], &b"fn main"[..]));
    assert!(parse(b"").unwrap().is_empty());
    assert!(parse(b"no diff at all\n").unwrap().is_empty());
}

#[test]
fn what_is_malformed_is_refused_with_its_line() {
    let head = "diff --git a/x b/x\n--- a/x\n+++ b/x\n";
    let cases = [
        (format!("{head}@@ -1,2 +1 @@\n-1\n+2\n"), "line 4 of the diff: a hunk with fewer lines"),
        (format!("{head}@@ -1 +1 @@\n-1\n+2\n+3\n"), "line 7 of the diff: a line after a hunk"),
        (format!("{head}@@ -1 +1 @@\n-1\n-2\n"), "line 6 of the diff: a hunk with more lines of one side"),
        (format!("{head}@@ -1 +1 @@\n*1\n"), "line 5 of the diff: a line of a hunk that begins with none"),
        (format!("{head}@@ -a +1 @@\n"), "line 4 of the diff: a hunk header that is not"),
        (format!("{head}@@ -1 +4294967295,9 @@\n"), "line 4 of the diff: a hunk header that is not"),
        ("@@ -1 +1 @@\n-1\n+2\n".to_owned(), "line 1 of the diff: a hunk that belongs to no file"),
        ("diff --git a/x b/y z\n".to_owned(), "line 1 of the diff: cannot tell which file"),
        ("diff --git a/x b/x\n--- a/x\n@@ -1 +1 @@\n".to_owned(), "line 1 of the diff: a file with one of"),
        ("diff --git a/x b/x\nold mode 9\n".to_owned(), "line 2 of the diff: holds a file mode"),
        ("diff --git a/x b/x\n--- \"a/x\n".to_owned(), "line 2 of the diff: holds a quoted path"),
    ];
    for (text, message) in cases {
        assert!(error(&text).starts_with(message), "{text}: {}", error(&text));
    }
}

#[test]
fn combined_diffs_are_refused() {
    for text in ["diff --cc x\nindex 1,2..3\n", "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@@ -1,1 -1,1 +1,2 @@@\n"] {
        assert!(matches!(parse(text.as_bytes()), Err(Malformed::Combined { .. })), "{text}");
    }
}

#[test]
fn a_megabyte_is_read() {
    let body: String = (0..50_000).map(|n| format!("+line {n} of a large file\n")).collect();
    let text = format!("diff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1,50000 @@\n{body}");
    assert!(text.len() > 1_000_000);
    assert_eq!(one(&text).counts(), (50_000, 0));
}
