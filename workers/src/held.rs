//! The leases this process holds: from the claim until the result is on record.

use crate::{
    policy::Why,
    store::{Lease, Renewal},
};
use flotilla_jobs::JobId;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// One claimed job, as everyone who watches over it shares it.
#[derive(Debug)]
pub(crate) struct Run {
    pub lease: Lease,
    /// Differs for every claim of this process; a job may come twice, when its first lease was lost.
    pub serial: u64,
    /// Given to the handler: cancelled when the run must end.
    pub cancelled: CancellationToken,
    why: AtomicU8,
    finished: AtomicBool,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Held {
    runs: Mutex<BTreeMap<(JobId, u64), Arc<Run>>>,
    serial: AtomicU64,
    most: usize,
    removed: Notify,
}

impl Run {
    /// Tells the handler to end. Of several reasons the greatest stays.
    pub fn cancel(&self, why: Why) {
        self.why.fetch_max(why as u8, Ordering::SeqCst);
        self.cancelled.cancel();
    }

    /// Why it was told to end, if it was.
    pub fn why(&self) -> Option<Why> {
        [Why::Shutdown, Why::TimedOut, Why::Asked, Why::Lost]
            .into_iter()
            .find(|why| *why as u8 == self.why.load(Ordering::SeqCst))
    }

    /// The handler has ended; what is left is to record the result.
    pub fn finish(&self) {
        self.finished.store(true, Ordering::SeqCst);
    }

    /// Acts on what the store said about the lease. Answers whether a running job was lost.
    ///
    /// News about a finished run are stale: its lease may just have ended with its own result.
    pub fn heard(&self, renewal: Renewal) -> bool {
        if self.finished.load(Ordering::SeqCst) {
            return false;
        }
        match renewal {
            Renewal::Kept => false,
            Renewal::CancelAsked => {
                self.cancel(Why::Asked);
                false
            }
            Renewal::Lost => {
                self.cancel(Why::Lost);
                true
            }
        }
    }
}

impl Held {
    /// None yet, and never more than `most` if the claiming loop asks for [`Held::room`] first.
    pub fn new(most: usize) -> Self {
        Self { runs: Mutex::default(), serial: AtomicU64::new(0), most, removed: Notify::new() }
    }

    /// How many there may be.
    pub fn most(&self) -> usize {
        self.most
    }

    /// Returns once there is room for more, and for how many: a job is held until its result is on record, so while
    /// nothing is recorded no more are claimed than memory was set aside for.
    pub async fn room(&self) -> usize {
        loop {
            let removed = self.removed.notified();
            tokio::pin!(removed);
            removed.as_mut().enable();
            let room = self.most.saturating_sub(self.runs().len());
            if room > 0 {
                return room;
            }
            removed.await;
        }
    }

    /// A lease just claimed.
    pub fn add(&self, lease: Lease) -> Arc<Run> {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let run = Arc::new(Run {
            lease,
            serial,
            cancelled: CancellationToken::new(),
            why: AtomicU8::new(0),
            finished: AtomicBool::new(false),
        });
        self.runs().insert((run.lease.job(), serial), Arc::clone(&run));
        run
    }

    /// A lease that is settled, or lost for good.
    pub fn remove(&self, run: &Run) {
        self.runs().remove(&(run.lease.job(), run.serial));
        self.removed.notify_waiters();
    }

    /// Everything held now.
    pub fn all(&self) -> Vec<Arc<Run>> {
        self.runs().values().cloned().collect()
    }

    /// Tells the handler of one job to end, if the job is held here.
    pub fn cancel(&self, job: JobId) {
        for run in self.runs().range((job, 0)..=(job, u64::MAX)).map(|(_, run)| run) {
            run.heard(Renewal::CancelAsked);
        }
    }

    /// Tells every handler that still runs to end.
    pub fn cancel_all(&self, why: Why) {
        for run in self.all() {
            run.cancel(why);
        }
    }

    fn runs(&self) -> MutexGuard<'_, BTreeMap<(JobId, u64), Arc<Run>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
