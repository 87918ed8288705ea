//! The lines above a file's hunks: names, modes, renames.

use super::{
    FileDiff,
    path::{NULL, read, strip, unquote},
};
use std::borrow::Cow;

/// What the header lines said so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Header<'a> {
    /// The line it began on, for messages.
    pub line: usize,
    /// The two names of the `diff --git` line, where they can be told apart.
    named: Option<(Cow<'a, [u8]>, Cow<'a, [u8]>)>,
    /// The names of the `---` and `+++` lines.
    pub minus: Option<Cow<'a, [u8]>>,
    pub plus: Option<Cow<'a, [u8]>>,
    /// The names of `rename from` and `rename to`, or `copy`; these have no prefix.
    from: Option<Cow<'a, [u8]>>,
    to: Option<Cow<'a, [u8]>>,
    old_mode: Option<u32>,
    new_mode: Option<u32>,
    created: bool,
    deleted: bool,
    copied: bool,
    binary: bool,
}

impl<'a> Header<'a> {
    /// Begins with what follows `diff --git `.
    pub fn new(line: usize, names: &'a [u8]) -> Self {
        Self { line, named: names_of(names.strip_suffix(b"\r").unwrap_or(names)), ..Self::default() }
    }

    /// Begins where a file has no `diff --git` line.
    pub fn plain(line: usize) -> Self {
        Self { line, ..Self::default() }
    }

    /// Takes one line in; answers whether it belongs to a header. An error says what is wrong with it.
    pub fn take(&mut self, text: &'a [u8]) -> Result<bool, &'static str> {
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let after = |word: &[u8]| text.strip_prefix(word);
        if let Some(name) = after(b"--- ") {
            self.minus = Some(read(name).ok_or(BROKEN_NAME)?.0);
        } else if let Some(name) = after(b"+++ ") {
            self.plus = Some(read(name).ok_or(BROKEN_NAME)?.0);
        } else if let Some(mode) = after(b"old mode ") {
            self.old_mode = Some(octal(mode).ok_or(BROKEN_MODE)?);
        } else if let Some(mode) = after(b"new mode ") {
            self.new_mode = Some(octal(mode).ok_or(BROKEN_MODE)?);
        } else if let Some(mode) = after(b"new file mode ") {
            self.new_mode = Some(octal(mode).ok_or(BROKEN_MODE)?);
            self.created = true;
        } else if let Some(mode) = after(b"deleted file mode ") {
            self.old_mode = Some(octal(mode).ok_or(BROKEN_MODE)?);
            self.deleted = true;
        } else if let Some(name) = after(b"rename from ").or(after(b"copy from ")) {
            self.from = Some(read(name).ok_or(BROKEN_NAME)?.0);
            self.copied = text.starts_with(b"copy");
        } else if let Some(name) = after(b"rename to ").or(after(b"copy to ")) {
            self.to = Some(read(name).ok_or(BROKEN_NAME)?.0);
        } else if let Some(ids) = after(b"index ") {
            // The mode stands here where it did not change.
            if let Some(mode) = ids.iter().position(|&b| b == b' ').and_then(|at| octal(&ids[at + 1..])) {
                self.old_mode.get_or_insert(mode);
                self.new_mode.get_or_insert(mode);
            }
        } else if text.starts_with(b"Binary files ") || text.starts_with(b"GIT binary patch") {
            self.binary = true;
        } else {
            return Ok([&b"similarity index "[..], b"dissimilarity index "].iter().any(|word| text.starts_with(word)));
        }
        Ok(true)
    }

    /// Whether both the `---` and the `+++` line were seen: hunks may follow.
    pub fn is_named(&self) -> bool {
        self.minus.is_some() && self.plus.is_some()
    }

    /// The file it speaks of, without hunks.
    pub fn finish(self) -> Result<FileDiff<'a>, &'static str> {
        let names = match (self.from, self.to, self.minus, self.plus) {
            (Some(from), Some(to), ..) => Some((from, to)),
            (_, _, Some(minus), Some(plus)) => Some(strip(minus, plus)),
            _ => self.named.map(|(old, new)| strip(old, new)),
        };
        let (old, new) = names.ok_or("cannot tell which file it is about")?;
        if (*old == *NULL && *new == *NULL) || old.is_empty() || new.is_empty() {
            return Err("names no file");
        }
        Ok(FileDiff {
            old_path: (*old != *NULL && !self.created).then_some(old),
            new_path: (*new != *NULL && !self.deleted).then_some(new),
            old_mode: self.old_mode,
            new_mode: self.new_mode,
            copied: self.copied,
            binary: self.binary,
            hunks: Vec::new(),
        })
    }
}

const BROKEN_NAME: &str = "holds a quoted path that does not end or has an unknown escape";
const BROKEN_MODE: &str = "holds a file mode that is not octal";

fn octal(text: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(text).ok()?.trim_end();
    let digits = (1..=7).contains(&text.len()) && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
    digits.then(|| u32::from_str_radix(text, 8).ok()).flatten()
}

/// The two names after `diff --git `. Unquoted names may hold blanks, so that line alone can only be split where both
/// sides are the same name; where they are not, other lines of the header say the names.
fn names_of(text: &[u8]) -> Option<(Cow<'_, [u8]>, Cow<'_, [u8]>)> {
    if text.first() == Some(&b'"') {
        let (old, rest) = unquote(text)?;
        let (new, _) = read(rest.strip_prefix(b" ")?)?;
        return Some((Cow::Owned(old), new));
    }
    if text.last() == Some(&b'"') {
        let at = text.windows(2).position(|pair| pair == b" \"")?;
        return Some((Cow::Borrowed(&text[..at]), Cow::Owned(unquote(&text[at + 1..])?.0)));
    }
    // `a/NAME b/NAME`, and `NAME NAME` where git writes no prefixes: the blank is in the middle.
    let middle = text.len() / 2;
    if text.len() % 2 == 1 && text[middle] == b' ' {
        let (old, new) = (&text[..middle], &text[middle + 1..]);
        let tail = |path: &[u8]| if path.get(1) == Some(&b'/') { path[2..].to_vec() } else { path.to_vec() };
        if tail(old) == tail(new) {
            return Some((Cow::Borrowed(old), Cow::Borrowed(new)));
        }
    }
    None
}
