//! What a case stands on: a store of its own, a clock that only it moves, and short ways to say things.

pub mod remote;
pub mod sqlite;

use crate::draft::Draft;
use flotilla_jobs::{Accepted, Fault, JobId, JobRecord, JobState};
use flotilla_workers::{
    clock::{Clock, Millis},
    store::{
        CancelReply, Claim, Claimed, End, QueueStats, Reconciled, Renewal, Rescued, Settle, Settled, Signal, Store,
    },
};
use jiff::Timestamp;
use serde_json::{Value, value::to_raw_value};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// No case takes longer.
pub const CASE_LIMIT: Duration = Duration::from_mins(3);
/// How long leases last in the cases.
pub const LEASE: Duration = Duration::from_secs(15);
/// The queue jobs wait in unless a case says otherwise.
pub const QUEUE: &str = "default";
pub const MILLI: Duration = Duration::from_millis(1);
pub const SECOND: Duration = Duration::from_secs(1);
pub const MINUTE: Duration = Duration::from_mins(1);
pub const HOUR: Duration = Duration::from_hours(1);

/// What every fixture holds.
pub struct World {
    now: Arc<AtomicI64>,
    store: Arc<dyn Store>,
    others: Mutex<Vec<Arc<dyn Store>>>,
}

impl World {
    /// A clock at an arbitrary time, far from this machine's own so that a case notices a store that reads it.
    fn clock() -> Arc<AtomicI64> {
        Arc::new(AtomicI64::new(2_000_000_000_000))
    }

    fn new(now: Arc<AtomicI64>, store: Arc<dyn Store>) -> Self {
        Self { now, store, others: Mutex::default() }
    }
}

/// One store, with nothing in it at first.
pub trait Fixture: Sized {
    /// Makes the store.
    async fn start() -> Self;

    fn world(&self) -> &World;

    /// Opens the same data once more.
    async fn open(&self, clock: Clock) -> Arc<dyn Store>;

    /// Makes the queue forget everything, where it is apart from the record.
    async fn lose_queue(&self);

    /// Ends every store that was opened.
    async fn close(&self) {
        let others = std::mem::take(&mut *self.world().others.lock().unwrap());
        for store in others {
            store.close().await;
        }
        self.world().store.close().await;
    }

    fn store(&self) -> &dyn Store {
        &*self.world().store
    }

    /// The store of [`Fixture::store`], to hand to a task.
    fn shared_store(&self) -> Arc<dyn Store> {
        self.world().store.clone()
    }

    /// Another connection to the same data: what another process would have.
    async fn second_store(&self) -> Arc<dyn Store> {
        let store = self.open(self.clock()).await;
        self.world().others.lock().unwrap().push(store.clone());
        store
    }

    /// The clock, to hand to a task.
    fn clock(&self) -> Clock {
        Clock::Manual(self.world().now.clone())
    }

    fn now(&self) -> Millis {
        self.clock().now()
    }

    /// Now, as the record writes it.
    fn moment(&self) -> Timestamp {
        self.after(Duration::ZERO)
    }

    /// The time this long from now.
    fn after(&self, wait: Duration) -> Timestamp {
        Timestamp::from_millisecond(self.now() + wait.as_millis() as Millis).unwrap()
    }

    /// Moves the clock, and nothing else.
    fn advance_clock(&self, by: Duration) {
        self.world().now.fetch_add(by.as_millis() as Millis, Ordering::SeqCst);
    }

    /// Moves the clock and lets promote and rescue do all they now have to do, in every queue ever used.
    async fn advance(&self, by: Duration) -> Vec<Rescued> {
        self.advance_clock(by);
        let queues: Vec<String> = self.store().queues().await.unwrap().into_iter().map(|q| q.name).collect();
        while self.store().promote(&queues, 1_000).await.unwrap().moved > 0 {}
        let mut rescued = Vec::new();
        loop {
            let some = self.store().rescue(&queues, 1_000).await.unwrap();
            if some.is_empty() {
                return rescued;
            }
            rescued.extend(some);
        }
    }

    /// Submits one job.
    async fn submit(&self, draft: Draft) -> Accepted {
        self.store().enqueue(vec![draft.submission()]).await.unwrap()[0]
    }

    /// Submits one job that is new.
    async fn enqueue(&self, draft: Draft) -> JobId {
        let accepted = self.submit(draft).await;
        assert!(!accepted.duplicate, "{accepted:?}");
        accepted.id
    }

    /// Submits new jobs as one batch.
    async fn enqueue_all(&self, drafts: impl IntoIterator<Item = Draft>) -> Vec<JobId> {
        let batch = drafts.into_iter().map(Draft::submission).collect();
        let accepted = self.store().enqueue(batch).await.unwrap();
        assert!(accepted.iter().all(|a| !a.duplicate), "{accepted:?}");
        accepted.into_iter().map(|a| a.id).collect()
    }

    /// Claims from one queue.
    async fn claim_from(&self, queue: &str, max: u32) -> Vec<Claimed> {
        claim(self.store(), &[(queue.to_owned(), max)]).await
    }

    /// Claims from the default queue.
    async fn claim(&self, max: u32) -> Vec<Claimed> {
        self.claim_from(QUEUE, max).await
    }

    /// Claims from the default queue: the ids, in the order they are handed out.
    async fn claim_ids(&self, max: u32) -> Vec<JobId> {
        self.claim(max).await.iter().map(Claimed::id).collect()
    }

    /// Claims the one job that should come next in the default queue.
    async fn claim_one(&self) -> Claimed {
        self.claim(1).await.pop().expect("a job is ready")
    }

    /// Submits a job and claims it.
    async fn running(&self, draft: Draft) -> Claimed {
        let id = self.enqueue(draft).await;
        let claimed = self.claim_one().await;
        assert_eq!(claimed.id(), id);
        claimed
    }

    /// Says how one run ended.
    async fn settle(&self, claimed: &Claimed, end: End) -> Settled {
        self.store().settle(vec![ended(claimed, end)]).await.unwrap()[0]
    }

    /// Completes a job that was not lost.
    async fn complete(&self, claimed: &Claimed) {
        assert_eq!(self.settle(claimed, done()).await, Settled::Recorded(JobState::Completed));
    }

    async fn renew(&self, claimed: &Claimed) -> Renewal {
        self.store().renew(std::slice::from_ref(&claimed.lease), LEASE).await.unwrap()[0]
    }

    async fn cancel(&self, id: JobId) -> Option<CancelReply> {
        self.store().cancel(&[id]).await.unwrap()[0]
    }

    /// An operator's retry.
    async fn retry(&self, id: JobId) -> bool {
        self.store().retry(&[id]).await.unwrap()[0]
    }

    async fn resume(&self, id: JobId) -> bool {
        self.store().resume(&[id]).await.unwrap()[0]
    }

    async fn job(&self, id: JobId) -> JobRecord {
        self.store().get(id).await.unwrap().expect("the job is on record")
    }

    async fn state(&self, id: JobId) -> JobState {
        self.job(id).await.state
    }

    async fn stats(&self, queue: &str) -> QueueStats {
        let all = self.store().queues().await.unwrap();
        all.into_iter().find(|q| q.name == queue).expect("the queue was used")
    }

    /// Reconciles all that was accepted up to now.
    async fn reconcile(&self) -> Reconciled {
        let mut sum = Reconciled::default();
        loop {
            let page = self.store().reconcile(sum.next, Duration::ZERO, 1_000).await.unwrap();
            sum = Reconciled { checked: sum.checked + page.checked, pushed: sum.pushed + page.pushed, next: page.next };
            if sum.next.is_none() {
                return sum;
            }
        }
    }
}

/// Claims under the name of a worker.
pub async fn claim_as(store: &dyn Store, worker: &str, queues: &[(String, u32)]) -> Vec<Claimed> {
    store.claim(Claim { worker, queues, kinds: None, lease_ttl: LEASE }).await.unwrap()
}

/// Claims from the default queue as a worker that knows these kinds only.
pub async fn claim_knowing(store: &dyn Store, kinds: &[&str], max: u32) -> Vec<Claimed> {
    let queues = [(QUEUE.to_owned(), max)];
    store.claim(Claim { worker: "one", queues: &queues, kinds: Some(kinds), lease_ttl: LEASE }).await.unwrap()
}

/// Claims under the name of the worker `one`.
pub async fn claim(store: &dyn Store, queues: &[(String, u32)]) -> Vec<Claimed> {
    claim_as(store, "one", queues).await
}

/// The end of a run, as its worker reports it.
pub fn ended(claimed: &Claimed, end: End) -> Settle {
    Settle::new(claimed.lease.clone(), claimed.claimed_at, end)
}

/// Completed, with an output that says nothing.
pub fn done() -> End {
    done_with(&Value::Null)
}

/// Completed with this output.
pub fn done_with(output: &Value) -> End {
    End::Completed(to_raw_value(output).unwrap())
}

/// A fault of a handler.
pub fn fault() -> Fault {
    Fault::new("handler", "it broke")
}

/// JSON as a value: the record may write it with other blanks and another order of keys.
pub fn json(raw: Option<&serde_json::value::RawValue>) -> Value {
    serde_json::from_str(raw.expect("there is some JSON").get()).unwrap()
}

/// Repeats `cause` until a signal that fits comes: signals may be lost, but not for ever.
pub async fn until_signal<F: AsyncFnMut()>(from: &mut Receiver<Signal>, fits: impl Fn(&Signal) -> bool, mut cause: F) {
    loop {
        cause().await;
        let wait = async {
            loop {
                match from.recv().await {
                    Ok(signal) if fits(&signal) => return,
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => panic!("the store ended"),
                }
            }
        };
        if tokio::time::timeout(SECOND, wait).await.is_ok() {
            return;
        }
    }
}
