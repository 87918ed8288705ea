//! `todo/no-reference`: work left for later that nobody will find again.

use super::{
    catalog::RuleInfo,
    pattern::{self, Hit, Layer, Pattern},
};
use flotilla_jobs::kinds::{Category, Severity};
use regex::Regex;
use std::sync::LazyLock;

static NO_REFERENCE: RuleInfo = RuleInfo::new(
    "todo/no-reference",
    Severity::Info,
    Category::Maintainability,
    "Work left for later without a reference",
    "Only what is in the tracker gets planned. Name the issue, as in `TODO(#12)`, or do it now.",
);

/// Only where a comment begins: in the middle of a sentence the word is mostly talked about.
pub(super) const TABLE: &[Pattern] =
    &[Pattern::new(&NO_REFERENCE, &[], r"^\s*(?:[/*#;!%-]|<!--)+[\s/*!#-]*(?:TODO|FIXME|XXX|HACK)\b(?:[^-\w]|$)")
        .over(Layer::Comment)
        .when(|hit: &Hit<'_>| !has_reference(hit.text))];

static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    pattern::compile(
        r"#\d+|\b[A-Z][A-Z0-9]+-\d+\b|https?://|\b(?i:gh|issue|pr|bug)[- ]?\d+|\b(?:TODO|FIXME|XXX|HACK)\s?[(\[][^)\]]+[)\]]",
    )
});

/// Whether the comment says where more is known: an issue, a ticket, an address, or who.
pub(super) fn has_reference(comment: &str) -> bool {
    REFERENCE.is_match(comment)
}
