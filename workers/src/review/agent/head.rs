//! The new text of a file, from its old one and what changed.

use crate::review::diff::{Hunk, Kind};

/// Longest new text that is made, in bytes.
const MAX_TEXT: usize = 1 << 20;

/// The new text; `None` if the hunks do not fit the old one, or it is too long.
pub(super) fn rebuild(old: &[u8], hunks: &[Hunk<'_>]) -> Option<Vec<u8>> {
    let mut rest = old.split_inclusive(|&b| b == b'\n');
    let mut at = 1;
    let mut new = Vec::new();
    for hunk in hunks {
        let start = hunk.old_start.checked_add(u32::from(hunk.old_lines == 0))?;
        while at < start {
            push(&mut new, rest.next()?)?;
            at += 1;
        }
        for line in &hunk.lines {
            if line.kind != Kind::Added {
                let before = rest.next()?;
                if before.strip_suffix(b"\n").unwrap_or(before) != line.text {
                    return None;
                }
                at += 1;
            }
            if line.kind != Kind::Removed {
                push(&mut new, line.text)?;
                push(&mut new, if line.newline { b"\n" } else { b"" })?;
            }
        }
    }
    rest.try_for_each(|line| push(&mut new, line))?;
    Some(new)
}

fn push(text: &mut Vec<u8>, more: &[u8]) -> Option<()> {
    text.extend_from_slice(more);
    (text.len() <= MAX_TEXT).then_some(())
}

/// The lines of a text, without their ends.
pub(super) fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|&b| b == b'\n').map(|line| line.strip_suffix(b"\n").unwrap_or(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::diff::parse;

    fn rebuilt(old: &str, diff: &str) -> Option<String> {
        let diff = format!("--- a/x\n+++ b/x\n{diff}");
        let files = parse(diff.as_bytes()).unwrap();
        rebuild(old.as_bytes(), &files[0].hunks).map(|text| String::from_utf8(text).unwrap())
    }

    #[test]
    fn hunks_are_applied() {
        assert_eq!(rebuilt("a\n", "@@ -1 +1 @@\n-a\n+b\n").unwrap(), "b\n");
        assert_eq!(rebuilt("", "@@ -0,0 +1,2 @@\n+a\n+b\n\\ No newline at end of file\n").unwrap(), "a\nb");
        assert_eq!(
            rebuilt("1\n2\n3\n4\n", "@@ -2,0 +3 @@\n+x\n@@ -4 +5,2 @@\n 4\n+y\n").unwrap(),
            "1\n2\nx\n3\n4\ny\n"
        );
        assert_eq!(rebuilt("a\r\nb\r\n", "@@ -2 +2 @@\n-b\r\n+c\r\n").unwrap(), "a\r\nc\r\n");
    }

    #[test]
    fn another_text_is_not_guessed_at() {
        assert_eq!(rebuilt("other\n", "@@ -1 +1 @@\n-a\n+b\n"), None);
        assert_eq!(rebuilt("a\n", "@@ -9 +9 @@\n-a\n+b\n"), None);
    }
}
