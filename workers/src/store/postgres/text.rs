//! What Postgres cannot keep in text: the character U+0000 (PostgreSQL documentation, 8.14 "JSON Types").

use flotilla_jobs::Fault;
use serde::Serialize;
use std::borrow::Cow;

const NUL: &str = "\\u0000";
const REPLACEMENT: &str = "\\ufffd";

/// The same JSON with U+0000 as U+FFFD, so that one such character in a result does not keep it off the record.
pub(super) fn json(text: &str) -> Cow<'_, str> {
    if !text.contains(NUL) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    // An escape is two characters or six; a backslash that is itself escaped starts none.
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        kept.push_str(before);
        if let Some(after) = escape.strip_prefix(NUL) {
            kept.push_str(REPLACEMENT);
            rest = after;
        } else {
            let end = escape.char_indices().nth(2).map_or(escape.len(), |(end, _)| end);
            kept.push_str(&escape[..end]);
            rest = &escape[end..];
        }
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}

/// Plain text with U+0000 as U+FFFD.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// A value as JSON that Postgres keeps.
pub(super) fn of(value: &impl Serialize) -> Option<String> {
    serde_json::to_string(value).ok().map(|text| json(&text).into_owned())
}

/// A fault, where there is one.
pub(super) fn of_fault(fault: Option<&Fault>) -> Option<String> {
    fault.and_then(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_character_is_replaced() {
        for (given, kept) in [
            (r#"{"a":"x"}"#, r#"{"a":"x"}"#),
            (r#""a\u0000b""#, r#""a\ufffdb""#),
            (r#""\u0000\u0000""#, r#""\ufffd\ufffd""#),
            (r#""\\u0000""#, r#""\\u0000""#),
            (r#""\\\u0000""#, r#""\\\ufffd""#),
            (r#""é\u00001""#, r#""é\ufffd1""#),
        ] {
            assert_eq!(json(given), kept);
        }
    }
}
