//! Ends approvals whose time is up or whose job is gone, and lets jobs go on that wait for a decision there is.
//!
//! Whoever decides resumes the job at once; here is caught what was only about to wait then, and what a deadline decided.

use super::lead::Led;
use crate::store::{Error, Store};
use flotilla_jobs::JobId;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

const PERIOD: Duration = Duration::from_secs(3);
/// Approvals or jobs looked at in one go.
const BATCH: u32 = 500;

/// Looks until `stop`.
pub(crate) async fn run(store: Arc<dyn Store>, led: Led, stop: CancellationToken) {
    let tick = || async { tick(&*store).await.map(|_| super::jittered(PERIOD)) };
    super::every_led("approvals", &led, super::first(PERIOD), &stop, tick).await;
}

/// Looks once at all that waits; answers which jobs go on.
pub(crate) async fn tick(store: &dyn Store) -> Result<Vec<JobId>, Error> {
    while store.end_approvals(BATCH).await? >= BATCH {}
    let mut resumed = Vec::new();
    loop {
        let decided = store.decided_jobs(BATCH).await?;
        let done = store.resume(&decided).await?;
        let more = decided.len() == BATCH as usize && done.contains(&true);
        let went_on = decided.into_iter().zip(done).filter(|(_, done)| *done).map(|(id, _)| id);
        resumed.extend(went_on.inspect(|job| tracing::info!(%job, "its approval is decided: it goes on")));
        if !more {
            return Ok(resumed);
        }
    }
}

#[cfg(test)]
mod tests;
