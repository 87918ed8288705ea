//! Takes out what people do not see where a text is shown: invisible characters, HTML comments, attributes that only
//! programs read, texts behind images and links.

use super::markdown;
use crate::review::is_hidden;
use std::borrow::Cow;

/// A text without what is hidden, and how much there was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleaned<'a> {
    #[allow(missing_docs)]
    pub text: Cow<'a, str>,
    /// Invisible characters.
    pub characters: u64,
    /// Comments, attributes, and texts behind images and links.
    pub passages: u64,
}

/// Cleans a text, which may be Markdown with HTML in it. What stands in code is shown as it is, so it stays.
pub fn clean(text: &str) -> Cleaned<'_> {
    let (text, characters) = without_invisible(text);
    let (text, passages) = match markdown::without_hidden(&text) {
        Some((shown, passages)) => (Cow::Owned(shown), passages),
        None => (text, 0),
    };
    Cleaned { text, characters, passages }
}

fn without_invisible(text: &str) -> (Cow<'_, str>, u64) {
    if !text.chars().any(|c| is_hidden(c) && c != '\n') {
        return (Cow::Borrowed(text), 0);
    }
    let (mut shown, mut count, mut before) = (String::with_capacity(text.len()), 0, None);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied();
        if c == '\r' && after == Some('\n') {
            continue;
        }
        if is_hidden(c) && c != '\n' && !belongs(c, before, after) {
            count += 1;
            continue;
        }
        shown.push(c);
        before = Some(c);
    }
    (Cow::Owned(shown), count)
}

/// Whether an invisible character is part of how a script or a sign is written: joiners within Persian or Hindi words and
/// within an emoji, and the selector behind one.
fn belongs(c: char, before: Option<char>, after: Option<char>) -> bool {
    let is_sign = |c: Option<char>| c.is_some_and(|c| !c.is_ascii() && !is_hidden(c));
    match c {
        '\u{200c}' | '\u{200d}' => (is_sign(before) || before == Some('\u{fe0f}')) && is_sign(after),
        '\u{fe0e}' | '\u{fe0f}' => is_sign(before) || before.is_some_and(|c| matches!(c, '0'..='9' | '#' | '*')),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(text: &str) -> (String, u64, u64) {
        let Cleaned { text, characters, passages } = clean(text);
        (text.into_owned(), characters, passages)
    }

    #[test]
    fn invisible_characters_go_and_are_counted() {
        assert_eq!(cleaned("Ig\u{200b}nore\u{202e} it\u{e0041}\u{e0042}\u{feff}"), ("Ignore it".to_owned(), 5, 0));
        assert_eq!(cleaned("a\r\nb\tc\n"), ("a\nb\tc\n".to_owned(), 0, 0));
    }

    #[test]
    fn what_belongs_to_writing_stays() {
        for text in ["می‌خواهم", "👩‍👩‍👧‍👦 ❤️ 1️⃣", "क्‍ष", "日本語 naïve grüße"]
        {
            assert_eq!(cleaned(text), (text.to_owned(), 0, 0));
        }
        assert_eq!(cleaned("a\u{200d}b\u{200c}c").0, "abc", "joiners have no place in ASCII words");
    }

    #[test]
    fn a_plain_text_is_not_copied() {
        assert!(matches!(clean("Hello, *you*: `x < y`.\n").text, Cow::Borrowed(_)));
    }
}
