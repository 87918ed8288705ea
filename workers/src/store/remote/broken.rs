//! Jobs that cannot be as they are on record: each fails, with the reason, and holds up nobody.

use super::enqueue::Intake;
use crate::store::postgres::{Finish, OpenJob};
use flotilla_jobs::{Fault, JobState};
use std::borrow::Cow;

impl Intake {
    /// Fails them. What does not work now is met again by the next reconciliation.
    pub(super) async fn fail_broken(&self, jobs: &[OpenJob]) {
        if jobs.is_empty() {
            return;
        }
        for job in jobs {
            let wrong = job.broken.as_deref().unwrap_or_default();
            self.record.damage.met(format!("job {}", job.id), wrong, "it has failed");
        }
        let failed = |job: &OpenJob| Finish {
            state: JobState::Failed,
            error: job.fault(),
            ..Finish::cancelled(job.id, job.run, super::cancel::NOBODY)
        };
        // So that nobody runs them in vain. What is left in a queue is fenced off by the result.
        if let Err(error) = self.take_out(jobs.to_vec()).await {
            tracing::warn!(%error, "broken jobs could not be taken out of their queues");
        }
        let finishes: Vec<Finish<'_>> = jobs.iter().map(failed).collect();
        match self.record.finish(&finishes).await {
            Ok(done) => drop(self.queues.announce(&done.into_iter().collect::<Vec<_>>()).await),
            Err(error) => tracing::warn!(%error, jobs = jobs.len(), "broken jobs could not be failed yet"),
        }
    }
}

impl OpenJob {
    /// Why it fails, where it is broken.
    pub(super) fn fault(&self) -> Option<Cow<'static, Fault>> {
        self.broken.as_ref().map(|wrong| Cow::Owned(Fault::new("corrupt", wrong.clone())))
    }
}
