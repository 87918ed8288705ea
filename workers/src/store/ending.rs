//! What goes on record when a run ends, whichever store keeps it.

use super::End;
use flotilla_jobs::{Fault, JobState};
use std::borrow::Cow;

/// The final result of a job.
pub(crate) struct Ending<'a> {
    pub(crate) state: JobState,
    pub(crate) output: Option<&'a str>,
    pub(crate) error: Option<Cow<'a, Fault>>,
}

impl End {
    /// The final result, if this end is one, or if someone asked to cancel the job: then it is never run again.
    pub(crate) fn ending(&self, cancel: bool) -> Option<Ending<'_>> {
        let state = self.terminal().or(cancel.then_some(JobState::Cancelled))?;
        let (output, error) = match self {
            Self::Completed(output) => (Some(output.get()), None),
            Self::Failed(fault) | Self::Quarantined(fault) | Self::Retry(fault, _) => {
                (None, Some(Cow::Borrowed(fault)))
            }
            Self::Cancelled(reason) => (None, Some(Cow::Owned(Fault::new("cancelled", reason.clone())))),
            _ => (None, None),
        };
        Some(Ending { state, output, error })
    }
}

/// Why a run ended whose lease ran out.
pub(crate) fn crash() -> Cow<'static, Fault> {
    Cow::Owned(Fault::new("crash", "its worker stopped renewing the lease: it died, froze or was cut off"))
}
