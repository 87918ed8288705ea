//! Shows more of a file in front of a hunk: up to where the function around it begins, if that is near.

use super::material::{Hunk, Row};
use crate::review::diff::Kind;
use regex::Regex;
use std::sync::LazyLock;

/// Lines in front of a hunk's first change that are looked through for the start of a function.
const MAX_BEFORE: u32 = 10;
/// Lines in front of a hunk's first change, where no start is near.
const BEFORE: u32 = 5;

/// Lines that begin what other lines are in.
static START: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let words =
        "fn|def|func|function|class|impl|struct|enum|trait|interface|module|sub|proc|public|private|protected|static";
    Regex::new(&format!(r"^[ \t]*(?:[\w()]+[ \t]+){{0,3}}(?:{words})\b")).ok()
});

/// Adds lines of the new text in front of each hunk, never those that the hunk above shows.
pub(super) fn grow(hunks: &mut [Hunk], text: &[String]) {
    let mut shown_to = 0;
    for hunk in hunks {
        if let Some(first) = hunk.rows.first() {
            let (old, new) = (first.old, first.new);
            let context = hunk.rows.iter().take_while(|row| row.kind == Kind::Context).count() as u32;
            let most = MAX_BEFORE.saturating_sub(context).min(new.saturating_sub(1)).min(old.saturating_sub(1));
            let most = most.min(new.saturating_sub(1).saturating_sub(shown_to));
            let count = wanted(text, hunk, new, most, BEFORE.saturating_sub(context));
            let more: Vec<Row> = (1..=count).rev().filter_map(|back| row(text, old - back, new - back)).collect();
            if more.len() == count as usize {
                hunk.rows.splice(0..0, more);
            }
        }
        shown_to = hunk.rows.iter().filter(|row| row.is_new_side()).map(|row| row.new).next_back().unwrap_or(shown_to);
    }
}

fn row(text: &[String], old: u32, new: u32) -> Option<Row> {
    let line = text.get(new.checked_sub(1)? as usize)?;
    Some(Row { kind: Kind::Context, old, new, text: line.clone(), verbatim: false })
}

/// How many lines to add in front of line `new`: as many as reach the start of a function, else `usual`; at most `most`.
fn wanted(text: &[String], hunk: &Hunk, new: u32, most: u32, usual: u32) -> u32 {
    let line = |number: u32| text.get(number.checked_sub(1)? as usize);
    let indent = |text: &str| text.chars().take_while(|c| c.is_whitespace()).count();
    let changed = hunk.rows.iter().filter(|row| row.kind != Kind::Context && !row.text.trim().is_empty());
    let depth = changed.map(|row| indent(&row.text)).min().unwrap_or_default();
    let starts = |text: &str| START.as_ref().is_some_and(|start| start.is_match(text));
    // What is shown already may hold it.
    let inside = hunk.rows.iter().take_while(|row| row.kind == Kind::Context);
    if inside.clone().any(|row| indent(&row.text) < depth && starts(&row.text)) {
        return usual.min(most);
    }
    let is_section = |text: &str| hunk.section.len() >= 4 && text.trim().starts_with(hunk.section.trim());
    let found = (1..=most)
        .find(|back| line(new - back).is_some_and(|text| is_section(text) || (indent(text) < depth && starts(text))));
    found.unwrap_or(usual.min(most)).max(usual.min(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    fn hunk(new: u32, section: &str, line: &str) -> Hunk {
        let row = Row { kind: Kind::Added, old: new, new, text: line.to_owned(), verbatim: true };
        Hunk { section: section.to_owned(), rows: vec![row] }
    }

    fn numbers(hunk: &Hunk) -> Vec<u32> {
        hunk.rows.iter().map(|row| row.new).collect()
    }

    #[test]
    fn a_hunk_grows_to_the_start_of_its_function() {
        let lines = text(&["use x;", "", "fn f() {", "  1;", "  2;", "  3;", "  4;", "  5;", "  6;", "  7;", "}"]);
        let mut hunks = [hunk(10, "", "  7;")];
        grow(&mut hunks, &lines);
        assert_eq!(numbers(&hunks[0]), (3..=10).collect::<Vec<_>>());
        assert_eq!(hunks[0].rows[0].text, "fn f() {");
    }

    #[test]
    fn a_far_start_is_left_alone_and_five_lines_are_shown() {
        let lines: Vec<String> =
            std::iter::once("fn f() {".to_owned()).chain((0..40).map(|n| format!("  {n};"))).collect();
        let mut hunks = [hunk(30, "fn f() {", "  28;")];
        grow(&mut hunks, &lines);
        assert_eq!(numbers(&hunks[0]), (25..=30).collect::<Vec<_>>());
    }

    #[test]
    fn hunks_do_not_show_a_line_twice_and_stay_within_the_file() {
        let lines: Vec<String> = (1..=20).map(|n| format!("line {n}")).collect();
        let mut hunks = [hunk(2, "", "line 2"), hunk(5, "", "line 5")];
        grow(&mut hunks, &lines);
        assert_eq!((numbers(&hunks[0]), numbers(&hunks[1])), (vec![1, 2], vec![3, 4, 5]));
        let mut unknown = [hunk(9, "", "x")];
        grow(&mut unknown, &[]);
        assert_eq!(numbers(&unknown[0]), [9]);
    }
}
