//! What the names that cross the API may look like. Each limit has a number and an error.

use crate::Invalid;

/// Longest queue, kind or tenant name, in bytes.
pub(crate) const MAX_NAME: usize = 63;
/// Longest group or unique key, in bytes.
pub(crate) const MAX_KEY: usize = 256;
/// Most labels on one job.
pub(crate) const MAX_LABELS: usize = 16;
/// Longest label value, in bytes.
pub(crate) const MAX_LABEL_VALUE: usize = 256;

/// A name: `a-z`, `0-9`, `-`, `_` and `.`, not starting with a sign, at most 63 bytes.
///
/// Narrow on purpose: names become parts of Redis keys, metric labels and URLs.
pub fn name(field: &str, text: &str) -> Result<(), Invalid> {
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let rest = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.'));
    if first && rest && text.len() <= MAX_NAME {
        return Ok(());
    }
    Err(Invalid::new(
        field,
        format!(
            "`{}` is not a name; use 1 to {MAX_NAME} of a-z, 0-9, `-`, `_`, `.`, starting with a letter or digit",
            clip(text)
        ),
    ))
}

/// A key chosen by the caller: 1 to 256 bytes, no control characters.
pub fn key(field: &str, text: &str) -> Result<(), Invalid> {
    if text.is_empty() || text.len() > MAX_KEY {
        return Err(Invalid::new(field, format!("is {} bytes long; use 1 to {MAX_KEY} bytes", text.len())));
    }
    if text.chars().any(char::is_control) {
        return Err(Invalid::new(field, "holds a control character; use printable text"));
    }
    Ok(())
}

/// The start of a text, for quoting it in an error.
pub(crate) fn clip(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_narrow() {
        for good in ["default", "code-review", "a", "9.x_y"] {
            assert!(name("queue", good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "A", "a b", "a{b}", "ü", &"a".repeat(64)] {
            assert!(name("queue", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_is_printable_and_short() {
        assert!(key("group", "session:42 ü").is_ok());
        assert!(key("group", "").is_err());
        assert!(key("group", "a\u{1f}b").is_err());
        assert!(key("group", &"k".repeat(257)).is_err());
    }
}
