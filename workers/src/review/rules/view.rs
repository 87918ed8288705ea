//! A file of the change, prepared for the rules: the new side of its hunks, line by line.

use super::{language::Language, layers::Layers, pattern::Layer};
use crate::review::diff::{FileDiff, Kind};
use std::{borrow::Cow, ops::Range};

/// Only so much of a line is looked at: longer ones are data, and nobody reads them.
pub const MAX_LINE_BYTES: usize = 4096;

pub(super) struct View<'a> {
    pub path: String,
    pub language: Language,
    /// Whether the path says that it holds tests, fixtures or examples, where made-up credentials are at home.
    pub testing: bool,
    /// Context and added lines; removed ones are nobody's concern.
    pub rows: Vec<Row<'a>>,
}

pub(super) struct Row<'a> {
    /// From 1, in the new file.
    pub line: u32,
    pub added: bool,
    /// Index of its hunk: rows of different hunks are not neighbors.
    pub hunk: usize,
    pub raw: Cow<'a, str>,
    /// `None` where the language is not known: then every layer is the raw line, and none is a comment.
    layers: Option<Layers>,
    /// Where secrets are in `raw`.
    pub secrets: Vec<Range<usize>>,
    /// Whether the line is nothing but key material: no rule quotes it, none looks at it.
    pub hidden: bool,
}

impl<'a> View<'a> {
    pub fn new(diff: &'a FileDiff<'a>) -> Self {
        let path = diff.path();
        let language = Language::of(&path);
        let mut rows = Vec::new();
        for (index, hunk) in diff.hunks.iter().enumerate() {
            let mut reader = language.syntax().map(super::layers::Reader::new);
            let new_side = hunk.lines.iter().filter(|line| line.kind != Kind::Removed);
            for (line, number) in new_side.zip(hunk.new_start.max(1)..) {
                let raw = clip(line.text);
                let layers = reader.as_mut().map(|reader| reader.read(&raw));
                let added = line.kind == Kind::Added;
                rows.push(Row { line: number, added, hunk: index, raw, layers, secrets: Vec::new(), hidden: false });
            }
        }
        Self { testing: is_testing(&path), path, language, rows }
    }

    /// Indices of the rows that rules may report.
    pub fn added(&self) -> impl Iterator<Item = usize> + '_ {
        self.rows.iter().enumerate().filter(|(_, row)| row.added && !row.hidden).map(|(index, _)| index)
    }

    /// The row and up to `count` before it, the nearest first, as far as they are in the same hunk.
    pub fn back(&self, row: usize, count: usize) -> impl Iterator<Item = &Row<'a>> {
        let hunk = self.rows[row].hunk;
        self.rows[..=row].iter().rev().take(count + 1).take_while(move |other| other.hunk == hunk)
    }

    /// The row and up to `count` after it, as far as they are in the same hunk.
    pub fn ahead(&self, row: usize, count: usize) -> impl Iterator<Item = &Row<'a>> {
        let hunk = self.rows[row].hunk;
        self.rows[row..].iter().take(count + 1).take_while(move |other| other.hunk == hunk)
    }
}

impl Row<'_> {
    pub fn layer(&self, layer: Layer) -> &str {
        match (&self.layers, layer) {
            (None, Layer::Comment) => "",
            (None, _) | (_, Layer::Raw) => &self.raw,
            (Some(layers), Layer::Text) => &layers.text,
            (Some(layers), Layer::Code) => &layers.code,
            (Some(layers), Layer::Comment) => &layers.comment,
        }
    }
}

fn clip(text: &[u8]) -> Cow<'_, str> {
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    if text.len() <= MAX_LINE_BYTES {
        return String::from_utf8_lossy(text);
    }
    let mut end = MAX_LINE_BYTES;
    // A character cut in two would look like a replacement character.
    while end > MAX_LINE_BYTES - 4 && text[end] & 0xC0 == 0x80 {
        end -= 1;
    }
    String::from_utf8_lossy(&text[..end])
}

fn is_testing(path: &str) -> bool {
    const FOLDERS: [&str; 15] = [
        "test",
        "tests",
        "testing",
        "__tests__",
        "spec",
        "specs",
        "testdata",
        "fixtures",
        "__fixtures__",
        "mocks",
        "__mocks__",
        "examples",
        "example",
        "e2e",
        "cypress",
    ];
    let lower = path.to_ascii_lowercase();
    let mut parts = lower.split('/').rev();
    let name = parts.next().unwrap_or_default();
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
    parts.any(|folder| FOLDERS.contains(&folder))
        || [".test.", ".spec.", ".cy.", ".stories."].iter().any(|mark| name.contains(mark))
        || stem.starts_with("test_")
        || ["_test", "_tests", "_spec", "-test"].iter().any(|mark| stem.ends_with(mark))
        || matches!(stem, "tests" | "test" | "conftest")
        // Java and Kotlin name their test classes so; a lower-case word such as `latest` must not count.
        || path.split('/').next_back().is_some_and(|name| {
            let stem = name.split('.').next().unwrap_or_default();
            [".java", ".kt", ".scala", ".cs"].iter().any(|ending| name.ends_with(ending))
                && ["Test", "Tests", "IT"].iter().any(|mark| stem.ends_with(mark))
        })
}
