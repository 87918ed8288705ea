//! Rules as data: a pattern, where it applies, and what else must hold.

use super::{catalog::RuleInfo, language::Language, view::View};
use regex::{Captures, Regex, RegexSet};

/// A rule about one line.
pub(super) struct Pattern {
    pub info: &'static RuleInfo,
    /// Empty: every language.
    languages: &'static [Language],
    layer: Layer,
    regex: &'static str,
    keep: Option<fn(&Hit<'_>) -> bool>,
    /// The line's exact replacement, where one is certain.
    pub fix: Option<fn(&Hit<'_>) -> Option<String>>,
}

/// Which part of a line is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    /// All of it.
    Raw,
    /// Without comments.
    Text,
    /// Without comments and without what is inside string literals.
    Code,
    /// Only comments.
    Comment,
}

impl Layer {
    const ALL: [Self; 4] = [Self::Raw, Self::Text, Self::Code, Self::Comment];
}

/// A place where a pattern matched.
pub(super) struct Hit<'v> {
    pub view: &'v View<'v>,
    /// Index of the row.
    pub row: usize,
    /// The layer of the row; offsets are the same as in the raw line.
    pub text: &'v str,
    pub captures: Captures<'v>,
}

impl Hit<'_> {
    /// What the first group took, or else the whole match.
    pub fn value(&self) -> regex::Match<'_> {
        self.captures.get(1).unwrap_or_else(|| self.captures.get_match())
    }

    /// The raw line.
    pub fn raw(&self) -> &str {
        &self.view.rows[self.row].raw
    }
}

impl Pattern {
    /// A pattern over code: no comments, no string contents.
    pub const fn new(info: &'static RuleInfo, languages: &'static [Language], regex: &'static str) -> Self {
        Self { info, languages, layer: Layer::Code, regex, keep: None, fix: None }
    }

    pub const fn over(mut self, layer: Layer) -> Self {
        self.layer = layer;
        self
    }

    pub const fn when(mut self, keep: fn(&Hit<'_>) -> bool) -> Self {
        self.keep = Some(keep);
        self
    }

    pub const fn fix(mut self, fix: fn(&Hit<'_>) -> Option<String>) -> Self {
        self.fix = Some(fix);
        self
    }

    fn speaks(&self, language: Language) -> bool {
        self.languages.is_empty() || self.languages.contains(&language)
    }
}

/// Patterns, compiled once. One pass over a layer tells which of them are worth a closer look.
pub(super) struct Engine {
    layers: Vec<Compiled>,
}

/// The patterns over one layer.
struct Compiled {
    layer: Layer,
    /// All of them at once.
    set: RegexSet,
    patterns: Vec<(&'static Pattern, Regex)>,
}

impl Engine {
    pub fn new(patterns: &[&'static Pattern]) -> Self {
        let layer = |layer| {
            let of_layer: Vec<_> = patterns.iter().copied().filter(|pattern| pattern.layer == layer).collect();
            let set = RegexSet::new(of_layer.iter().map(|pattern| ascii(pattern.regex)));
            let set = set.expect("each rule compiles, as the tests see to");
            let patterns = of_layer.iter().map(|pattern| (*pattern, compile(pattern.regex))).collect();
            Compiled { layer, set, patterns }
        };
        Self { layers: Layer::ALL.map(layer).into() }
    }

    /// Calls `found` for every hit on the row.
    pub fn hits<'v>(&self, view: &'v View<'v>, row: usize, mut found: impl FnMut(&'static Pattern, &Hit<'v>)) {
        self.scan(view, row, false, &mut found);
    }

    /// Calls `found` for the first hit of each pattern on the row, each rule at most once.
    pub fn first_hits<'v>(&self, view: &'v View<'v>, row: usize, mut found: impl FnMut(&'static Pattern, &Hit<'v>)) {
        let mut seen = Vec::new();
        self.scan(view, row, true, &mut |pattern, hit| {
            if !seen.contains(&pattern.info.id) {
                seen.push(pattern.info.id);
                found(pattern, hit);
            }
        });
    }

    fn scan<'v>(&self, view: &'v View<'v>, row: usize, once: bool, found: &mut impl FnMut(&'static Pattern, &Hit<'v>)) {
        for Compiled { layer, set, patterns } in &self.layers {
            let text = view.rows[row].layer(*layer);
            for index in set.matches(text) {
                let (pattern, regex) = &patterns[index];
                if !pattern.speaks(view.language) {
                    continue;
                }
                for captures in regex.captures_iter(text) {
                    let hit = Hit { view, row, text, captures };
                    if pattern.keep.is_none_or(|keep| keep(&hit)) {
                        found(pattern, &hit);
                        if once {
                            break;
                        }
                    }
                }
            }
        }
    }
}

/// Compiles a rule's own pattern.
pub(super) fn compile(regex: &str) -> Regex {
    Regex::new(&ascii(regex)).expect("each rule compiles, as the tests see to")
}

/// Classes in rules mean ASCII: the tables of Unicode would make each automaton many times larger, for nothing.
fn ascii(regex: &str) -> String {
    regex.replace(r"\w", "[0-9A-Za-z_]").replace(r"\d", "[0-9]").replace(r"\s", r"[ \t\r]").replace(r"\b", r"(?-u:\b)")
}
