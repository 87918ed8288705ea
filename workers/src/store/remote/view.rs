//! Jobs as people see them: the record says what was, the queue says what runs.

use super::Remote;
use crate::store::{
    Error,
    postgres::{Found, Search},
    redis::{self, Known},
};
use flotilla_jobs::{Filter, JobId, JobRecord, JobState, Page, StateChange};
use std::collections::{BTreeMap, HashMap};

/// Most jobs on a page.
const MAX_PAGE: u32 = 1_000;
/// Most running jobs of one queue that a filter by state considers.
const MAX_LEASED: u32 = 50_000;

impl Remote {
    pub(super) async fn do_get(&self, id: JobId) -> Result<Option<JobRecord>, Error> {
        let search = Search { only: Some(id), limit: 1, ..Search::default() };
        let Some((_, found)) = self.record.search(&search).await?.pop() else { return Ok(None) };
        let mut found = [found?];
        self.mark_running(&mut found).await;
        let [Found { mut job, .. }] = found;
        job.history = self.record.history(id).await?;
        Ok(Some(job))
    }

    pub(super) async fn do_list(&self, filter: &Filter, after: Option<JobId>, limit: u32) -> Result<Page, Error> {
        let limit = limit.clamp(1, MAX_PAGE);
        let leased = match filter.state {
            Some(JobState::Running | JobState::Pending | JobState::Scheduled) => self.leased(filter).await?,
            _ => Vec::new(),
        };
        let search = Search { filter: Some(filter), leased: &leased, after, limit: limit + 1, only: None };
        let mut page = self.record.search(&search).await?;
        let more = page.len() > limit as usize;
        page.truncate(limit as usize);
        let next = page.last().map(|(id, _)| *id).filter(|_| more);
        let readable = |(id, found): (JobId, Result<Found, Error>)| {
            found.inspect_err(|error| self.record.damage.met(format!("job {id}"), error, "left out of a list")).ok()
        };
        let mut found: Vec<Found> = page.into_iter().filter_map(readable).collect();
        self.mark_running(&mut found).await;
        Ok(Page { jobs: found.into_iter().map(|f| f.job).collect(), next })
    }

    pub(super) async fn do_states(&self, jobs: &[JobId]) -> Result<Vec<Option<StateChange>>, Error> {
        let readable = |(id, found): (JobId, Result<Found, Error>)| {
            found.inspect_err(|error| self.record.damage.met(format!("job {id}"), error, "its state is not told")).ok()
        };
        let mut found: Vec<Found> = self.record.states(jobs).await?.into_iter().filter_map(readable).collect();
        self.mark_running(&mut found).await;
        let states: HashMap<JobId, StateChange> =
            found.iter().map(|found| (found.job.id, StateChange::from(&found.job))).collect();
        Ok(jobs.iter().map(|job| states.get(job).cloned()).collect())
    }

    async fn leased(&self, filter: &Filter) -> Result<Vec<JobId>, Error> {
        let names = match &filter.queue {
            Some(queue) => vec![queue.clone()],
            None => self.record.queues().await?.into_iter().map(|q| q.name).collect(),
        };
        let mut leased = Vec::new();
        for queue in names {
            leased.extend(self.queues.leased(&queue, MAX_LEASED).await?);
        }
        Ok(leased)
    }

    /// Where the queue does not answer, a job that may be running is shown as pending: the record is still right.
    async fn mark_running(&self, found: &mut [Found]) {
        let mut by_queue: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (i, f) in found.iter().enumerate() {
            if let Some(open) = f.open.as_ref().filter(|o| !o.paused) {
                by_queue.entry(open.queue.clone()).or_default().push(i);
            }
        }
        for (queue, places) in by_queue {
            let ticket = |i: &usize| {
                found[*i].open.as_ref().map(|o| redis::ticket(o.id, o.priority, o.group.as_ref())).unwrap_or_default()
            };
            let tickets: Vec<String> = places.iter().map(ticket).collect();
            match self.queues.known(&queue, &tickets).await {
                Ok(known) => {
                    for (i, _) in places.iter().zip(known).filter(|(_, k)| *k == Known::Leased) {
                        found[*i].job.state = JobState::Running;
                    }
                }
                Err(error) => tracing::warn!(%error, queue, "cannot tell which jobs run"),
            }
        }
    }
}
