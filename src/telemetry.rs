//! Log lines, to stderr.

use crate::{
    config::{Log, LogFormat},
    exit::Failure,
};
use std::io::IsTerminal;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts logging. A `quiet` command, whose output is for a person, logs only what is wrong unless told otherwise.
pub fn start(log: &Log, quiet: bool) -> Result<(), Failure> {
    // How a job ended is what such a command prints anyway.
    let level = if quiet { "warn,flotilla_workers::executor=error" } else { &log.level };
    let filter = EnvFilter::builder()
        .parse(level)
        .map_err(|e| Failure::usage(format!("log.level: `{level}` is not a level or filter: {e}")))?;
    let started = match log.format {
        LogFormat::Json => tracing_subscriber::registry()
            .with(filter)
            .with(fmt::layer().json().flatten_event(true).with_writer(std::io::stderr))
            .try_init(),
        LogFormat::Pretty => tracing_subscriber::registry()
            .with(filter)
            .with(fmt::layer().with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr))
            .try_init(),
    };
    started.map_err(|e| Failure::usage(format!("logging cannot start: {e}")))
}
