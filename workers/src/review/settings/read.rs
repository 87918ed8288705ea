//! Reads the settings, key by key.

mod model;

use super::{FILE, RulePattern, Settings, Suppress};
use flotilla_jobs::kinds::Severity;
use globset::{Glob, GlobBuilder, GlobSetBuilder};
use toml::{Table, Value};

/// Most notes about one file: the first few tell enough.
const MAX_NOTES: usize = 20;
/// Most entries of a list.
const MAX_ENTRIES: usize = 1_000;

pub(super) fn read(text: &[u8], notes: &mut Vec<String>) -> Settings {
    let mut reader = Reader { notes: Vec::new(), settings: Settings::default() };
    match std::str::from_utf8(text).map(str::parse::<Table>) {
        Ok(Ok(table)) => reader.file(&table),
        Ok(Err(error)) => {
            let line = error.span().map_or(0, |span| text[..span.start].split(|&b| b == b'\n').count());
            reader.note(&format!("line {line}: {}", error.message()), "none of it is used");
        }
        Err(_) => reader.note("it is not UTF-8", "none of it is used"),
    }
    let more = reader.notes.len().saturating_sub(MAX_NOTES);
    reader.notes.truncate(MAX_NOTES);
    if more > 0 {
        reader.note(&format!("{more} more settings could not be used"), "correct those above first");
    }
    notes.extend(reader.notes);
    reader.settings
}

struct Reader {
    notes: Vec<String>,
    settings: Settings,
}

impl Reader {
    fn note(&mut self, wrong: &str, then: &str) {
        self.notes.push(format!("{FILE}: {wrong}; {then}"));
    }

    /// Notes keys that mean nothing here.
    fn unknown(&mut self, at: &str, table: &Table, known: &[&str]) {
        for key in table.keys().filter(|key| !known.contains(&key.as_str())) {
            let near = known.iter().max_by(|a, b| strsim::jaro(a, key).total_cmp(&strsim::jaro(b, key)));
            let then = match near.filter(|near| strsim::jaro(near, key) > 0.7) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", known.join(", ")),
            };
            self.note(&format!("unknown key `{at}{}`", clip(key)), &then);
        }
    }

    fn file(&mut self, table: &Table) {
        self.unknown("", table, &["review"]);
        match table.get("review") {
            Some(Value::Table(review)) => self.review(review),
            Some(_) => self.note("`review` is not a section", "write `[review]`"),
            None => {}
        }
    }

    fn review(&mut self, table: &Table) {
        self.unknown("review.", table, &["ignore", "disable", "suppress", "severity", "model"]);
        let mut ignore = GlobSetBuilder::new();
        for text in self.strings(table, "ignore") {
            if let Some(glob) = self.glob("review.ignore", &text) {
                ignore.add(glob);
            }
        }
        match ignore.build() {
            Ok(set) => self.settings.ignore = set,
            Err(error) => self.note(&format!("`review.ignore`: {error}"), "no file is ignored"),
        }
        for text in self.strings(table, "disable") {
            let rule = self.rule("review.disable", &text);
            self.settings.disable.extend(rule);
        }
        self.severities(table.get("severity"));
        self.suppressions(table.get("suppress"));
        self.model(table.get("model"));
    }

    fn severities(&mut self, value: Option<&Value>) {
        let Some(value) = value else { return };
        let Value::Table(table) = value else {
            return self.note("`review.severity` is not a section", "write `[review.severity]`");
        };
        for (text, value) in table.iter().take(MAX_ENTRIES) {
            let severity = value.as_str().and_then(|name| Severity::ALL.into_iter().find(|s| s.as_str() == name));
            let Some(severity) = severity else {
                let names = Severity::ALL.map(Severity::as_str).join(", ");
                self.note(
                    &format!("`review.severity.\"{}\"` is not a severity", clip(text)),
                    &format!("use one of {names}"),
                );
                continue;
            };
            if let Some(rule) = self.rule("review.severity", text) {
                self.settings.severity.push((rule, severity));
            }
        }
    }

    fn suppressions(&mut self, value: Option<&Value>) {
        let Some(value) = value else { return };
        let Value::Array(entries) = value else {
            return self.note("`review.suppress` is not a list", "write `[[review.suppress]]`");
        };
        for entry in entries.iter().take(MAX_ENTRIES) {
            let Value::Table(entry) = entry else {
                self.note("`review.suppress` holds what is no section", "write `[[review.suppress]]`");
                continue;
            };
            self.unknown("review.suppress.", entry, &["rule", "path", "reason"]);
            let Some(rule) = entry.get("rule").and_then(Value::as_str) else {
                self.note("a `[[review.suppress]]` has no `rule`", "name one, or `*` for every rule");
                continue;
            };
            if entry.get("reason").and_then(Value::as_str).is_none_or(|reason| reason.trim().is_empty()) {
                self.note(&format!("the suppression of `{}` gives no `reason`", clip(rule)), "it counts, but say why");
            }
            let Some(rule) = self.rule("review.suppress.rule", rule) else { continue };
            let path = match entry.get("path") {
                None => None,
                Some(path) => {
                    let glob = self.glob("review.suppress.path", path.as_str().unwrap_or_default());
                    // A path that cannot be read must not mean every path.
                    let Some(glob) = glob else { continue };
                    Some(glob.compile_matcher())
                }
            };
            self.settings.suppress.push(Suppress { rule, path });
        }
    }

    fn strings(&mut self, table: &Table, key: &str) -> Vec<String> {
        let Some(value) = table.get(key) else { return Vec::new() };
        let Value::Array(values) = value else {
            self.note(&format!("`review.{key}` is not a list"), "write it as [\"…\"]");
            return Vec::new();
        };
        let texts: Vec<String> = values.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        if texts.len() < values.len() || texts.len() > MAX_ENTRIES {
            self.note(
                &format!("`review.{key}` holds what is no text, or more than {MAX_ENTRIES} entries"),
                "the others are used",
            );
        }
        texts.into_iter().take(MAX_ENTRIES).collect()
    }

    fn rule(&mut self, at: &str, text: &str) -> Option<RulePattern> {
        let rule = RulePattern::parse(text);
        if rule.is_none() {
            self.note(&format!("`{at}`: `{}` is no rule", clip(text)), "use a rule's id, `prefix/*` or `*`");
        }
        rule
    }

    fn glob(&mut self, at: &str, text: &str) -> Option<Glob> {
        // A directory means what is in it, and a bare name means it anywhere, as in `.gitignore`.
        let body = text.strip_prefix('/').unwrap_or(text);
        let anywhere = !text.trim_end_matches('/').contains('/');
        let body = if anywhere { format!("**/{body}") } else { body.to_owned() };
        let pattern = match body.strip_suffix('/') {
            Some(directory) => format!("{directory}/**"),
            None if body.ends_with("**") => body,
            None => format!("{{{body},{body}/**}}"),
        };
        let glob = GlobBuilder::new(&pattern).literal_separator(true).build();
        match glob {
            Ok(glob) if !text.is_empty() => Some(glob),
            _ => {
                self.note(&format!("`{at}`: `{}` is no glob", clip(text)), "use one such as `docs/**` or `*.md`");
                None
            }
        }
    }
}

/// A text short enough to be quoted.
fn clip(text: &str) -> &str {
    &text[..text.floor_char_boundary(80)]
}
