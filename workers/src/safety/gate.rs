//! The way out for what a model says: credentials, and links to hosts that are not on the list, stay behind.
//!
//! A text comes out the same however it is cut into pieces, so what is streamed is what is put on record. A word is held
//! back until it has ended; nothing else is.

use super::{links, settings::Safety};
use crate::review::secrets_in;
use regex::Regex;
use std::{
    ops::Range,
    sync::{Arc, LazyLock},
};

/// A longer word is looked at in pieces of so many bytes.
const MAX_WORD: usize = 8 << 10;
/// So much of a line before a word is looked at with it: what is assigned has its name in front.
const BEFORE: usize = 512;
/// A shorter word is no credential.
const SHORTEST: usize = 16;
const SECRET: &str = "[secret removed]";
const LINK: &str = "[link removed]";
const KEY: &str = "[private key removed]";

static BEGIN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----").ok());
static END: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----").ok());

/// Lets one text through, piece by piece.
#[derive(Clone, Debug)]
pub struct Gate {
    mask_secrets: bool,
    /// None: every host.
    hosts: Arc<[String]>,
    /// The line so far, from [`BEFORE`] bytes before the word that is not ended.
    line: String,
    /// Where that word begins.
    word: usize,
    in_key: bool,
    held: Held,
}

/// What stayed behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Held {
    pub secrets: u64,
    pub links: u64,
}

impl Gate {
    /// A gate for one text.
    #[must_use]
    pub fn new(safety: &Safety) -> Self {
        Self {
            mask_secrets: safety.mask_secrets,
            hosts: safety.link_hosts.as_slice().into(),
            line: String::new(),
            word: 0,
            in_key: false,
            held: Held::default(),
        }
    }

    /// Lets the next piece through, as far as its words have ended.
    pub fn push(&mut self, piece: &str) -> String {
        let mut out = String::with_capacity(piece.len());
        for c in piece.chars() {
            if c.is_whitespace() {
                self.end_word(&mut out);
                if !self.in_key {
                    out.push(c);
                }
                self.line.push(c);
                self.word = self.line.len();
                if c == '\n' {
                    self.line.clear();
                    self.word = 0;
                }
                continue;
            }
            if self.line.len() - self.word + c.len_utf8() > MAX_WORD {
                self.end_word(&mut out);
            }
            self.line.push(c);
        }
        out
    }

    /// The text has ended: what was held back, and what stayed behind in all.
    pub fn finish(&mut self) -> (String, Held) {
        let mut out = String::new();
        self.end_word(&mut out);
        self.line.clear();
        self.word = 0;
        self.in_key = false;
        (out, std::mem::take(&mut self.held))
    }

    /// A whole text at once.
    #[must_use]
    pub fn pass(safety: &Safety, text: &str) -> (String, Held) {
        let mut gate = Self::new(safety);
        let mut out = gate.push(text);
        let (rest, held) = gate.finish();
        out.push_str(&rest);
        (out, held)
    }

    fn end_word(&mut self, out: &mut String) {
        if self.word == self.line.len() {
            return;
        }
        let from = if self.mask_secrets { self.keys(out) } else { self.word };
        if !self.in_key {
            self.let_through(from, out);
        }
        self.word = self.line.len();
        let stale = self.line.floor_char_boundary(self.word.saturating_sub(BEFORE));
        self.line.drain(..stale);
        self.word -= stale;
    }

    /// Private keys begin and end within words. Answers where the rest of the word begins.
    fn keys(&mut self, out: &mut String) -> usize {
        let mut from = self.word;
        loop {
            let mark = if self.in_key { &END } else { &BEGIN };
            let found = mark.as_ref().and_then(|mark| mark.find_iter(&self.line).find(|found| found.end() > from));
            let Some(end) = found.map(|found| found.end()) else { return from };
            if !self.in_key {
                self.let_through(from..end, out);
                out.push_str(KEY);
                self.held.secrets += 1;
            }
            self.in_key = !self.in_key;
            from = end;
        }
    }

    fn let_through(&mut self, range: impl Into<Piece>, out: &mut String) {
        let Piece(start, end) = range.into();
        let end = end.unwrap_or(self.line.len());
        let mut masks: Vec<(Range<usize>, &str)> = Vec::new();
        if self.mask_secrets && end - start >= SHORTEST {
            let within = |span: &Range<usize>| span.end > start && span.start < end;
            masks.extend(secrets_in(&self.line[..end]).into_iter().filter(within).map(|span| (span, SECRET)));
        }
        if !self.hosts.is_empty() {
            let strange = links::strange(&self.line[start..end], &self.hosts);
            masks.extend(strange.into_iter().map(|span| (start + span.start..start + span.end, LINK)));
        }
        masks.sort_by_key(|(span, _)| span.start);
        let mut at = start;
        for (span, mask) in masks {
            if span.end <= at {
                continue;
            }
            out.push_str(&self.line[at..span.start.max(at)]);
            out.push_str(mask);
            if mask == LINK {
                self.held.links += 1;
            } else {
                self.held.secrets += 1;
            }
            at = span.end.min(end);
        }
        out.push_str(&self.line[at..end]);
    }
}

/// A piece of the line; without an end, up to the line's.
struct Piece(usize, Option<usize>);

impl From<usize> for Piece {
    fn from(start: usize) -> Self {
        Self(start, None)
    }
}

impl From<Range<usize>> for Piece {
    fn from(range: Range<usize>) -> Self {
        Self(range.start, Some(range.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn safety() -> Safety {
        Safety { link_hosts: vec!["example.com".to_owned()], ..Safety::default() }
    }

    fn token() -> String {
        format!("ghp_{}", "a8Bx3cZq9LmN2pRs5TuV7wXy4zKj6hGf1dQe")
    }

    fn key() -> String {
        format!("-----BEGIN RSA {0}-----\nMIIEpAIBAAKCAQEA\nabc\n-----END RSA {0}-----\n", "PRIVATE KEY")
    }

    #[test]
    fn credentials_stay_behind() {
        let (out, held) = Gate::pass(&safety(), &format!("the token is {}, use it", token()));
        assert_eq!(out, "the token is [secret removed], use it");
        assert_eq!(held, Held { secrets: 1, links: 0 });
        let (out, held) = Gate::pass(&safety(), &format!("key:\n{}done", key()));
        assert!(out.contains("[private key removed]") && out.ends_with("done"), "{out}");
        assert!(!out.contains("MIIE") && held.secrets == 1, "{out}");
        let (out, _) = Gate::pass(&safety(), &key().replace('\n', "\\n"));
        assert!(!out.contains("MIIE"), "{out}");
        let off = Safety { mask_secrets: false, ..Safety::default() };
        assert_eq!(Gate::pass(&off, &token()).0, token());
    }

    #[test]
    fn links_to_strange_hosts_stay_behind() {
        let (out, held) = Gate::pass(&safety(), "![x](https://evil.com/?q=1) and https://docs.example.com/a.");
        assert_eq!(out, "![x]([link removed]) and https://docs.example.com/a.");
        assert_eq!(held.links, 1);
        assert_eq!(Gate::pass(&Safety::default(), "https://evil.com").0, "https://evil.com");
    }

    #[test]
    fn words_come_out_as_they_end() {
        let mut gate = Gate::new(&safety());
        assert_eq!(gate.push("Hello wor"), "Hello ");
        assert_eq!(gate.push("ld! Ok"), "world! ");
        assert_eq!(gate.finish().0, "Ok");
    }

    proptest! {
        #[test]
        fn a_text_comes_out_the_same_in_any_pieces(
            words in proptest::collection::vec(
                prop_oneof![
                    "[ -~é🦀\n]{0,12}",
                    Just(token()),
                    Just(key()),
                    Just("https://evil.com/x ".to_owned()),
                    Just("x".repeat(MAX_WORD)),
                ],
                0..8,
            ),
            cuts in proptest::collection::vec(0usize..20_000, 0..8),
        ) {
            let text = words.concat();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| text.floor_char_boundary(cut.min(text.len()))).collect();
            cuts.sort_unstable();
            let (mut gate, mut out, mut at) = (Gate::new(&safety()), String::new(), 0);
            for cut in cuts.into_iter().chain([text.len()]) {
                out.push_str(&gate.push(&text[at..cut]));
                at = cut;
            }
            let (rest, held) = gate.finish();
            prop_assert_eq!((out + &rest, held), Gate::pass(&safety(), &text));
        }
    }
}
