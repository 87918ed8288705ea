//! Looks at a message before it is taken.

#[cfg(test)]
mod tests;

use super::{
    clean::clean,
    fold::{Folded, fold},
    hit::{Hit, Verdict},
    markdown,
    patterns::{RAW, WORDS},
    settings::{Action, Hidden, Html, Safety},
};
use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use regex::{Regex, RegexBuilder};
use std::{borrow::Cow, collections::BTreeMap, ops::Range, sync::LazyLock};

/// Most memory that a pattern of a team may take, compiled.
const MAX_PATTERN: usize = 1 << 20;
/// Stands for what was taken out.
const REMOVED: &str = "[removed]";
/// So many invisible characters are a text of their own.
const SMUGGLED: u64 = 8;

static KNOWN_WORDS: LazyLock<Vec<Named>> = LazyLock::new(|| compile(WORDS));
static KNOWN_RAW: LazyLock<Vec<Named>> = LazyLock::new(|| compile(RAW));
static BASE64: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[A-Za-z0-9+/]{24,}={0,2}").ok());

/// A pattern by its name.
#[derive(Clone, Debug)]
struct Named {
    name: String,
    regex: Regex,
}

/// What an agent's messages are looked at for.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    settings: Safety,
    own: Vec<Named>,
    format: Option<Regex>,
}

/// A setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct BadRule {
    /// Which, below `safety` or the agent's own.
    pub field: String,
    #[allow(missing_docs)]
    pub message: String,
}

impl Rules {
    /// Compiles what is set.
    pub fn new(settings: Safety) -> Result<Self, BadRule> {
        let own = settings.patterns.iter().map(|(name, pattern)| {
            Ok(Named { name: name.clone(), regex: of_a_team(&format!("patterns.{name}"), pattern)? })
        });
        let own = own.collect::<Result<_, _>>()?;
        let whole = || of_a_team("format", &format!("^(?:{})$", settings.format));
        let format = (!settings.format.is_empty()).then(whole).transpose()?;
        Ok(Self { settings, own, format })
    }

    /// What these were made of.
    #[must_use]
    pub fn settings(&self) -> &Safety {
        &self.settings
    }

    /// Looks at a message.
    #[must_use]
    pub fn look(&self, message: &str) -> Verdict {
        let cleaned = clean(message);
        let (characters, passages) = (cleaned.characters, cleaned.passages);
        let text = if self.settings.hidden == Hidden::Strip { cleaned.text } else { Cow::Borrowed(message) };
        let mut verdict =
            Verdict { text: text.into_owned(), hits: Vec::new(), characters, passages, refused: self.unfit(message) };
        if self.settings.injection != Action::Off {
            // What nobody sees is looked at as well: it is there for somebody.
            let mut hits = BTreeMap::new();
            self.find(message, |name, _| *hits.entry(name).or_insert(0) += 1);
            if characters >= SMUGGLED {
                hits.insert("hidden-text".to_owned(), characters);
            }
            verdict.hits = hits.into_iter().map(|(rule, count)| Hit { rule, count }).collect();
        }
        self.act(&mut verdict);
        verdict
    }

    fn act(&self, verdict: &mut Verdict) {
        if verdict.hits.is_empty() {
            return;
        }
        match self.settings.injection {
            Action::Off | Action::Warn => {}
            Action::Sanitize => {
                let mut spans = Vec::new();
                self.find(&verdict.text, |_, span| spans.extend(span));
                verdict.text = without(&verdict.text, spans);
            }
            Action::Block => {
                let names: Vec<_> = verdict.hits.iter().map(|hit| hit.rule.as_str()).collect();
                let what = format!(
                    "looks like an attempt to steer the agent ({}); write it differently, or ask the operator",
                    names.join(", ")
                );
                verdict.refused.get_or_insert(what);
            }
        }
    }

    /// Why a message may not be taken, whatever it wants.
    fn unfit(&self, message: &str) -> Option<String> {
        let most = self.settings.max_chars;
        if most > 0 && message.chars().nth(most).is_some() {
            return Some(format!("is {} characters long; use at most {most}", message.chars().count()));
        }
        if self.format.as_ref().is_some_and(|format| !format.is_match(message)) {
            return Some("has not the form that this agent takes; see safety.format in the configuration".to_owned());
        }
        (self.settings.html == Html::Refuse && markdown::has_html(message))
            .then(|| "has HTML in it, which this agent does not take; write it as code or as plain text".to_owned())
    }

    /// Tells each place that fits a pattern; of what is encoded, the code.
    fn find(&self, text: &str, mut tell: impl FnMut(String, Option<Range<usize>>)) {
        let folded = fold(text);
        for named in KNOWN_WORDS.iter() {
            for found in named.regex.find_iter(&folded.text) {
                tell(named.name.clone(), Some(folded.origin(found.range(), text)));
            }
        }
        for named in KNOWN_RAW.iter().chain(&self.own) {
            for found in named.regex.find_iter(text) {
                tell(named.name.clone(), Some(found.range()));
            }
        }
        for found in BASE64.iter().flat_map(|regex| regex.find_iter(text)) {
            if decoded(found.as_str()).is_some_and(|words| known(&words)) {
                tell("encoded".to_owned(), Some(found.range()));
            }
        }
    }
}

/// Readable text in Base64.
fn decoded(code: &str) -> Option<Folded> {
    let code = code.trim_end_matches('=');
    let whole = code.len() - usize::from(code.len() % 4 == 1);
    let bytes = BASE64_STANDARD_NO_PAD.decode(&code[..whole]).ok()?;
    Some(fold(&String::from_utf8(bytes).ok()?))
}

fn known(folded: &Folded) -> bool {
    KNOWN_WORDS.iter().any(|named| named.regex.is_match(&folded.text))
}

fn without(text: &str, mut spans: Vec<Range<usize>>) -> String {
    spans.sort_by_key(|span| span.start);
    let (mut left, mut at) = (String::with_capacity(text.len()), 0);
    for span in spans {
        if span.start >= at {
            left.push_str(&text[at..span.start]);
            left.push_str(REMOVED);
        }
        at = at.max(span.end);
    }
    left.push_str(&text[at..]);
    left
}

/// Those that come with the program hold up; a test sees to it.
fn compile(table: &[(&str, &str)]) -> Vec<Named> {
    let named =
        |(name, pattern): &(&str, &str)| Some(Named { name: (*name).to_owned(), regex: Regex::new(pattern).ok()? });
    table.iter().filter_map(named).collect()
}

fn of_a_team(field: &str, pattern: &str) -> Result<Regex, BadRule> {
    RegexBuilder::new(pattern).size_limit(MAX_PATTERN).build().map_err(|error| {
        let detail = error.to_string();
        // The last line says what is wrong, those before it show where.
        let what = detail.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        BadRule { field: field.to_owned(), message: format!("is no regular expression that can be used: {what}") }
    })
}
