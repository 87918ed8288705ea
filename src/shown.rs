//! Text of others for a terminal: what would move the cursor, change colors, or hide or reorder what follows is shown as
//! an escape. Whatever people read that came from a job, a change or a server goes through here.

/// One line: line feeds are escaped too.
pub fn line(text: &str) -> String {
    escaped(text, |c| c == '\t')
}

/// Lines, each as [`line()`].
pub fn lines(text: &str) -> String {
    escaped(text, |c| matches!(c, '\t' | '\n'))
}

fn escaped(text: &str, harmless: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if harmless(c) || !(c.is_control() || is_format(c)) { shown.push(c) } else { shown.extend(c.escape_unicode()) }
    }
    shown
}

/// Characters that are not seen but change what is: of the Unicode category Cf, those of Trojan Source and of invisible
/// text; and the two separators that end a line.
fn is_format(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
        || matches!(c, '\u{e0000}'..='\u{e007f}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_escaped() {
        let evil = "a\u{1b}[2Jb\u{202e}c\rd\u{9b}e\u{7f}\0\u{200b}";
        let shown = lines(evil);
        assert_eq!(shown, "a\\u{1b}[2Jb\\u{202e}c\\u{d}d\\u{9b}e\\u{7f}\\u{0}\\u{200b}");
        assert_eq!((line("a\n\tb"), lines("a\n\tb")), ("a\\u{a}\tb".to_owned(), "a\n\tb".to_owned()));
        assert_eq!(line("grüße 👍 مرحبا"), "grüße 👍 مرحبا");
    }
}
