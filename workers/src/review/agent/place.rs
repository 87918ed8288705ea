//! Finds the lines a finding is about by what it quotes; the numbers a model gives are only where to look first.

use super::material::{Material, Row};
use super::plan::Piece;
use crate::review::diff::Kind;

/// Most lines of a finding.
pub(super) const MAX_LINES: u32 = 10;
/// Characters of a quoted part of a line that say which line it is.
const MIN_PART: usize = 8;

/// Where a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub file: usize,
    pub hunk: usize,
    pub start: u32,
    pub end: u32,
    /// Whether it is exactly the lines that were quoted, and they were quoted as they are.
    pub exact: bool,
}

/// What a model says where something is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim<'a> {
    pub file: usize,
    pub quote: &'a str,
    pub start: u32,
    pub end: u32,
}

/// Finds the place among the rows that were shown; `None` rather than a wrong one.
pub(super) fn find(material: &Material, pieces: &[Piece], claim: Claim<'_>) -> Option<Place> {
    let quote = strip(claim.quote);
    let ways: [fn(&str, &str) -> bool; 2] = [is_same, is_alike];
    for (way, same) in ways.into_iter().enumerate() {
        let exact = way == 0;
        if let Some(place) = nearest(material, pieces, claim, |rows| matching(rows, &quote, same, exact)) {
            return Some(place);
        }
    }
    if let [part] = quote[..]
        && squeezed(part).chars().count() >= MIN_PART
        && let Some(place) = nearest(material, pieces, claim, |rows| holding(rows, part))
    {
        return Some(place);
    }
    nearest(material, pieces, claim, |rows| overlapping(rows, claim))
}

/// A range of rows of the new side, and whether they are exactly those quoted.
type Range = (usize, usize, bool);

fn nearest(
    material: &Material,
    pieces: &[Piece],
    claim: Claim<'_>,
    ranges: impl Fn(&[&Row]) -> Vec<Range>,
) -> Option<Place> {
    let mut best: Option<(u32, Place)> = None;
    for piece in pieces.iter().filter(|piece| piece.file == claim.file) {
        let Some((_, rows)) = material.rows(piece) else { continue };
        let rows: Vec<&Row> = rows.iter().filter(|row| row.is_new_side()).collect();
        for (from, to, exact) in ranges(&rows) {
            let Some((start, end)) = added_part(&rows[from..to]) else { continue };
            let whole = rows[from].new == start && rows[to - 1].new == end;
            let place = Place { file: piece.file, hunk: piece.hunk, start, end, exact: exact && whole };
            let distance = rows[from].new.abs_diff(claim.start);
            if best.is_none_or(|(least, _)| distance < least) {
                best = Some((distance, place));
            }
        }
    }
    best.map(|(_, place)| place)
}

/// The first and last added line of some rows, at most so many lines apart.
fn added_part(rows: &[&Row]) -> Option<(u32, u32)> {
    let added = || rows.iter().filter(|row| row.kind == Kind::Added).map(|row| row.new);
    let start = added().next()?;
    let end = added().take_while(|line| line - start < MAX_LINES).last()?;
    Some((start, end))
}

fn matching(rows: &[&Row], quote: &[&str], same: fn(&str, &str) -> bool, exact: bool) -> Vec<Range> {
    if quote.is_empty() || quote.len() > rows.len() {
        return Vec::new();
    }
    let fits = |from: &usize| rows[*from..].iter().zip(quote).all(|(row, quoted)| same(&row.text, quoted));
    (0..=rows.len() - quote.len()).filter(fits).map(|from| (from, from + quote.len(), exact)).collect()
}

/// Rows that hold a part of a line.
fn holding(rows: &[&Row], part: &str) -> Vec<Range> {
    let part = squeezed(part);
    let found = rows.iter().enumerate().filter(|(_, row)| squeezed(&row.text).contains(&part));
    found.map(|(at, _)| (at, at + 1, false)).collect()
}

/// The rows that are claimed, as far as they are there.
fn overlapping(rows: &[&Row], claim: Claim<'_>) -> Vec<Range> {
    let inside = |row: &&&Row| row.new >= claim.start && row.new <= claim.end.max(claim.start);
    let from = rows.iter().position(|row| inside(&row));
    let count = rows.iter().filter(inside).count();
    from.map(|from| (from, from + count, false)).into_iter().collect()
}

fn is_same(row: &str, quoted: &str) -> bool {
    row.trim_end() == quoted.trim_end()
}

fn is_alike(row: &str, quoted: &str) -> bool {
    squeezed(row) == squeezed(quoted)
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

/// The lines of a quote: without blank ones around it, and without our own prefixes if all of them still have one.
fn strip(quote: &str) -> Vec<&str> {
    let lines: Vec<&str> = quote.lines().collect();
    let is_blank = |line: &str| line.trim().is_empty();
    let Some(from) = lines.iter().position(|line| !is_blank(line)) else { return Vec::new() };
    let to = lines.iter().rposition(|line| !is_blank(line)).map_or(from, |last| last + 1);
    let lines = &lines[from..to];
    let bare: Option<Vec<&str>> = lines.iter().map(|line| unprefixed(line)).collect();
    bare.unwrap_or_else(|| lines.to_vec())
}

/// `12 + code` or `12   code`, without what we put in front.
fn unprefixed(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.len() == line.len() {
        return None;
    }
    let rest = rest.strip_prefix(" + ").or_else(|| rest.strip_prefix("   "));
    rest.or_else(|| line.ends_with(" +").then_some(""))
}

#[cfg(test)]
mod tests;
