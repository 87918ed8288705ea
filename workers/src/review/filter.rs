//! Which files of a change are looked at, which are left out, and why.

mod names;

pub(crate) use names::is_lock_file;

use super::{
    change::{Change, ChangedFile},
    diff::{FileDiff, Kind},
    settings::{FILE, Settings},
};
use flotilla_jobs::kinds::{ReviewedFile, SkippedFile};
use std::collections::HashMap;

/// Most lines a change may add to a file whose lines are still looked at.
const MAX_LINES: usize = 20_000;
/// Most bytes of added lines of such a file.
const MAX_BYTES: usize = 2 << 20;
/// In how many of its first lines a file may say that it is generated.
const MARKED_LINES: u32 = 10;
/// Average bytes of a line from which on nobody wrote it by hand.
const MINIFIED: usize = 1_000;

/// A change, sorted.
#[derive(Debug)]
pub(crate) struct Filtered<'a> {
    pub change: Change<'a>,
    pub reviewed: Vec<ReviewedFile>,
    pub skipped: Vec<SkippedFile>,
}

/// What becomes of a file.
enum Fate {
    /// Its lines are looked at.
    Read,
    /// Only that it changed, and how large it is.
    Glance,
    /// As `Glance`, and the reader is told why.
    TooLong(&'static str),
    LeftOut(&'static str),
}

/// What is known of files beside their diffs, by path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'k> {
    /// Bytes of the new file.
    pub sizes: &'k HashMap<Vec<u8>, u64>,
    /// First lines before the change.
    pub heads: &'k HashMap<Vec<u8>, Vec<u8>>,
}

/// Sorts the files of a change.
pub(crate) fn filter<'a>(files: Vec<FileDiff<'a>>, known: Known<'_>, settings: &Settings) -> Filtered<'a> {
    let mut filtered = Filtered {
        change: Change { files: Vec::with_capacity(files.len()) },
        reviewed: Vec::new(),
        skipped: Vec::new(),
    };
    for diff in files {
        let path = diff.path();
        let new_path = diff.new_path.as_deref().unwrap_or_default();
        let fate = fate(&path, &diff, known.heads.get(new_path), settings);
        let size = known.sizes.get(new_path).copied();
        if let Fate::LeftOut(reason) | Fate::TooLong(reason) = fate {
            filtered.skipped.push(SkippedFile { path: path.clone(), reason: reason.to_owned() });
        }
        if matches!(fate, Fate::LeftOut(_)) {
            continue;
        }
        if matches!(fate, Fate::Read | Fate::Glance) {
            let (added, removed) = diff.counts();
            filtered.reviewed.push(ReviewedFile { path, added, removed });
        }
        filtered.change.files.push(ChangedFile { diff, size, text_rules: matches!(fate, Fate::Read) });
    }
    filtered
}

fn fate(path: &str, diff: &FileDiff<'_>, head: Option<&Vec<u8>>, settings: &Settings) -> Fate {
    // A file that says what is not looked at is always looked at.
    if path == FILE {
        return Fate::Read;
    }
    if settings.ignores(path) {
        return Fate::LeftOut("ignored by review.ignore in .flotilla.toml");
    }
    if names::is_lock_file(path) {
        return Fate::Glance;
    }
    if let Some(reason) = names::reason(path) {
        return Fate::LeftOut(reason);
    }
    let is_link_or_module = matches!(diff.new_mode.map(|mode| mode & 0o170_000), Some(0o120_000 | 0o160_000));
    if diff.binary || diff.is_deleted() || is_link_or_module {
        return Fate::Glance;
    }
    let said_before = head.is_some_and(|head| head.split(|&b| b == b'\n').any(names::is_marker));
    if said_before || says_generated(diff) {
        return Fate::LeftOut("generated: it says so in its first lines");
    }
    let added = || diff.hunks.iter().flat_map(|hunk| &hunk.lines).filter(|line| line.kind == Kind::Added);
    let (lines, bytes) = (added().count(), added().map(|line| line.text.len()).sum::<usize>());
    if lines > MAX_LINES || bytes > MAX_BYTES {
        return Fate::TooLong("too long: more than 20,000 lines or 2 MiB were added; only its size was looked at");
    }
    if names::may_be_minified(path) && bytes / lines.max(1) > MINIFIED {
        return Fate::LeftOut("minified: its lines are too long to be written by hand");
    }
    Fate::Read
}

/// Whether a file says in its first lines that a program wrote it. A line that the change adds to a file that was
/// there before does not count, or one comment would hide any change.
fn says_generated(diff: &FileDiff<'_>) -> bool {
    let Some(hunk) = diff.hunks.first() else { return false };
    let counts = |kind| kind == Kind::Context || (kind == Kind::Added && diff.is_new());
    let mut number = hunk.new_start;
    for line in hunk.lines.iter().filter(|line| line.kind != Kind::Removed) {
        if number > MARKED_LINES {
            return false;
        }
        if counts(line.kind) && names::is_marker(line.text) {
            return true;
        }
        number = number.saturating_add(1);
    }
    false
}

#[cfg(test)]
mod tests;
