//! A text as patterns look at it: words in lower-case letters with one space between them, whatever they are written with.

use crate::review::is_hidden;
use std::ops::Range;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::skeleton;

/// A folded text that knows where each piece of it comes from.
#[derive(Debug, Default)]
pub(super) struct Folded {
    pub text: String,
    /// Where pieces begin: here, and in the text that was folded.
    places: Vec<(usize, usize)>,
}

/// Folds a text: hidden characters are left out, letters that look alike are one, marks, signs and breaks are spaces.
pub(super) fn fold(text: &str) -> Folded {
    let mut folded = Folded { text: String::with_capacity(text.len()), places: Vec::with_capacity(text.len()) };
    for (at, c) in text.char_indices() {
        if is_hidden(c) && !c.is_whitespace() {
            continue;
        }
        if c.is_alphanumeric() {
            folded.places.push((folded.text.len(), at));
            letters(c, &mut folded.text);
        } else if !matches!(c, '\'' | '’')
            && !is_combining_mark(c)
            && !folded.text.is_empty()
            && !folded.text.ends_with(' ')
        {
            folded.places.push((folded.text.len(), at));
            folded.text.push(' ');
        }
    }
    folded
}

/// The plain letters of one.
fn letters(c: char, into: &mut String) {
    if c.is_ascii() {
        into.push(c.to_ascii_lowercase());
        return;
    }
    for c in c.nfkd().filter(|c| !is_combining_mark(*c)) {
        let mut alike = [0; 4];
        let alike: String = if c.is_ascii() { c.to_string() } else { skeleton(c.encode_utf8(&mut alike)).collect() };
        let plain = if alike.is_ascii() && !alike.is_empty() { alike } else { c.to_string() };
        into.extend(plain.chars().flat_map(char::to_lowercase));
    }
}

impl Folded {
    /// Where a piece of it is in the text that was folded.
    pub fn origin(&self, range: Range<usize>, text: &str) -> Range<usize> {
        let place = |at: usize| self.places.partition_point(|(here, _)| *here <= at).saturating_sub(1);
        let first = self.places.get(place(range.start)).map_or(0, |(_, there)| *there);
        let last = self.places.get(place(range.end.saturating_sub(1))).map_or(text.len(), |(_, there)| *there);
        first..last + text[last..].chars().next().map_or(0, char::len_utf8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_however_they_are_written() {
        for text in [
            "Ignore all",
            "IG\u{200b}NORE\n# all",
            "Ignоrе аll",
            "ｉｇｎｏｒｅ **all",
            "ígnöre—äll",
            "ignore\u{e0041} > all",
        ] {
            assert_eq!(fold(text).text, "ignore all", "{text}");
        }
        assert_eq!(fold("don't ").text, "dont ");
        assert_eq!(fold("忽略 指令").text, "忽略 指令");
    }

    #[test]
    fn a_piece_is_found_again() {
        let text = "— Ünï\u{200b}t: nоw!";
        let folded = fold(text);
        let at = folded.text.find("now").unwrap();
        assert_eq!(&text[folded.origin(at..at + 3, text)], "nоw");
        let at = folded.text.find("unit").unwrap();
        assert_eq!(&text[folded.origin(at..at + 4, text)], "Ünï\u{200b}t");
    }
}
