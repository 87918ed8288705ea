//! A review for people: what was found, with the lines it is about.
//!
//! Paths and excerpts come from the change, which anyone may have written: what would move the cursor, change colors or
//! reorder text on a terminal is shown as an escape.

use crate::shown::line;
use anstyle::{AnsiColor, Style};
use flotilla_jobs::kinds::{AgentWork, Finding, Review, Severity};
use std::{
    fmt::Write as _,
    io::{self, Write},
};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// Writes findings, then what was left out, then one line that sums up.
pub fn write(review: &Review, out: &mut dyn Write) -> io::Result<()> {
    for finding in &review.findings {
        write_finding(finding, out)?;
        writeln!(out)?;
    }
    for skipped in &review.skipped {
        writeln!(out, "{DIM}left out: {} ({}){DIM:#}", line(&skipped.path), line(&skipped.reason))?;
    }
    for note in &review.notes {
        writeln!(out, "{DIM}note: {}{DIM:#}", line(note))?;
    }
    if let Some(work) = &review.agent {
        for left in &work.left_out {
            writeln!(out, "{DIM}not shown to a model: {} ({}){DIM:#}", line(&left.path), line(&left.reason))?;
        }
        writeln!(out, "{DIM}{}{DIM:#}", cost(work))?;
    }
    writeln!(out, "{}", summary(review))
}

/// Which models, how much of them, for how much, and how long.
fn cost(work: &AgentWork) -> String {
    let models = if work.models.is_empty() { "none answered".to_owned() } else { work.models.join(", ") };
    let mut text = format!(
        "model: {}; {}, {}",
        line(&models),
        plural(work.steps as usize, "step"),
        plural(work.batches as usize, "batch")
    );
    let at_most = if work.estimated > 0 { "at most " } else { "" };
    let mut cost = work.cost.map_or_else(|| "cost unknown".to_owned(), |cost| format!("{at_most}{cost}"));
    if work.cost.is_some() && work.unknown > 0 {
        // Writing to a string does not fail.
        let _ = write!(cost, " and {} of unknown cost", plural(work.unknown as usize, "call"));
    }
    let (tokens_in, tokens_out) = (work.usage.prompt(), work.usage.output);
    let seconds = (work.duration_ms + 50) / 100;
    // Writing to a string does not fail.
    let _ = write!(text, "; {tokens_in} tokens in, {tokens_out} out; {cost}; {}.{} s", seconds / 10, seconds % 10);
    let counts = [
        (work.dropped, "dropped"),
        (work.discarded, "discarded by a second look"),
        (work.duplicates, "said already"),
        (work.over_limit, "over the limit"),
    ];
    let counts: Vec<String> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let _ = write!(text, "; {} proposed", plural(work.proposed as usize, "finding"));
    if !counts.is_empty() {
        let _ = write!(text, " ({})", counts.join(", "));
    }
    text
}

fn write_finding(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let style = style(finding.severity);
    write!(out, "{style}{}{style:#} {BOLD}{}{BOLD:#}", finding.severity, line(&finding.title))?;
    let sure = finding.confidence.map(|percent| format!(", {percent} % sure")).unwrap_or_default();
    writeln!(out, "  {DIM}{}{sure}{DIM:#}", finding.rule)?;
    writeln!(out, "  --> {}", place(finding))?;
    for (text, number) in finding.excerpt.lines().zip(finding.start_line..) {
        writeln!(out, "  {DIM}{number:>5} |{DIM:#} {}", line(text))?;
    }
    for text in finding.body.lines() {
        writeln!(out, "  {}", line(text))?;
    }
    match finding.suggestion.as_deref() {
        Some("") => writeln!(out, "  {BOLD}fix:{BOLD:#} remove the line")?,
        Some(suggestion) => {
            for text in suggestion.lines() {
                writeln!(out, "  {BOLD}fix:{BOLD:#} {}", line(text))?;
            }
        }
        None => {}
    }
    Ok(())
}

fn place(finding: &Finding) -> String {
    let path = line(&finding.path);
    match (finding.start_line, finding.end_line) {
        (0, _) => path,
        (start, end) if end > start => format!("{path}:{start}-{end}"),
        (start, _) => format!("{path}:{start}"),
    }
}

fn summary(review: &Review) -> String {
    let counts = Severity::ALL.iter().rev().filter_map(|severity| {
        let count = review.findings.iter().filter(|f| f.severity == *severity).count();
        (count > 0).then(|| format!("{count} {severity}"))
    });
    let counts: Vec<String> = counts.collect();
    let files = plural(review.files.len(), "file");
    let mut text = match review.findings.len() {
        0 => format!("no findings in {files}"),
        n => format!("{} in {files}: {}", plural(n, "finding"), counts.join(", ")),
    };
    if review.suppressed > 0 {
        // Writing to a string does not fail.
        let _ = write!(text, "; {} accepted earlier", review.suppressed);
    }
    if !review.skipped.is_empty() {
        let _ = write!(text, "; {} left out", plural(review.skipped.len(), "file"));
    }
    text
}

fn plural(n: usize, what: &str) -> String {
    let ending = if what.ends_with("ch") { "es" } else { "s" };
    format!("{n} {what}{}", if n == 1 { "" } else { ending })
}

fn style(severity: Severity) -> Style {
    match severity {
        Severity::Critical => AnsiColor::Red.on_default().bold().invert(),
        Severity::High => AnsiColor::Red.on_default().bold(),
        Severity::Medium => AnsiColor::Yellow.on_default().bold(),
        Severity::Low => AnsiColor::Blue.on_default(),
        Severity::Info => DIM,
    }
}
