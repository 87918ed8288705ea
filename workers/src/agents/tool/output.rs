//! What a tool says, made fit for the journal: bounded, and without characters that are not seen.

/// Most bytes of one result that are kept: its start and its end.
pub const MAX_RESULT: usize = 64 << 10;

/// Text of what a tool said: at most `max` bytes of it, from the start and the end, with a line between them that says
/// what is missing. What is no UTF-8 is replaced, and control characters are shown.
pub fn cap(bytes: &[u8], max: usize) -> String {
    let half = max / 2;
    if bytes.len() <= max {
        return clip(&visible(&String::from_utf8_lossy(bytes)), max);
    }
    let (head, tail) = (head(bytes, half), tail(bytes, half));
    let left_out = bytes.len() - head.len() - tail.len();
    let [head, tail] = [head, tail].map(|part| visible(&String::from_utf8_lossy(part)));
    format!("{}\n[… {left_out} bytes left out …]\n{}", start(&head, half), end(&tail, half))
}

/// The first `max` bytes, or fewer: no character is cut.
fn head(bytes: &[u8], max: usize) -> &[u8] {
    let mut end = max.min(bytes.len());
    while end > 0 && bytes.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) && max - end < 4 {
        end -= 1;
    }
    &bytes[..end]
}

/// The last `max` bytes, or fewer.
fn tail(bytes: &[u8], max: usize) -> &[u8] {
    let least = bytes.len().saturating_sub(max);
    let mut start = least;
    while start < bytes.len() && bytes[start] & 0xc0 == 0x80 && start - least < 4 {
        start += 1;
    }
    &bytes[start..]
}

/// Replacing and showing makes text longer: it is held to the limit once more.
fn clip(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let (head, tail) = (start(text, max / 2), end(text, max / 2));
    format!("{head}\n[… {} bytes left out …]\n{tail}", text.len() - head.len() - tail.len())
}

fn start(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max.min(text.len()))]
}

fn end(text: &str, max: usize) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(max))..]
}

/// The text with what is not seen written as `\u{…}`: control characters but line breaks and tabs, and characters that
/// hide or turn around others.
pub fn visible(text: &str) -> String {
    if !text.chars().any(is_hidden) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        if is_hidden(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}' => true,
        c => c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn short_output_is_kept_and_shown() {
        assert_eq!(cap("a\tb\nü".as_bytes(), 100), "a\tb\nü");
        assert_eq!(cap(b"a\x1b[31mb\x00\r\n\xff", 100), "a\\u{1b}[31mb\\u{0}\\u{d}\n\u{fffd}");
        assert_eq!(cap("x\u{202e}y\u{e0041}\u{200b}".as_bytes(), 100), "x\\u{202e}y\\u{e0041}\\u{200b}");
    }

    #[test]
    fn long_output_keeps_its_ends() {
        let long = format!("START{}END", "é".repeat(1_000));
        let text = cap(long.as_bytes(), 100);
        assert!(text.starts_with("START") && text.ends_with("END"), "{text}");
        assert!(text.contains("bytes left out"), "{text}");
        assert!(!text.contains('\u{fffd}'), "no character is cut: {text}");
    }

    proptest! {
        #[test]
        fn output_is_bounded_and_seen(bytes in prop::collection::vec(any::<u8>(), 0..2_000), max in 0usize..600) {
            let text = cap(&bytes, max);
            prop_assert!(text.len() <= max + 64, "{} bytes of at most {max}", text.len());
            prop_assert!(!text.chars().any(is_hidden));
        }
    }
}
