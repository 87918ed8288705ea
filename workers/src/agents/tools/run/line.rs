//! What a program is started with: what the configuration says, and at named places in it what a model asks for.

use regex::Regex;
use std::{collections::BTreeMap, time::Duration};

/// Most bytes of what a model puts in a place.
const MAX_VALUE: usize = 256;

/// Programs by the names that models know them by.
pub type Commands = BTreeMap<String, CommandLine>;

/// A program and its arguments. Nothing of a model's is among them but at the places named, as a part of one argument.
#[derive(Clone, Debug)]
pub struct CommandLine {
    arguments: Vec<String>,
    places: BTreeMap<String, Place>,
    /// Beside PATH, HOME and TMPDIR, which are set.
    pub environment: BTreeMap<String, String>,
    #[allow(missing_docs)]
    pub timeout: Duration,
}

/// What may stand at a place.
#[derive(Clone, Debug)]
struct Place {
    /// As it was written, for models to read.
    pattern: String,
    /// The same, for the whole text.
    whole: Regex,
}

/// A command line that cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadCommand(String);

impl CommandLine {
    /// Takes `arguments`, of which the first is a program's absolute path; `{name}` in another is a place for what fits
    /// the pattern of that name, from its start to its end.
    pub fn new(
        arguments: Vec<String>,
        patterns: &BTreeMap<String, String>,
        environment: BTreeMap<String, String>,
        timeout: Duration,
    ) -> Result<Self, BadCommand> {
        let bad = |what: String| Err(BadCommand(what));
        let Some((program, rest)) = arguments.split_first() else {
            return bad("is empty; give a program's absolute path and its arguments".to_owned());
        };
        if !program.starts_with('/') {
            return bad(format!("`{program}` is not an absolute path, and no directories are searched"));
        }
        if arguments.iter().any(|argument| argument.contains('\0')) {
            return bad("an argument holds a zero byte, which no program can be given".to_owned());
        }
        let mut places = BTreeMap::new();
        for (name, pattern) in patterns {
            let named = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            if !named {
                return bad(format!("`{name}` is no name of a placeholder; use lower-case letters and `_`"));
            }
            if !rest.iter().any(|argument| argument.contains(&format!("{{{name}}}"))) {
                return bad(format!("the placeholder `{name}` is in no argument; write {{{name}}} where it belongs"));
            }
            let whole = match Regex::new(&format!(r"\A(?:{pattern})\z")) {
                Ok(whole) => whole,
                Err(error) => return bad(format!("the pattern of `{name}` cannot be read: {error}")),
            };
            places.insert(name.clone(), Place { pattern: pattern.clone(), whole });
        }
        for argument in &arguments {
            if let Some(name) =
                pieces(argument).find_map(|piece| piece.err().filter(|name| !places.contains_key(*name)))
            {
                return bad(format!("`{{{name}}}` has no pattern; add it to placeholders"));
            }
        }
        if pieces(program).any(|piece| piece.is_err()) {
            return bad("the program itself cannot be a placeholder".to_owned());
        }
        Ok(Self { arguments, places, environment, timeout })
    }

    /// The program's absolute path.
    pub fn program(&self) -> &str {
        self.arguments.first().map_or("", String::as_str)
    }

    /// The arguments with these values in their places.
    pub(super) fn filled(&self, values: &BTreeMap<String, String>) -> Result<Vec<String>, String> {
        if let Some(name) = values.keys().find(|name| !self.places.contains_key(*name)) {
            return Err(format!("there is no `{name}` in this command; {}", self.told()));
        }
        for (name, Place { pattern, whole }) in &self.places {
            let Some(value) = values.get(name) else {
                return Err(format!("`{name}` is missing; {}", self.told()));
            };
            if value.len() > MAX_VALUE {
                return Err(format!("`{name}` is longer than {MAX_VALUE} bytes"));
            }
            if value.chars().any(char::is_control) || !whole.is_match(value) {
                return Err(format!("`{name}` does not fit {pattern}"));
            }
        }
        self.arguments.iter().map(|argument| fill(argument, values)).collect()
    }

    /// What models are told of its places.
    pub(super) fn told(&self) -> String {
        if self.places.is_empty() {
            return "it takes no arguments".to_owned();
        }
        let each = self.places.iter().map(|(name, place)| format!("{name} = {}", place.pattern));
        format!("arguments, as regular expressions: {}", each.collect::<Vec<_>>().join(", "))
    }
}

/// An argument with values in its places.
fn fill(argument: &str, values: &BTreeMap<String, String>) -> Result<String, String> {
    let mut filled = String::new();
    for piece in pieces(argument) {
        match piece {
            Ok(text) => filled.push_str(text),
            Err(name) => {
                let value = values.get(name).map_or("", String::as_str);
                // Whatever a pattern lets through, it does not become an option.
                if filled.is_empty() && value.starts_with('-') {
                    return Err(format!("`{name}` may not begin with `-`"));
                }
                filled.push_str(value);
            }
        }
    }
    Ok(filled)
}

/// An argument in pieces: text, and names of places.
fn pieces(argument: &str) -> impl Iterator<Item = Result<&str, &str>> {
    let mut rest = argument;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (at, end) = next_place(rest).unwrap_or((rest.len(), rest.len()));
        if at > 0 {
            let (text, after) = rest.split_at(at);
            rest = after;
            return Some(Ok(text));
        }
        let (place, after) = rest.split_at(end);
        rest = after;
        Some(Err(&place[1..place.len() - 1]))
    })
}

/// Where the next `{name}` begins and ends.
fn next_place(text: &str) -> Option<(usize, usize)> {
    text.match_indices('{').find_map(|(at, _)| {
        let name = text[at + 1..].bytes().take_while(|b| b.is_ascii_lowercase() || *b == b'_').count();
        let end = at + 1 + name;
        (name > 0 && text.as_bytes().get(end) == Some(&b'}')).then_some((at, end + 1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(arguments: &[&str], patterns: &[(&str, &str)]) -> Result<CommandLine, BadCommand> {
        let patterns = patterns.iter().map(|(name, pattern)| ((*name).to_owned(), (*pattern).to_owned())).collect();
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        CommandLine::new(arguments, &patterns, BTreeMap::new(), Duration::from_secs(1))
    }

    fn filled(line: &CommandLine, values: &[(&str, &str)]) -> Result<Vec<String>, String> {
        line.filled(&values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn values_stand_where_the_configuration_says() {
        let line = line(
            &["/bin/t", "-p", "{package}", "--only={test_name}!", "{}", "{X}"],
            &[("package", "[a-z]+"), ("test_name", "a|b.*")],
        )
        .unwrap();
        let all = filled(&line, &[("package", "jobs"), ("test_name", "b c; rm {package}")]).unwrap();
        assert_eq!(all, ["/bin/t", "-p", "jobs", "--only=b c; rm {package}!", "{}", "{X}"], "filled once");
        for bad in [
            &[("package", "jobs")][..],
            &[("package", "jobs"), ("test_name", "a"), ("more", "x")],
            &[("package", "Jobs"), ("test_name", "a")],
            &[("package", "jobs\n"), ("test_name", "a")],
            &[("package", "jobs"), ("test_name", "ab")],
            &[("package", "jobs"), ("test_name", "b\0")],
            &[("package", ""), ("test_name", "a")],
        ] {
            filled(&line, bad).unwrap_err();
        }
    }

    #[test]
    fn no_value_becomes_an_option() {
        let any = line(&["/bin/t", "{any}", "--x={any}"], &[("any", "(?s).*")]).unwrap();
        assert_eq!(filled(&any, &[("any", "a -b")]).unwrap(), ["/bin/t", "a -b", "--x=a -b"]);
        for bad in ["-b", "--exec=sh", "a\nb", "a\u{7f}", &"a".repeat(257)] {
            filled(&any, &[("any", bad)]).unwrap_err();
        }
    }

    #[test]
    fn what_cannot_be_run_is_no_command() {
        for (arguments, patterns) in [
            (&[][..], &[][..]),
            (&["t"], &[]),
            (&["/bin/t", "{x}"], &[]),
            (&["/bin/t"], &[("x", ".*")]),
            (&["/bin/{x}", "{x}"], &[("x", ".*")]),
            (&["/bin/t", "{x}"], &[("x", "(")]),
            (&["/bin/t", "a\0"], &[]),
            (&["/bin/t", "{X}"], &[("X", ".*")]),
        ] {
            line(arguments, patterns).unwrap_err();
        }
    }
}
