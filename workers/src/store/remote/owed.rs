//! Jobs that were accepted while the queue did not take them: pushed as soon as it does.
//!
//! Reconciliation would find them too, but later. So nothing is lost with what is kept here, and only so much is kept.

use super::enqueue::Intake;
use crate::store::redis::ReadyAt;
use flotilla_jobs::JobId;
use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

/// Most jobs that are kept; the rest is left to reconciliation.
const MAX_OWED: usize = 100_000;
/// Most that are pushed together.
const BATCH: usize = 1_000;
/// After a push that failed the queue is left alone for so long: those who submit need not wait for it each time.
const PAUSE: Duration = Duration::from_secs(1);

/// Pushes that fail within so long of each other are one row.
const ROW: Duration = Duration::from_secs(30);

#[derive(Default)]
pub(super) struct Owed {
    jobs: Mutex<HashSet<JobId>>,
    failed: Mutex<Option<Instant>>,
    news: Notify,
}

impl Owed {
    /// Whether a push failed just now.
    pub(super) fn is_paused(&self) -> bool {
        self.failed().is_some_and(|at| at.elapsed() < PAUSE)
    }

    /// A push failed. Answers whether it is the first of a row.
    pub(super) fn pause(&self) -> bool {
        let last = self.failed().replace(Instant::now());
        last.is_none_or(|at| at.elapsed() > ROW)
    }

    /// Remembers jobs that the queue did not take.
    pub(super) fn add(&self, jobs: impl IntoIterator<Item = JobId>) {
        let mut owed = self.jobs();
        let room = MAX_OWED.saturating_sub(owed.len());
        owed.extend(jobs.into_iter().take(room));
        drop(owed);
        self.news.notify_one();
    }

    fn take(&self) -> HashSet<JobId> {
        let mut owed = self.jobs();
        let batch: HashSet<JobId> = owed.iter().take(BATCH).copied().collect();
        owed.retain(|job| !batch.contains(job));
        batch
    }

    fn failed(&self) -> MutexGuard<'_, Option<Instant>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn jobs(&self) -> MutexGuard<'_, HashSet<JobId>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Pushes what is owed until the task is aborted. What fails is owed again.
pub(super) async fn run(intake: Intake) {
    loop {
        intake.owed.news.notified().await;
        loop {
            sleep(PAUSE).await;
            let batch = intake.owed.take();
            if batch.is_empty() {
                break;
            }
            // As the record has them by now: those that are over are left out, and those the queue knows stay as they are.
            let pushed = intake.push_open(&batch, ReadyAt::Since).await;
            if pushed > 0 {
                tracing::info!(jobs = pushed, "pushed jobs that were accepted while the queue did not take them");
            }
        }
    }
}
