//! Asks a store again that does not answer: an outage of seconds must not cost a step.

use super::{halt::Halt, host::JobRef};
use crate::journal::Error;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// For what can as well be asked later.
pub(super) const SHORT: Duration = Duration::from_secs(10);
/// For an answer that was paid for.
pub(super) const LONG: Duration = Duration::from_mins(1);
/// The first wait; it doubles up to [`MOST`].
const LEAST: Duration = Duration::from_millis(50);
const MOST: Duration = Duration::from_secs(1);

impl JobRef {
    /// What the store answers, asked again for as long as `limit` while it is away. Ends when the job is cancelled.
    pub(super) async fn patiently<T, F>(&self, limit: Duration, mut ask: impl FnMut() -> F) -> Result<T, Halt>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let end = Instant::now() + limit;
        let mut wait = LEAST;
        loop {
            let answer = tokio::select! {
                biased;
                answer = ask() => answer,
                () = self.cancelled.cancelled() => return Err(Halt::Cancelled),
            };
            match answer {
                Ok(answer) => return Ok(answer),
                Err(error) if error.is_transient() && Instant::now() + wait < end => {
                    tracing::debug!(%error, job.id = %self.lease.job(), "a store does not answer a run; asking again");
                    self.pause(wait).await?;
                    wait = (wait * 2).min(MOST);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Waits, unless the job must end.
    pub(super) async fn pause(&self, wait: Duration) -> Result<(), Halt> {
        tokio::select! {
            biased;
            () = self.cancelled.cancelled() => Err(Halt::Cancelled),
            () = sleep(wait) => Ok(()),
        }
    }

    /// Waits between two steps, unless the job must end or should be handed over.
    pub(super) async fn rest(&self, wait: Duration) -> Result<(), Halt> {
        tokio::select! {
            biased;
            () = self.cancelled.cancelled() => Err(Halt::Cancelled),
            () = self.stopping.cancelled() => Err(Halt::Stopping),
            () = sleep(wait) => Ok(()),
        }
    }

    /// Whether the next step may begin.
    pub(super) fn border(&self) -> Result<(), Halt> {
        if self.cancelled.is_cancelled() {
            return Err(Halt::Cancelled);
        }
        if self.stopping.is_cancelled() {
            return Err(Halt::Stopping);
        }
        Ok(())
    }
}
