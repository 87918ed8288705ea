//! Back-pressure: how many jobs may wait in a queue before more are refused.
//!
//! Counting for every submit would cost more than the submit. So all queues are counted at most once a second, and what
//! this process let in since then is added: alone, a process never goes over a limit; several go over it by at most
//! what the others let in within that second.

use crate::store::{QueueStats, Store, Submission};
use flotilla_jobs::Accepted;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, timeout};

/// How old a count may get.
const COUNT_EVERY: Duration = Duration::from_secs(1);
/// How long a submit waits for a count; a store that cannot count now may still accept.
const PATIENCE: Duration = Duration::from_secs(1);

/// Most jobs that may wait in a queue, ready or for their time. 0 is no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaxWaiting {
    /// In every queue that has no limit of its own.
    pub each: u64,
    /// By name of the queue.
    pub queues: BTreeMap<String, u64>,
}

impl MaxWaiting {
    fn of(&self, queue: &str) -> Option<u64> {
        Some(self.queues.get(queue).copied().unwrap_or(self.each)).filter(|limit| *limit > 0)
    }

    /// Whether nothing is limited.
    pub fn is_unlimited(&self) -> bool {
        self.each == 0 && self.queues.values().all(|limit| *limit == 0)
    }
}

/// A queue has no room for a submit; nothing of the submit was accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "queue `{queue}` is full: {depth} jobs wait in it, {limit} may (queues.{queue}.max_waiting), and {new} would join \
     them; try again later"
)]
#[allow(missing_docs)]
pub struct QueueFull {
    pub queue: String,
    /// Jobs that wait, as far as is known here.
    pub depth: u64,
    pub limit: u64,
    /// Jobs of the submit for this queue.
    pub new: u64,
}

/// The room that is left in each queue.
#[derive(Debug)]
pub(super) struct Room {
    limits: MaxWaiting,
    known: Mutex<Known>,
    /// Held by the one who counts.
    counting: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    counted_at: Option<Instant>,
    queues: HashMap<String, Depth>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Depth {
    counted: u64,
    /// Let in by this process, ever.
    taken: u64,
    /// What of `taken` is in `counted`.
    taken_before: u64,
    /// Let in and not yet answered by the store: whether a count has them is not known.
    under_way: u64,
}

impl Depth {
    fn estimate(&self) -> u64 {
        self.counted + self.taken.saturating_sub(self.taken_before)
    }
}

/// Room that a submit takes. Dropped without an answer of the store, its jobs count until the next count.
pub(super) struct Place<'a> {
    room: &'a Room,
    /// The place in the submit and the queue of each job whose queue has a limit.
    jobs: Vec<(usize, String)>,
}

impl Room {
    pub(super) fn new(limits: MaxWaiting) -> Self {
        Self { limits, known: Mutex::default(), counting: tokio::sync::Mutex::default() }
    }

    /// Takes room for all of the jobs, or for none.
    pub(super) async fn take(&self, store: &dyn Store, jobs: &[Submission]) -> Result<Place<'_>, QueueFull> {
        let mut wanted: BTreeMap<&str, u64> = BTreeMap::new();
        for job in jobs.iter().filter(|job| self.limits.of(&job.spec.queue).is_some()) {
            *wanted.entry(&job.spec.queue).or_default() += 1;
        }
        if !wanted.is_empty() {
            self.count(store).await;
        }
        let mut known = self.known();
        for (queue, new) in &wanted {
            let depth = known.queues.get(*queue).map_or(0, Depth::estimate);
            if let Some(limit) = self.limits.of(queue).filter(|limit| depth + new > *limit) {
                return Err(QueueFull { queue: (*queue).to_owned(), depth, limit, new: *new });
            }
        }
        for (queue, new) in wanted {
            let depth = known.queues.entry(queue.to_owned()).or_default();
            depth.taken += new;
            depth.under_way += new;
        }
        drop(known);
        let jobs = jobs.iter().map(|job| job.spec.queue.clone()).enumerate();
        Ok(Place { room: self, jobs: jobs.filter(|(_, queue)| self.limits.of(queue).is_some()).collect() })
    }

    /// Counts, unless that was done within the second or somebody is at it.
    async fn count(&self, store: &dyn Store) {
        let (never, due) = self.due();
        if !due {
            return;
        }
        let turn = if never { Ok(self.counting.lock().await) } else { self.counting.try_lock() };
        if turn.is_err() || !self.due().1 {
            return;
        }
        let before = {
            let mut known = self.known();
            known.counted_at = Some(Instant::now());
            known.queues.clone()
        };
        match timeout(PATIENCE, store.queues()).await {
            Ok(Ok(queues)) => self.counted(&queues, &before),
            Ok(Err(error)) => tracing::warn!(%error, "queues cannot be counted; their last numbers limit submits"),
            Err(_) => tracing::warn!("queues cannot be counted soon enough; their last numbers limit submits"),
        }
    }

    fn due(&self) -> (bool, bool) {
        let at = self.known().counted_at;
        (at.is_none(), at.is_none_or(|at| at.elapsed() >= COUNT_EVERY))
    }

    fn counted(&self, queues: &[QueueStats], before: &HashMap<String, Depth>) {
        let mut known = self.known();
        for queue in queues {
            let then = before.get(&queue.name).copied().unwrap_or_default();
            let now = known.queues.entry(queue.name.clone()).or_default();
            now.counted = queue.pending + queue.scheduled;
            // Those under way when the count began may or may not be in it; counting them twice errs on the safe side.
            now.taken_before = then.taken.saturating_sub(then.under_way);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// The store has answered: what it did not take as new leaves its room to others.
    pub(super) fn settle(self, accepted: Option<&[Accepted]>) {
        let mut known = self.room.known();
        for (i, queue) in &self.jobs {
            let is_new = accepted.and_then(|all| all.get(*i)).is_some_and(|one| !one.duplicate);
            if let Some(depth) = known.queues.get_mut(queue).filter(|_| !is_new) {
                depth.taken = depth.taken.saturating_sub(1);
            }
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut known = self.room.known();
        for (_, queue) in &self.jobs {
            if let Some(depth) = known.queues.get_mut(queue) {
                depth.under_way = depth.under_way.saturating_sub(1);
            }
        }
    }
}
