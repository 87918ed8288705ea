//! Characters that people do not see and programs do.

use std::fmt::Write as _;

/// Whether a character shows nothing, or changes how others look: controls, zero-width characters, joiners, fillers,
/// directions, variation selectors, tags. A tab is what it is.
pub(crate) fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control() && c != '\t';
    }
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}')
        || matches!(c, '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
        || matches!(c, '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}')
        || matches!(c, '\u{e0000}'..='\u{e0fff}')
}

/// The text with hidden characters written as escapes, but for those that `keep` names; and how many there were.
pub(crate) fn spell_out(text: &str, keep: &[char]) -> (String, u64) {
    let mut shown = String::with_capacity(text.len());
    let mut count = 0;
    for c in text.chars() {
        if is_hidden(c) && !keep.contains(&c) {
            count += 1;
            // Writing to a string does not fail.
            let _ = write!(shown, "{}", c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    (shown, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_spelled_out_and_counted() {
        let text = "a\u{200b}b\u{e0041}\u{e0042}\tc\u{202e}\u{fe0f}\u{1b}[2J\u{ad}";
        let (shown, count) = spell_out(text, &[]);
        assert_eq!(shown, "a\\u{200b}b\\u{e0041}\\u{e0042}\tc\\u{202e}\\u{fe0f}\\u{1b}[2J\\u{ad}");
        assert_eq!(count, 7);
        assert_eq!(spell_out("grüße 👍 مرحبا\n", &['\n']), ("grüße 👍 مرحبا\n".to_owned(), 0));
    }
}
