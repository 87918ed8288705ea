//! Tells runs of jobs that ran before how far the last run said it was.

use crate::{
    executor::Work,
    store::{Error, Live},
};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// How long a claim waits for the record. A handler that is told nothing starts from the beginning, which costs time
/// and nothing else.
const PATIENCE: Duration = Duration::from_secs(2);

/// Takes what has an earlier run out of `work`. Most claims have none.
pub(crate) fn split_off(work: &mut Vec<Work>) -> Vec<Work> {
    work.extract_if(.., |work| work.run.lease.run > 0).collect()
}

/// Looks up the last progress on record of each, all at once.
pub(crate) async fn look_up(store: &(impl Live + ?Sized), work: &mut [Work]) {
    if work.is_empty() {
        return;
    }
    let ids: Vec<_> = work.iter().map(|work| work.claimed.id()).collect();
    let found = timeout(PATIENCE, store.progress(&ids)).await.unwrap_or_else(|_| {
        let detail = format!("the last progress was not found within {} ms", PATIENCE.as_millis());
        Err(Error::Unavailable { what: "the record", detail })
    });
    match found {
        Ok(progress) => {
            for (work, progress) in work.iter_mut().zip(progress) {
                work.resumed = progress.map(Arc::new);
            }
        }
        Err(error) => tracing::warn!(%error, jobs = ids.len(), "jobs that ran before start from the beginning"),
    }
}
