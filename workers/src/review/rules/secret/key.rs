//! `secret/private-key`: private keys in PEM and in `OpenPGP` armor.

use super::Secret;
use crate::review::rules::{
    catalog::RuleInfo,
    pattern,
    view::{Row, View},
};
use flotilla_jobs::kinds::{Category, Severity};
use regex::Regex;
use std::sync::LazyLock;

pub(super) static PRIVATE_KEY: RuleInfo = RuleInfo::new(
    "secret/private-key",
    Severity::Critical,
    Category::Security,
    "A private key",
    "Whoever can read the repository has the key, and history keeps it: replace the key pair, and keep the private \
     half in a secret store.",
);

static BEGIN: LazyLock<Regex> =
    LazyLock::new(|| pattern::compile(r"-----BEGIN (?:(?:RSA|EC|DSA|OPENSSH|PGP) )?PRIVATE KEY(?: BLOCK)?-----"));

/// Key material on one line with the marker, with line feeds written out, as JSON and `.env` files have it.
static INLINE: LazyLock<Regex> =
    LazyLock::new(|| pattern::compile(r"^(?:\\+[rn])+[A-Za-z0-9+/=]{40}[A-Za-z0-9+/=\\]*(?:-----END[A-Z ]*-----)?"));

/// Longest key in lines: RSA with 16,384 bits has about 200.
const MAX_LINES: usize = 250;
/// Headers such as `Proc-Type` and `Version`, and the blank line after them.
const MAX_HEADERS: usize = 4;

pub(super) fn find(view: &View<'_>) -> Vec<Secret> {
    let mut secrets: Vec<Secret> = Vec::new();
    for first in view.added() {
        if secrets.last().is_some_and(|secret| first <= secret.last) {
            continue;
        }
        let raw = &view.rows[first].raw;
        let Some(begin) = BEGIN.find(raw) else { continue };
        let (last, end) = match INLINE.find(&raw[begin.end()..]) {
            Some(material) => (first, begin.end() + material.end()),
            // The marker alone is what code that reads keys looks for.
            None if raw.len() - begin.end() > 3 => continue,
            None => match last_row(view, first) {
                Some(last) => (last, begin.end()),
                None => continue,
            },
        };
        let span = if last == first { begin.end()..end } else { begin.range() };
        secrets.push(Secret { info: &PRIVATE_KEY, first, last, span });
    }
    secrets
}

/// The last row of the key that begins at `first`, if there is key material.
fn last_row(view: &View<'_>, first: usize) -> Option<usize> {
    let rows: Vec<_> = view.ahead(first, MAX_LINES).skip(1).take_while(|row| row.added).collect();
    let start = rows.iter().take(MAX_HEADERS).position(|row| is_material(row, 40))?;
    let lines = rows[start..].iter().take_while(|row| is_material(row, 1)).count();
    Some(first + start + lines)
}

/// Whether the line is base64, perhaps quoted as a string of some language.
fn is_material(row: &Row<'_>, at_least: usize) -> bool {
    let text = row.raw.trim_matches([' ', '\t', '"', '\'', '+', ',', '\\', '#', '*', '/']);
    let text = text.strip_suffix("\\n").unwrap_or(text);
    text.len() >= at_least && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
        // The sum at the end of an `OpenPGP` block, too.
        && !text.is_empty()
}
