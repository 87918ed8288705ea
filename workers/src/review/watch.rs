//! The line between a review and who asked for it: how far it is, and whether to go on.

use super::Error;
use std::{fmt, sync::Arc};
use tokio_util::sync::CancellationToken;

/// Told at the start of each stage: stages done, stages in all, and what comes now.
pub type Say = Arc<dyn Fn(u64, u64, &str) + Send + Sync>;

/// Watches over one review. Cheap to clone.
#[derive(Clone)]
pub struct Watch {
    cancelled: CancellationToken,
    stopping: CancellationToken,
    say: Say,
}

impl Watch {
    /// Number of stages that are announced.
    pub const STAGES: u64 = 6;

    /// Ends the review when one of the tokens is cancelled.
    pub fn new(cancelled: CancellationToken, stopping: CancellationToken, say: Say) -> Self {
        Self { cancelled, stopping, say }
    }

    /// Begins a stage, unless the review has to end.
    pub(crate) fn stage(&self, done: u64, message: &str) -> Result<(), Error> {
        if self.cancelled.is_cancelled() || self.stopping.is_cancelled() {
            return Err(Error::Interrupted);
        }
        (self.say)(done, Self::STAGES, message);
        Ok(())
    }

    /// Says how far it is with what comes after the stages.
    pub(crate) fn beyond(&self, done: u64, total: u64, message: &str) {
        (self.say)(Self::STAGES + done, Self::STAGES + total, message);
    }

    /// Returns once the review has to end.
    pub(crate) async fn ended(&self) {
        tokio::select! {
            () = self.cancelled.cancelled() => {}
            () = self.stopping.cancelled() => {}
        }
    }
}

impl Default for Watch {
    /// Nobody listens and nothing ends it.
    fn default() -> Self {
        Self::new(CancellationToken::new(), CancellationToken::new(), Arc::new(|_, _, _| ()))
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("cancelled", &self.cancelled)
            .field("stopping", &self.stopping)
            .finish_non_exhaustive()
    }
}
