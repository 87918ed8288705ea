//! Data on stdout: JSON, lines, tables. Everything else goes to stderr.

use crate::{exit::Failure, shown};
use anstyle::{AnsiColor, Style};
use flotilla_jobs::JobState;
use flotilla_workers::clock;
use jiff::Timestamp;
use serde::Serialize;
use std::io::{IsTerminal, Write};

pub const RED: Style = AnsiColor::Red.on_default().bold();
pub const GREEN: Style = AnsiColor::Green.on_default();
pub const YELLOW: Style = AnsiColor::Yellow.on_default();
pub const BLUE: Style = AnsiColor::Blue.on_default();
pub const DIM: Style = Style::new().dimmed();
pub const RESET: anstyle::Reset = anstyle::Reset;

/// One JSON value, indented.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Failure::unavailable(format!("cannot print: {e}")))?;
    line(&text)
}

/// One JSON value on one line.
pub fn json_line(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(|e| Failure::unavailable(format!("cannot print: {e}")))?;
    line(&text)
}

/// One line; its colors are taken out where nobody sees them.
pub fn line(text: &str) -> Result<(), Failure> {
    Ok(writeln!(anstream::stdout().lock(), "{text}")?)
}

/// What a job says: as it is for a program, without what a terminal would obey for a person.
pub fn said(text: &str) -> Result<(), Failure> {
    if std::io::stdout().is_terminal() { raw(&shown::lines(text)) } else { raw(text) }
}

/// Text as it is.
pub fn raw(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Something for the person, not for the pipe.
pub fn note(text: &str) {
    anstream::eprintln!("{text}");
}

/// Columns as wide as what is in them; the last is not padded. Cells are text of others: they are escaped.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| shown::line(cell)).collect()).collect();
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.len()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let render = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    line(&format!("{DIM}{}{RESET}", render(&mut head.iter().copied())))?;
    rows.iter().try_for_each(|row| line(&render(&mut row.iter().map(String::as_str))))
}

/// The color of a state.
pub fn state_style(state: JobState) -> Style {
    match state {
        JobState::Completed => GREEN,
        JobState::Failed | JobState::Quarantined => RED,
        JobState::Running => BLUE,
        JobState::Paused | JobState::Cancelled => YELLOW,
        JobState::Scheduled | JobState::Pending => DIM,
    }
}

/// How long ago, or in how long, in one unit.
pub fn ago(at: Timestamp) -> String {
    let ms = clock::system_now() - at.as_millisecond();
    if ms < 0 { format!("in {}", span(ms.unsigned_abs())) } else { format!("{} ago", span(ms.unsigned_abs())) }
}

/// A length of time, in one unit.
pub fn span(ms: u64) -> String {
    match ms / 1_000 {
        0 => format!("{ms} ms"),
        s @ 1..=119 => format!("{s} s"),
        s @ 120..=7_199 => format!("{} min", s / 60),
        s @ 7_200..=172_799 => format!("{} h", s / 3_600),
        s => format!("{} d", s / 86_400),
    }
}
