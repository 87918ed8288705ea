//! Splits lines into code, strings and comments, well enough for rules: one pass, no grammar.
//!
//! Each layer has the length of the line, with blanks for what is not in it, so that offsets mean the same in all.
//! A hunk may begin inside a comment or string; that is guessed only where a line's own look says so.

/// How a language writes comments and strings.
pub(super) struct Syntax {
    pub line: &'static [&'static str],
    pub block: Option<(&'static str, &'static str)>,
    /// Quotes of strings that end with their line.
    pub quotes: &'static str,
    /// Delimiters of strings that run over lines.
    pub long: &'static [&'static str],
    /// Strings over lines, raw strings and lifetimes, as Rust has them.
    pub rust: bool,
}

pub(super) struct Layers {
    pub text: String,
    pub code: String,
    pub comment: String,
}

/// Reads the lines of one hunk in order.
pub(super) struct Reader {
    syntax: &'static Syntax,
    state: State,
}

enum State {
    Code,
    /// Inside a block comment; how deep, since Rust nests them.
    Block(u32),
    /// Inside a string that ends with this; whether a backslash escapes in it.
    String {
        end: String,
        escapes: bool,
    },
}

impl Reader {
    pub fn new(syntax: &'static Syntax) -> Self {
        Self { syntax, state: State::Code }
    }

    pub fn read(&mut self, line: &str) -> Layers {
        let mut out = Layers { text: String::new(), code: String::new(), comment: String::new() };
        let mut rest = line;
        // A line that begins with `*` is the inside of a block comment that began above the hunk.
        if matches!(self.state, State::Code) && self.syntax.block.is_some() && is_inside_comment(line) {
            out.comment(line);
            return out;
        }
        while let Some(first) = rest.chars().next() {
            let (taken, part) = match &mut self.state {
                State::Code => self.code(line, rest, first),
                State::Block(depth) => {
                    let (open, close) = self.syntax.block.unwrap_or(("\0", "\0"));
                    if rest.starts_with(close) {
                        *depth -= 1;
                        if *depth == 0 {
                            self.state = State::Code;
                        }
                        (close.len(), Part::Comment)
                    } else if self.syntax.rust && rest.starts_with(open) {
                        *depth += 1;
                        (open.len(), Part::Comment)
                    } else {
                        (first.len_utf8(), Part::Comment)
                    }
                }
                State::String { end, escapes } => {
                    if *escapes && first == '\\' {
                        let escaped = rest[1..].chars().next().map_or(0, char::len_utf8);
                        (1 + escaped, Part::Inside)
                    } else if rest.starts_with(end.as_str()) {
                        let length = end.len();
                        self.state = State::Code;
                        (length, Part::Code)
                    } else {
                        (first.len_utf8(), Part::Inside)
                    }
                }
            };
            let (piece, after) = rest.split_at(taken);
            match part {
                Part::Code => out.code(piece),
                Part::Inside => out.inside(piece),
                Part::Comment => out.comment(piece),
            }
            rest = after;
        }
        // Strings in these quotes end with the line, or the rest of the file would be one.
        if matches!(&self.state, State::String { end, .. } if !self.syntax.rust && self.syntax.quotes.contains(end.as_str()))
        {
            self.state = State::Code;
        }
        out
    }

    /// How much of `rest` to take, and as what, outside of strings and comments.
    fn code(&mut self, line: &str, rest: &str, first: char) -> (usize, Part) {
        let before = line[..line.len() - rest.len()].chars().next_back();
        for mark in self.syntax.line {
            // `$#`, `${#a}` and `a#b` are no comments.
            if rest.starts_with(mark) && (*mark != "#" || before.is_none_or(char::is_whitespace)) {
                return (rest.len(), Part::Comment);
            }
        }
        if let Some((open, _)) = self.syntax.block
            && rest.starts_with(open)
        {
            self.state = State::Block(1);
            return (open.len(), Part::Comment);
        }
        if self.syntax.rust {
            return self.rust(rest, first, before);
        }
        for end in self.syntax.long {
            if rest.starts_with(end) {
                self.state = State::String { end: (*end).to_owned(), escapes: true };
                return (end.len(), Part::Code);
            }
        }
        if self.syntax.quotes.contains(first) {
            self.state = State::String { end: first.to_string(), escapes: true };
        }
        (first.len_utf8(), Part::Code)
    }

    fn rust(&mut self, rest: &str, first: char, before: Option<char>) -> (usize, Part) {
        match first {
            '"' => self.state = State::String { end: "\"".to_owned(), escapes: true },
            'r' if before.is_none_or(|c| !c.is_alphanumeric() && c != '_' || c == 'b') => {
                let hashes = rest[1..].bytes().take_while(|byte| *byte == b'#').count();
                if rest[1 + hashes..].starts_with('"') {
                    self.state = State::String { end: format!("\"{}", "#".repeat(hashes)), escapes: false };
                    return (hashes + 2, Part::Code);
                }
            }
            '\'' => {
                let mut chars = rest.char_indices().skip(1);
                match (chars.next(), chars.next()) {
                    (Some((_, '\\')), _) => {
                        self.state = State::String { end: "'".to_owned(), escapes: true };
                    }
                    // A character; what has no second quote is a lifetime.
                    (Some(_), Some((at, '\''))) => return (at + 1, Part::Code),
                    _ => {}
                }
            }
            _ => {}
        }
        (first.len_utf8(), Part::Code)
    }
}

enum Part {
    Code,
    Inside,
    Comment,
}

impl Layers {
    fn code(&mut self, piece: &str) {
        self.text.push_str(piece);
        self.code.push_str(piece);
        blank(&mut self.comment, piece);
    }

    fn inside(&mut self, piece: &str) {
        self.text.push_str(piece);
        blank(&mut self.code, piece);
        blank(&mut self.comment, piece);
    }

    fn comment(&mut self, piece: &str) {
        blank(&mut self.text, piece);
        blank(&mut self.code, piece);
        self.comment.push_str(piece);
    }
}

fn blank(layer: &mut String, piece: &str) {
    layer.extend(std::iter::repeat_n(' ', piece.len()));
}

fn is_inside_comment(line: &str) -> bool {
    let line = line.trim_start();
    line == "*" || line.starts_with("* ") || line.starts_with("*/")
}
