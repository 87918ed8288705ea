//! Reads a diff. It never guesses: a hunk whose lines are not as many as it says is an error with its line number.

use super::{FileDiff, Hunk, Kind, Line, header::Header};

/// Why a text is not a diff, and where. It quotes nothing of the text, which may hold secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The text breaks the format.
    #[error("line {line} of the diff: {what}")]
    At {
        /// Line of the diff, from 1.
        line: usize,
        /// What is wrong there.
        what: &'static str,
    },
    /// A diff of a merge against several parents.
    #[error("line {line} of the diff: this is a combined diff of a merge; compare with one parent (git diff A B)")]
    Combined {
        /// Line of the diff, from 1.
        line: usize,
    },
}

/// Reads every file of a diff. Text before, between and after files, such as a commit's message, is passed over.
pub fn parse(text: &[u8]) -> Result<Vec<FileDiff<'_>>, Malformed> {
    let mut parser = Parser { rest: text, line: 0, files: Vec::new() };
    parser.run()?;
    Ok(parser.files)
}

struct Parser<'a> {
    rest: &'a [u8],
    /// Number of the line that was read last.
    line: usize,
    files: Vec<FileDiff<'a>>,
}

impl<'a> Parser<'a> {
    fn run(&mut self) -> Result<(), Malformed> {
        while let Some(text) = self.next() {
            if let Some(names) = text.strip_prefix(b"diff --git ") {
                let header = Header::new(self.line, names);
                self.file(header)?;
            } else if text.starts_with(b"diff --cc ") || text.starts_with(b"diff --combined ") {
                return Err(Malformed::Combined { line: self.line });
            } else if text.starts_with(b"--- ") && self.peek().is_some_and(|next| next.starts_with(b"+++ ")) {
                // A file of a plain `diff -u`: its names, and at once its hunks.
                let mut header = Header::plain(self.line);
                header.take(text).map_err(|what| self.wrong(what))?;
                self.file(header)?;
            } else if text.starts_with(b"@@ -") {
                return Err(self.wrong("a hunk that belongs to no file; is a `---` and `+++` line missing above?"));
            }
        }
        Ok(())
    }

    /// Reads the rest of a file's header, and its hunks.
    fn file(&mut self, mut header: Header<'a>) -> Result<(), Malformed> {
        while let Some(text) = self.peek() {
            let known = header.take(text).map_err(|what| Malformed::At { line: self.line + 1, what })?;
            if !known {
                break;
            }
            self.next();
            if header.is_named() {
                break;
            }
        }
        let (line, has_hunks) = (header.line, header.is_named());
        if header.plus.is_some() != header.minus.is_some() {
            return Err(Malformed::At { line, what: "a file with one of the `---` and `+++` lines only" });
        }
        let mut file = header.finish().map_err(|what| Malformed::At { line, what })?;
        if self.peek().is_some_and(|text| text.starts_with(b"@@@")) {
            return Err(Malformed::Combined { line: self.line + 1 });
        }
        while has_hunks && self.peek().is_some_and(|text| text.starts_with(b"@@ ")) {
            let hunk = self.hunk()?;
            file.hunks.push(hunk);
        }
        if file.binary {
            self.pass_binary();
        } else if !file.hunks.is_empty() {
            self.check_end()?;
        }
        self.files.push(file);
        Ok(())
    }

    fn hunk(&mut self) -> Result<Hunk<'a>, Malformed> {
        let text = self.next().unwrap_or_default();
        let started = self.line;
        let mut hunk = hunk_header(text).ok_or_else(|| self.wrong("a hunk header that is not `@@ -l,n +l,n @@`"))?;
        let (mut old, mut new) = (hunk.old_lines, hunk.new_lines);
        while old > 0 || new > 0 {
            let short = "a hunk with fewer lines than its header says";
            let text = self.next().ok_or(Malformed::At { line: started, what: short })?;
            // A context line that is empty may have lost its blank on the way.
            let (sign, text) = text.split_first().map_or((b' ', text), |(sign, text)| (*sign, text));
            let (kind, takes_old, takes_new) = match sign {
                b' ' => (Kind::Context, 1, 1),
                // The carriage return is the line's own where the blank in front was lost.
                b'\r' if text.is_empty() => (Kind::Context, 1, 1),
                b'-' => (Kind::Removed, 1, 0),
                b'+' => (Kind::Added, 0, 1),
                b'\\' => {
                    end_without_newline(&mut hunk);
                    continue;
                }
                _ => return Err(self.wrong("a line of a hunk that begins with none of ` `, `+`, `-` and `\\`")),
            };
            let count = "a hunk with more lines of one side than its header says";
            old = old.checked_sub(takes_old).ok_or_else(|| self.wrong(count))?;
            new = new.checked_sub(takes_new).ok_or_else(|| self.wrong(count))?;
            let text = if sign == b'\r' { b"\r" } else { text };
            // Only `\ No newline` says that a file ends without one: a diff may itself be cut before its last.
            hunk.lines.push(Line { kind, text, newline: true });
        }
        if self.peek().is_some_and(|text| text.starts_with(b"\\ ")) {
            self.next();
            end_without_newline(&mut hunk);
        }
        Ok(hunk)
    }

    /// After the last hunk comes another file, other text or the end, but no line of a hunk.
    fn check_end(&self) -> Result<(), Malformed> {
        let Some(text) = self.peek() else { return Ok(()) };
        let signature = text.starts_with(b"-- ") || text == b"--" || text.starts_with(b"--- ");
        if matches!(text.first(), Some(b'+' | b' ')) || (text.first() == Some(&b'-') && !signature) {
            let what = "a line after a hunk that already has as many as its header says";
            return Err(Malformed::At { line: self.line + 1, what });
        }
        Ok(())
    }

    /// Passes over the coded bytes of a `GIT binary patch`, which hold no blanks.
    fn pass_binary(&mut self) {
        while self.peek().is_some_and(|text| !text.starts_with(b"diff --") && !text.starts_with(b"--- ")) {
            self.next();
        }
    }

    fn peek(&self) -> Option<&'a [u8]> {
        let end = self.rest.iter().position(|&b| b == b'\n').unwrap_or(self.rest.len());
        (!self.rest.is_empty()).then(|| &self.rest[..end])
    }

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.peek()?;
        self.rest = self.rest.get(text.len() + 1..).unwrap_or_default();
        self.line += 1;
        Some(text)
    }

    fn wrong(&self, what: &'static str) -> Malformed {
        Malformed::At { line: self.line, what }
    }
}

fn end_without_newline(hunk: &mut Hunk<'_>) {
    if let Some(line) = hunk.lines.last_mut() {
        line.newline = false;
    }
}

/// `@@ -l,n +l,n @@ section`, where a count that is left out is 1.
fn hunk_header(text: &[u8]) -> Option<Hunk<'_>> {
    let rest = text.strip_prefix(b"@@ -")?;
    let (old_start, old_lines, rest) = range(rest)?;
    let (new_start, new_lines, rest) = range(rest.strip_prefix(b" +")?)?;
    let section = rest.strip_prefix(b" @@")?;
    let section = section.strip_prefix(b" ").unwrap_or(section);
    Some(Hunk { old_start, old_lines, new_start, new_lines, section, lines: Vec::new() })
}

/// `l` or `l,n`, and what follows. Both together stay within a `u32`, so line numbers cannot overflow.
fn range(text: &[u8]) -> Option<(u32, u32, &[u8])> {
    let (start, rest) = number(text)?;
    let (lines, rest) = match rest.strip_prefix(b",") {
        Some(rest) => number(rest)?,
        None => (1, rest),
    };
    start.checked_add(lines)?;
    Some((start, lines, rest))
}

fn number(text: &[u8]) -> Option<(u32, &[u8])> {
    let end = text.iter().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let value = std::str::from_utf8(&text[..end]).ok()?.parse().ok()?;
    Some((value, &text[end..]))
}
