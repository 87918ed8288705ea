//! Lines of a file with their numbers.

/// Longest line that is shown whole, in bytes.
const MAX_LINE: usize = 2_000;

/// Lines `from` to `to` (from 1, both included) of a text, each with its number; a longer line is cut.
pub(super) fn numbered(bytes: &[u8], from: usize, to: usize) -> Vec<u8> {
    let mut shown = Vec::new();
    for (at, line) in split(bytes).enumerate().skip(from - 1).take(to.saturating_sub(from - 1)) {
        shown.extend_from_slice(format!("{:>6}  ", at + 1).as_bytes());
        shown.extend_from_slice(&clip(line));
        shown.push(b'\n');
    }
    shown
}

/// How many lines there are.
pub(super) fn count(bytes: &[u8]) -> usize {
    split(bytes).count()
}

/// Lines without their ends; the last one need not have any.
pub(super) fn split(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let none = bytes.is_empty();
    whole.split(|&b| b == b'\n').filter(move |_| !none).map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// A line's start, and how much is missing.
pub(super) fn clip(line: &[u8]) -> Vec<u8> {
    if line.len() <= MAX_LINE {
        return line.to_vec();
    }
    let mut end = MAX_LINE;
    while end > MAX_LINE - 4 && line[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    let mut cut = line[..end].to_vec();
    cut.extend_from_slice(format!(" [… {} bytes more]", line.len() - end).as_bytes());
    cut
}

/// Whether it is no text: it holds a NUL near its start, as for git.
pub(super) fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(8_000).any(|&b| b == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_and_cut() {
        let text = String::from_utf8(numbered(b"a\r\nb\nc", 2, 9)).unwrap();
        assert_eq!(text, "     2  b\n     3  c\n");
        assert_eq!((count(b""), count(b"a"), count(b"a\n"), count(b"a\n\n")), (0, 1, 1, 2));
        assert_eq!(numbered(b"a", 5, 9), b"");
        let long = clip(&b"x".repeat(5_000));
        assert!(long.len() < 2_100 && long.ends_with(" [… 3000 bytes more]".as_bytes()));
    }
}
