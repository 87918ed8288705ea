//! What the process tells of itself: log lines, to stderr, and spans, to a collector.

mod lists;
mod otlp;
mod parent;

pub use otlp::Traces;
pub use parent::{current, follow};

use crate::{
    config::{Config, LogFormat},
    exit::Failure,
};
use flotilla_workers::trace;
use std::io::IsTerminal;
use tracing_subscriber::{EnvFilter, Layer, filter::filter_fn, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts it. A `quiet` command, whose output is for a person, logs only what is wrong unless told otherwise.
pub fn start(config: &Config, quiet: bool) -> Result<Option<Traces>, Failure> {
    // How a job ended is what such a command prints anyway.
    let level = if quiet { "warn,flotilla_workers::executor=error" } else { &config.log.level };
    let filter = EnvFilter::builder()
        .parse(level)
        .map_err(|e| Failure::usage(format!("log.level: `{level}` is not a level or filter: {e}")))?;
    let lines = match config.log.format {
        LogFormat::Json => fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).boxed(),
        LogFormat::Pretty => {
            fmt::layer().with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr).boxed()
        }
    };
    let lines = lines.with_filter(filter).with_filter(filter_fn(|of| of.target() != trace::TARGET));
    let traces = Traces::open(&config.telemetry)?;
    let spans = traces.as_ref().map(Traces::layer);
    let started = tracing_subscriber::registry().with(spans).with(lines).try_init();
    started.map_err(|e| Failure::usage(format!("logging cannot start: {e}")))?;
    Ok(traces)
}
