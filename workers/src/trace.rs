//! How runs of jobs join the traces of those who submitted them. Which wire traces go over is the process's business.

use jiff::Timestamp;
use std::fmt;
use tracing::Span;

/// The target of spans that are for traces alone; logs leave them out.
pub const TARGET: &str = "flotilla::trace";

/// Gives the spans of runs their place in a trace.
pub trait Traces: Send + Sync + fmt::Debug {
    /// A run is about to begin in this span.
    fn run_begins(&self, span: &Span, run: TracedRun<'_>);
}

/// What a trace wants to know of a run.
#[derive(Clone, Copy, Debug)]
pub struct TracedRun<'a> {
    /// W3C `traceparent` that the job was submitted with.
    pub parent: Option<&'a str>,
    /// The queue it waited in.
    pub queue: &'a str,
    /// Since when it could have been claimed.
    pub ready_at: Timestamp,
    /// When it was.
    pub claimed_at: Timestamp,
}
