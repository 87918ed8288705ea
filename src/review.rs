//! A review as text: for people, as JSON, as SARIF.

mod people;
mod sarif;

use clap::ValueEnum;
use flotilla_jobs::kinds::{Review, Severity};
use std::io::{self, Write};

/// How findings are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Colors and excerpts
    #[default]
    People,
    /// The job's output as it is
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

/// Writes a review.
pub fn render(review: &Review, format: Format, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::People => people::write(review, out),
        Format::Json => json(review, out),
        Format::Sarif => json(&sarif::log(review), out),
    }
}

fn json(value: &impl serde::Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

/// 1 where a finding is at least as severe as `fail_on`, else 0.
pub fn exit_code(review: &Review, fail_on: Severity) -> u8 {
    u8::from(review.findings.iter().any(|f| f.severity >= fail_on))
}

#[cfg(test)]
mod tests;
