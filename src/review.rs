//! Renders a review.
use clap::ValueEnum;
use flotilla_jobs::kinds::{Review, Severity};
use std::io::{self, Write};

/// How findings are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    #[default]
    People,
    Json,
    Sarif,
}

pub fn render(review: &Review, format: Format, out: &mut dyn Write) -> io::Result<()> {
    let _ = format;
    serde_json::to_writer(&mut *out, review)?;
    writeln!(out)
}

pub fn exit_code(review: &Review, fail_on: Severity) -> u8 {
    u8::from(review.findings.iter().any(|f| f.severity >= fail_on))
}
