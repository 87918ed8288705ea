//! Which jobs go on, and when.

use super::tick;
use crate::{
    approvals::{self, Approval, AskApproval, Asked, Decision, Say, Verdict},
    clock::Clock,
    journal::{RunStart, StepKey},
    store::{Claim, Claimed, End, Settle, Store, Submission, sqlite},
};
use flotilla_jobs::{JobState, NewJob};
use serde_json::{json, value::RawValue};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;

struct World {
    _dir: TempDir,
    now: Arc<AtomicI64>,
    store: Arc<dyn Store>,
}

impl World {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let now = Arc::new(AtomicI64::new(2_000_000_000_000));
        let options = sqlite::Options { path: dir.path().join("jobs.db"), clock: Clock::Manual(now.clone()) };
        Self { store: sqlite::open(options).await.unwrap(), _dir: dir, now }
    }

    /// A job that runs and asked about a call.
    async fn asked(&self) -> (Claimed, Approval) {
        let job: NewJob = serde_json::from_value(json!({ "kind": "noop", "payload": {} })).unwrap();
        self.store.enqueue(vec![Submission::new(job, flotilla_jobs::Options::default()).unwrap()]).await.unwrap();
        let queues = [("default".to_owned(), 1)];
        let ttl = Duration::from_hours(1_000);
        let claim = Claim { worker: "one", queues: &queues, kinds: None, lease_ttl: ttl };
        let claimed = self.store.claim(claim).await.unwrap().pop().unwrap();
        let start = RunStart {
            agent: "helper".to_owned(),
            tenant: "acme".to_owned(),
            session: None,
            plan: RawValue::NULL.to_owned(),
        };
        let run = self.store.open_run(&claimed.lease, start).await.unwrap().unwrap().run;
        let ask = AskApproval {
            run,
            key: StepKey { thread: 0, seq: 0 },
            input_hash: [0; 32],
            tool: "run".to_owned(),
            arguments: "{}".to_owned(),
            timeout: Duration::from_hours(1),
        };
        match self.store.ask_approval(&claimed.lease, ask).await.unwrap() {
            Asked::Is(approval) => (claimed, *approval),
            other => panic!("{other:?}"),
        }
    }

    async fn pause(&self, claimed: &Claimed) {
        let end = End::Paused("approval: `run` waits".to_owned());
        self.store.settle(vec![Settle::new(claimed.lease.clone(), claimed.claimed_at, end)]).await.unwrap();
    }

    async fn state(&self, claimed: &Claimed) -> JobState {
        self.store.get(claimed.id()).await.unwrap().unwrap().state
    }
}

#[tokio::test]
async fn a_deadline_lets_the_job_go_on() {
    let world = World::start().await;
    let (claimed, approval) = world.asked().await;
    world.pause(&claimed).await;
    assert!(tick(&*world.store).await.unwrap().is_empty());
    assert_eq!(world.state(&claimed).await, JobState::Paused);

    world.now.fetch_add(3_600_000, Ordering::SeqCst);
    assert_eq!(tick(&*world.store).await.unwrap(), [claimed.id()]);
    assert_eq!(world.state(&claimed).await, JobState::Pending);
    let expired = world.store.list_approvals(Some(Decision::Expired), None, None, 9).await.unwrap();
    assert_eq!(expired.iter().map(|one| one.id).collect::<Vec<_>>(), [approval.id]);
    assert!(tick(&*world.store).await.unwrap().is_empty(), "once");
}

#[tokio::test]
async fn a_decision_that_came_too_early_is_found() {
    let world = World::start().await;
    let (claimed, approval) = world.asked().await;
    // The job is still on its way to its pause.
    let verdict = Verdict { approve: true, say: Say::default() };
    approvals::decide(&*world.store, approval.id, verdict).await.unwrap().unwrap();
    assert!(tick(&*world.store).await.unwrap().is_empty());
    world.pause(&claimed).await;
    assert_eq!(tick(&*world.store).await.unwrap(), [claimed.id()]);
    assert_eq!(world.state(&claimed).await, JobState::Pending);
}

#[tokio::test]
async fn a_decision_lets_the_job_go_on_at_once() {
    let world = World::start().await;
    let (claimed, approval) = world.asked().await;
    world.pause(&claimed).await;
    let verdict = Verdict { approve: false, say: Say::default() };
    let (denied, first) = approvals::decide(&*world.store, approval.id, verdict).await.unwrap().unwrap();
    assert!(first && denied.decision == Decision::Denied);
    assert_eq!(world.state(&claimed).await, JobState::Pending);
    assert!(tick(&*world.store).await.unwrap().is_empty());
}
