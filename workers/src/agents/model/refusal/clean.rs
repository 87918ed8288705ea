//! Makes what a provider says fit for a log: short, on one line, and without secrets.

use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret, SecretString};

/// Most bytes of a message.
pub const MAX_MESSAGE: usize = 1_024;
/// Shorter ones would be found in ordinary words.
const LEAST_SECRET: usize = 6;

/// Knows what must not be shown.
pub struct Cleaner<'a> {
    secrets: Vec<&'a str>,
}

impl<'a> Cleaner<'a> {
    /// The key and the configured headers of a provider.
    pub fn new(key: Option<&'a SecretString>, headers: &'a HeaderMap) -> Self {
        let values = headers.values().filter_map(|value| value.to_str().ok());
        // `Bearer abc`: what comes after the blank is the secret.
        let values = values.map(|value| value.rsplit(' ').next().unwrap_or(value));
        let secrets = key.map(ExposeSecret::expose_secret).into_iter().chain(values);
        Self { secrets: secrets.filter(|secret| secret.len() >= LEAST_SECRET).collect() }
    }

    /// At most [`MAX_MESSAGE`] bytes of the message, on one line, its secrets replaced.
    pub fn clean(&self, message: &str) -> String {
        let mut text = message.to_owned();
        for secret in &self.secrets {
            text = text.replace(secret, "***");
        }
        let mut shown = String::with_capacity(text.len().min(MAX_MESSAGE));
        let mut after_bearer = false;
        for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
            if !shown.is_empty() {
                shown.push(' ');
            }
            if after_bearer || looks_like_a_key(word) {
                shown.push_str("***");
            } else {
                shown.push_str(&without_user(word));
            }
            after_bearer = word.to_ascii_lowercase().ends_with("bearer");
            if shown.len() > MAX_MESSAGE {
                break;
            }
        }
        clipped(shown)
    }
}

/// `sk-…`: also where a provider shows part of a key that it refused.
fn looks_like_a_key(word: &str) -> bool {
    let start = word.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    ["sk-", "xai-", "gsk_", "AIza", "sk_"]
        .iter()
        .any(|prefix| start.starts_with(prefix) && start.len() > prefix.len() + 4)
}

/// An address without its user and password.
fn without_user(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else { return word.to_owned() };
    let end = rest.find('/').unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://***{}", &rest[at..]),
        None => word.to_owned(),
    }
}

fn clipped(mut text: String) -> String {
    const MORE: &str = " …";
    if text.len() > MAX_MESSAGE {
        let mut end = MAX_MESSAGE - MORE.len();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str(MORE);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn secrets_are_never_shown() {
        let key = SecretString::from("my-secret-key");
        let headers: HeaderMap =
            [(reqwest::header::AUTHORIZATION, "Bearer other-secret".parse().unwrap())].into_iter().collect();
        let cleaner = Cleaner::new(Some(&key), &headers);
        for (message, shown) in [
            ("the key my-secret-key is wrong", "the key *** is wrong"),
            ("url=https://h/?key=my-secret-key,", "url=https://h/?key=***,"),
            ("sent other-secret", "sent ***"),
            ("Incorrect API key provided: sk-proj-****abcd.", "Incorrect API key provided: ***"),
            ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
            ("at https://me:pass@host/v1 now", "at https://***@host/v1 now"),
            ("at https://host/v1/@me", "at https://host/v1/@me"),
            ("two\nlines\tand \u{7}more", "two lines and more"),
            ("a task- and a risk-free sk-", "a task- and a risk-free sk-"),
        ] {
            assert_eq!(cleaner.clean(message), shown);
        }
    }

    proptest! {
        #[test]
        fn messages_are_short(message in "\\PC{0,1500}") {
            let headers = HeaderMap::new();
            prop_assert!(Cleaner::new(None, &headers).clean(&message).len() <= MAX_MESSAGE);
        }
    }
}
