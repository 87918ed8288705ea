//! What models propose, checked line by line: nothing gets through that the change does not hold.

use super::{
    material::{Material, Row},
    place::{self, Claim, Place},
    plan::Piece,
};
use crate::review::{hidden, rules::masked};
use flotilla_jobs::kinds::{Category, Finding, FoundBy, Severity};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Most findings of one answer that are looked at.
const MAX_PROPOSED: usize = 50;
const MAX_TITLE: usize = 80;
const MAX_BODY: usize = 2_000;
const MAX_EXCERPT_LINES: usize = 6;
const MAX_EXCERPT_CHARS: usize = 200;
/// Most lines of a replacement.
const MAX_SUGGESTION: usize = 5;

/// A finding that may stand, and where it is in the material.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proposal {
    pub finding: Finding,
    pub file: usize,
    pub hunk: usize,
}

/// A finding as a model writes it. Numbers may be anything.
#[derive(Deserialize)]
struct Proposed {
    path: String,
    #[serde(default)]
    existing_code: String,
    #[serde(default)]
    start_line: Value,
    #[serde(default)]
    end_line: Value,
    severity: Severity,
    category: Category,
    title: String,
    #[serde(default)]
    body: String,
    #[serde(default)]
    confidence: Value,
    #[serde(default)]
    suggestion: Option<String>,
}

/// The findings of an answer that may stand, and how many were proposed.
pub(super) fn read(material: &Material, pieces: &[Piece], answer: &Value) -> (Vec<Proposal>, u32) {
    let list = answer.get("findings").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let kept = list.iter().take(MAX_PROPOSED).filter_map(|value| {
        let proposed = Proposed::deserialize(value).ok()?;
        check(material, pieces, proposed)
    });
    (kept.collect(), list.len() as u32)
}

fn check(material: &Material, pieces: &[Piece], proposed: Proposed) -> Option<Proposal> {
    let file = pieces.iter().map(|piece| piece.file).find(|file| is_named(material, *file, &proposed.path))?;
    let start = number(&proposed.start_line).unwrap_or_default();
    let end = number(&proposed.end_line).unwrap_or(start).max(start);
    let claim = Claim { file, quote: &proposed.existing_code, start, end };
    let place = place::find(material, pieces, claim)?;
    let title = title(&proposed.title)?;
    let rows = rows_of(material, place);
    let finding = Finding {
        rule: format!("model/{}", proposed.category.as_str()),
        source: FoundBy::Model,
        path: material.files.get(file)?.path.clone(),
        start_line: place.start,
        end_line: place.end,
        severity: proposed.severity,
        category: proposed.category,
        title,
        body: text(&proposed.body, MAX_BODY),
        suggestion: proposed.suggestion.and_then(|text| suggestion(&text, place, &rows)),
        excerpt: excerpt(&rows),
        fingerprint: String::new(),
        confidence: percent(&proposed.confidence),
    };
    Some(Proposal { finding, file, hunk: place.hunk })
}

fn is_named(material: &Material, file: usize, path: &str) -> bool {
    material.files.get(file).is_some_and(|file| path == file.shown || path == file.path)
}

fn number(value: &Value) -> Option<u32> {
    let text = || value.as_str()?.trim().parse().ok();
    value.as_u64().and_then(|number| number.try_into().ok()).or_else(text)
}

/// A share in percent; what is at most 1 and no whole number is a share of 1.
pub(super) fn percent(value: &Value) -> Option<u8> {
    let number = value.as_f64()?;
    let number = if number > 0.0 && number < 1.0 { number * 100.0 } else { number };
    Some(number.clamp(0.0, 100.0).round() as u8)
}

/// The rows of a place on the new side.
fn rows_of(material: &Material, place: Place) -> Vec<&Row> {
    let hunk = material.files.get(place.file).and_then(|file| file.hunks.get(place.hunk));
    let rows = hunk.map(|hunk| hunk.rows.as_slice()).unwrap_or_default();
    rows.iter().filter(|row| row.is_new_side() && (place.start..=place.end).contains(&row.new)).collect()
}

fn title(text: &str) -> Option<String> {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = self::text(&line, MAX_TITLE);
    (!line.is_empty()).then_some(line)
}

/// Text of a model, fit for people: hidden characters are spelled out, secrets masked, and there is an end to it.
pub(super) fn text(text: &str, most: usize) -> String {
    let lines: Vec<&[u8]> = text.trim().lines().map(str::as_bytes).collect();
    let (mut text, _) = hidden::spell_out(&masked("", &lines).join("\n"), &['\n']);
    if text.chars().count() > most {
        let end = text.char_indices().nth(most - 1).map_or(text.len(), |(at, _)| at);
        text.truncate(end);
        text.push('…');
    }
    text
}

fn excerpt(rows: &[&Row]) -> String {
    let clip = |row: &&Row| match row.text.char_indices().nth(MAX_EXCERPT_CHARS) {
        Some((end, _)) => format!("{}…", &row.text[..end]),
        None => row.text.trim_end().to_owned(),
    };
    rows.iter().take(MAX_EXCERPT_LINES).map(clip).collect::<Vec<_>>().join("\n")
}

/// A replacement that can be taken as it is: for exactly the lines that were quoted, complete, as far in as they are.
fn suggestion(text: &str, place: Place, rows: &[&Row]) -> Option<String> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let lines: Vec<&str> = text.lines().collect();
    let verbatim = place.exact && rows.iter().all(|row| row.verbatim);
    if !verbatim || lines.is_empty() || lines.len() > MAX_SUGGESTION || rows.len() > MAX_SUGGESTION {
        return None;
    }
    let indent = |text: &str| text.chars().take_while(|c| c.is_whitespace()).collect::<String>();
    let is_cut = |line: &&str| {
        let bare = line.trim().trim_start_matches(['/', '#', '*', '-', ' ']);
        bare.starts_with("...") || bare.starts_with('…') || bare.starts_with("```")
    };
    let same = lines.iter().copied().eq(rows.iter().map(|row| row.text.as_str()));
    let as_far_in = rows.first().is_some_and(|row| indent(&row.text) == indent(lines[0]));
    // What would have to be masked or spelled out is no exact replacement.
    let harmless = self::text(text, usize::MAX) == text.trim();
    (as_far_in && !same && harmless && !lines.iter().any(is_cut)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
