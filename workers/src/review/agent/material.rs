//! What models are shown of a change: its hunks as text that is safe to show, and what is known around them.
//!
//! Nothing of it is as it was written: secrets are masked, hidden characters are spelled out, and lines are clipped. What
//! a model quotes is looked for in the same text.

use super::{context, head};
use crate::{
    hex::hex,
    review::{
        change::{Change, ChangedFile},
        diff::{self, Kind},
        filter::is_lock_file,
        hidden,
        rules::masked,
        settings::{RulePattern, Settings},
        suppress,
    },
};
use flotilla_jobs::kinds::SkippedFile;
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
};

/// Characters of a line that are shown.
const MAX_LINE: usize = 1_000;
/// Characters of a path that are shown; a longer one keeps its end.
const MAX_PATH: usize = 300;

/// A change, as models are shown it.
#[derive(Debug, Default)]
pub(crate) struct Material {
    pub files: Vec<File>,
    /// Hash of everything here that may be shown.
    pub digest: String,
    /// Files with added lines that are not here.
    pub left_out: Vec<SkippedFile>,
    /// Characters that were spelled out.
    pub hidden: u64,
}

/// A file with added lines.
#[derive(Debug, Default)]
pub(crate) struct File {
    pub path: String,
    /// The path as models are told it.
    pub shown: String,
    /// Where it was before, as shown, if it moved.
    pub moved_from: Option<String>,
    pub hunks: Vec<Hunk>,
    /// All of its lines after the change; empty where they are not known.
    pub text: Vec<String>,
    /// What the team wants to be looked at in it.
    pub instructions: Vec<String>,
    /// Rules that comments in it accept, by line.
    pub accepted: BTreeMap<u32, Vec<RulePattern>>,
}

/// Lines that changed together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hunk {
    /// What git prints after the `@@`.
    pub section: String,
    pub rows: Vec<Row>,
}

/// A line of a hunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub kind: Kind,
    /// Its number in the old file, or that of the next line there.
    pub old: u32,
    /// Its number in the new file, or that of the next line there.
    pub new: u32,
    pub text: String,
    /// Whether the text is the line as it is.
    pub verbatim: bool,
}

impl Row {
    /// Whether the new file has it.
    pub fn is_new_side(&self) -> bool {
        self.kind != Kind::Removed
    }
}

/// Makes the material of a change. `olds` has what is known of old files, by path.
pub(crate) fn material(change: &Change<'_>, olds: &HashMap<Vec<u8>, Vec<u8>>, settings: &Settings) -> Material {
    let mut material = Material::default();
    let mut hash = Sha256::new();
    for changed in &change.files {
        if changed.diff.counts().0 == 0 {
            continue;
        }
        let path = changed.diff.path();
        if !changed.text_rules {
            let reason = if is_lock_file(&path) { "a lock file" } else { "only its size was looked at" };
            material.left_out.push(SkippedFile { path, reason: reason.to_owned() });
            continue;
        }
        let file = file(changed, olds, settings, &mut material.hidden);
        for row in file.hunks.iter().flat_map(|hunk| &hunk.rows) {
            hash.update(format!("{:?} {} {}\n", row.kind, row.old, row.new));
            hash.update(row.text.as_bytes());
        }
        hash.update(file.shown.as_bytes());
        for text in file.text.iter().chain(&file.instructions) {
            hash.update(text.as_bytes());
        }
        material.files.push(file);
    }
    material.digest = hex(&hash.finalize());
    material
}

fn file(changed: &ChangedFile<'_>, olds: &HashMap<Vec<u8>, Vec<u8>>, settings: &Settings, hidden: &mut u64) -> File {
    let diff = &changed.diff;
    let path = diff.path();
    let (old_path, new_path) = (diff.old_path.as_deref(), diff.new_path.as_deref());
    let text = match old_path {
        None => head::rebuild(b"", &diff.hunks),
        Some(old) => olds.get(old).and_then(|old| head::rebuild(old, &diff.hunks)),
    };
    let lines = text.as_deref().map(head::lines).unwrap_or_default();
    let text: Vec<String> = masked(&path, &lines).into_iter().map(|line| show(&line).0).collect();
    let mut hunks: Vec<Hunk> = diff
        .hunks
        .iter()
        .filter(|hunk| hunk.lines.iter().any(|line| line.kind == Kind::Added))
        .map(|hunk| hunk_of(&path, hunk, hidden))
        .collect();
    context::grow(&mut hunks, &text);
    let (shown, count) = show_path(&path);
    *hidden += count;
    File {
        shown,
        moved_from: old_path
            .filter(|old| new_path.is_some_and(|new| new != *old))
            .map(|old| show_path(&String::from_utf8_lossy(old)).0),
        hunks,
        text,
        instructions: settings.model.instructions_for(&path),
        accepted: suppress::comments(changed),
        path,
    }
}

fn hunk_of(path: &str, hunk: &diff::Hunk<'_>, hidden: &mut u64) -> Hunk {
    let lines: Vec<&[u8]> = hunk.lines.iter().map(|line| line.text).collect();
    let (mut old, mut new) = (hunk.old_start, hunk.new_start);
    // A side without lines names the line before it.
    old += u32::from(hunk.old_lines == 0);
    new += u32::from(hunk.new_lines == 0);
    let mut rows = Vec::with_capacity(lines.len());
    for (line, masked) in hunk.lines.iter().zip(masked(path, &lines)) {
        let (text, count) = show(&masked);
        *hidden += count;
        let real = line.text.strip_suffix(b"\r").unwrap_or(line.text);
        rows.push(Row { kind: line.kind, old, new, verbatim: text.as_bytes() == real, text });
        old = old.saturating_add(u32::from(line.kind != Kind::Added));
        new = new.saturating_add(u32::from(line.kind != Kind::Removed));
    }
    let section = masked_line(path, hunk.section);
    Hunk { section: show(section.trim()).0, rows }
}

fn masked_line(path: &str, line: &[u8]) -> String {
    masked(path, &[line]).pop().unwrap_or_default()
}

/// A line as it is shown, and how many characters of it were spelled out.
pub(super) fn show(line: &str) -> (String, u64) {
    let (mut text, count) = hidden::spell_out(line, &[]);
    if let Some((end, _)) = text.char_indices().nth(MAX_LINE) {
        let more = text.len() - end;
        text.truncate(end);
        // Writing to a string does not fail.
        let _ = write!(text, " […{more} more bytes]");
    }
    (text, count)
}

/// A path within quotes: it can neither end them nor its line.
fn show_path(path: &str) -> (String, u64) {
    let start = path.ceil_char_boundary(path.len().saturating_sub(MAX_PATH));
    let (text, count) = hidden::spell_out(&path[start..], &[]);
    let text = text.replace('\t', "\\t").replace('\'', "\\'");
    (if start > 0 { format!("[…]{text}") } else { text }, count)
}
