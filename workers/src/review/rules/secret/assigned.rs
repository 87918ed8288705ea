//! `secret/assigned`: a random-looking literal given to something named like a secret.

use super::placeholder::{entropy, is_placeholder};
use crate::review::rules::{catalog::RuleInfo, pattern, pattern::Layer, view::Row};
use flotilla_jobs::kinds::{Category, Severity};
use regex::Regex;
use std::{ops::Range, sync::LazyLock};

/// Bits a character: English words joined together stay below, random base64 of this length is above.
const MIN_ENTROPY: f64 = 3.6;
/// The same for values in hex, which can have 4 at most.
const MIN_HEX_ENTROPY: f64 = 3.0;
const MIN_HEX_LENGTH: usize = 32;
/// A stretch without separators this long is no word.
const MIN_RANDOM_PART: usize = 12;

pub(super) static ASSIGNED: RuleInfo = RuleInfo::new(
    "secret/assigned",
    Severity::High,
    Category::Security,
    "A literal that looks like a secret",
    "The name and the randomness of the value say that this is a credential. Whoever can read the repository has it, \
     and history keeps it: revoke it, and read it from the environment or a secret store.",
);

static ASSIGNMENT: LazyLock<Regex> = LazyLock::new(|| {
    pattern::compile(
        r#"(?i)([\w.-]{0,40}(?:passw(?:or)?d|passphrase|secret|token|api_?-?key|auth_?-?key|access_?-?key|private_?-?key|credential)[\w-]{0,20})["'\]]{0,2}\s{0,4}(?::\s*[\w<>&' ]{1,20}=|:=|=>|=|:|,)\s{0,4}[bru]?["'`]([A-Za-z0-9+/=_.~!@#$%^&*-]{16,200})["'`]"#,
    )
});

/// Names that hold a word for secrets and something public nevertheless.
const PUBLIC: [&str; 25] = [
    "public",
    "hash",
    "digest",
    "checksum",
    "_id",
    "-id",
    "_url",
    "_uri",
    "_path",
    "_file",
    "_name",
    "-name",
    "_type",
    "tokenizer",
    "tokenize",
    "_format",
    "_field",
    "_header",
    "_label",
    "_prefix",
    "placeholder",
    "page_token",
    "cancel",
    "_env",
    "csrf",
];

/// Where the secret is, if the line assigns one.
pub(super) fn find(row: &Row<'_>) -> Option<Range<usize>> {
    ASSIGNMENT.captures_iter(row.layer(Layer::Text)).find_map(|captures| {
        let (name, value) = (captures.get(1)?, captures.get(2)?);
        let name = name.as_str().to_ascii_lowercase();
        let public = PUBLIC.iter().any(|word| name.contains(word));
        (!public && is_random(value.as_str())).then(|| value.range())
    })
}

fn is_random(value: &str) -> bool {
    // A web token counts with its signature, which has a rule of its own.
    if is_placeholder(value) || is_uuid(value) || value.starts_with("eyJ") {
        return false;
    }
    if value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return value.len() >= MIN_HEX_LENGTH && entropy(value) >= MIN_HEX_ENTROPY;
    }
    // Words with separators are names and paths, however many there are of them.
    let part = value.split(['-', '_', '.', '/', ':']).max_by_key(|part| part.len()).unwrap_or_default();
    let count = |kind: fn(&u8) -> bool| part.bytes().filter(kind).count();
    let digits = count(u8::is_ascii_digit);
    part.len() >= MIN_RANDOM_PART && digits >= 2 && count(u8::is_ascii_alphabetic) >= 4 && entropy(value) >= MIN_ENTROPY
}

fn is_uuid(value: &str) -> bool {
    value.len() == 36
        && value.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
