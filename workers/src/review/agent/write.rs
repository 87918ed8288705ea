//! Writes hunks for models: the new side with line numbers, then what was removed.
//!
//! Every line of the change has a prefix of ours, so none can look like one of ours: not like a file's name, not like
//! the start of a hunk, not like a fence.

use super::{
    material::{File, Material, Row},
    plan::Piece,
};
use crate::review::diff::Kind;
use std::fmt::Write as _;

/// Lines around a finding that whoever checks it is shown.
const AROUND: u32 = 40;

/// The pieces of a batch, each file's together.
pub(super) fn batch(material: &Material, pieces: &[Piece]) -> String {
    let mut text = String::new();
    let mut last = None;
    for piece in pieces {
        let Some((file, rows)) = material.rows(piece) else { continue };
        if last != Some(piece.file) {
            name(&mut text, file);
        }
        last = Some(piece.file);
        let section = file.hunks.get(piece.hunk).map_or("", |hunk| &hunk.section);
        hunk(&mut text, section, rows);
    }
    text
}

/// What stands in front of a file's hunks.
pub(super) fn name(text: &mut String, file: &File) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "## File: '{}'", file.shown);
    if let Some(old) = &file.moved_from {
        let _ = writeln!(text, "Moved from: '{old}'");
    }
}

/// A hunk in two blocks; the second only where something was removed.
pub(super) fn hunk(text: &mut String, section: &str, rows: &[Row]) {
    let _ = writeln!(text, "\n{}", header(section, rows));
    text.push_str("__new hunk__\n");
    rows.iter().filter(|row| row.is_new_side()).for_each(|row| line(text, row));
    if rows.iter().any(|row| row.kind == Kind::Removed) {
        text.push_str("__old hunk__\n");
        rows.iter().filter(|row| row.kind == Kind::Removed).for_each(|row| line(text, row));
    }
}

/// One line with its prefix.
pub(super) fn line(text: &mut String, row: &Row) {
    let _ = match row.kind {
        Kind::Added => writeln!(text, "{} + {}", row.new, row.text),
        Kind::Context => writeln!(text, "{}   {}", row.new, row.text),
        Kind::Removed => writeln!(text, "- {}", row.text),
    };
}

fn header(section: &str, rows: &[Row]) -> String {
    let count = |not: Kind| rows.iter().filter(|row| row.kind != not).count();
    let (old, new) = (count(Kind::Added), count(Kind::Removed));
    let first = rows.first().map_or((0, 0), |row| (row.old, row.new));
    // A side without lines names the line before it.
    let start = |first: u32, lines: usize| first.saturating_sub(u32::from(lines == 0));
    let section = if section.is_empty() { String::new() } else { format!(" {section}") };
    format!("@@ -{},{old} +{},{new} @@{section}", start(first.0, old), start(first.1, new))
}

/// The lines around some of a hunk, from the whole text where it is known.
pub(super) fn around(file: &File, hunk_index: usize, start: u32, end: u32) -> String {
    let mut text = String::new();
    name(&mut text, file);
    let Some(own) = file.hunks.get(hunk_index) else { return text };
    let window = start.saturating_sub(AROUND).max(1)..=end.saturating_add(AROUND);
    if file.text.is_empty() {
        let near = |row: &&Row| window.contains(&row.new);
        let rows: Vec<Row> = own.rows.iter().filter(near).cloned().collect();
        hunk(&mut text, &own.section, &rows);
        return text;
    }
    let added: Vec<u32> = file
        .hunks
        .iter()
        .flat_map(|hunk| &hunk.rows)
        .filter(|row| row.kind == Kind::Added)
        .map(|row| row.new)
        .collect();
    let mut rows: Vec<Row> = Vec::new();
    for (line, new) in file.text.iter().zip(1..).filter(|(_, new)| window.contains(new)) {
        let kind = if added.binary_search(&new).is_ok() { Kind::Added } else { Kind::Context };
        rows.push(Row { kind, old: new, new, text: line.clone(), verbatim: false });
    }
    let _ = writeln!(text, "\n@@ lines {}-{} @@", rows.first().map_or(0, |r| r.new), rows.last().map_or(0, |r| r.new));
    text.push_str("__new hunk__\n");
    for row in &rows {
        line(&mut text, row);
    }
    let removed: Vec<&Row> =
        own.rows.iter().filter(|row| row.kind == Kind::Removed && window.contains(&row.new)).collect();
    if !removed.is_empty() {
        text.push_str("__old hunk__\n");
        for row in removed {
            line(&mut text, row);
        }
    }
    text
}

/// Lines of somebody else, each with a prefix of ours.
pub(super) fn quoted(text: &str) -> String {
    text.lines().flat_map(|line| ["> ", line, "\n"]).collect()
}
