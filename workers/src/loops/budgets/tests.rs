//! Which jobs go on, and when.

use super::{Promised, tick};
use crate::{
    agents::budget::{Allowance, Budgets},
    clock::Clock,
    journal::{Begin, Begun, EndStep, RunId, RunStart, StepKey, StepKind, StepOutcome},
    ledger::{Budget, Call, Hold, Limit, Period, Scope},
    store::{Claim, Claimed, End, Settle, Store, Submission, sqlite},
};
use flotilla_jobs::{JobId, JobState, MicroUsd, NewJob};
use serde_json::{json, value::RawValue};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;

const KEY: StepKey = StepKey { thread: 0, seq: 0 };
const DAY: Budget = Budget { scope: Scope::Fleet, period: Period::Day };

/// A budget of the fleet for a day, of so many micro-dollars.
fn a_day(cost: u64) -> Budgets {
    Budgets { day: Allowance { cost: Some(MicroUsd(cost)), tokens: None }, ..Budgets::default() }
}

struct World {
    _dir: TempDir,
    now: Arc<AtomicI64>,
    store: Arc<dyn Store>,
}

/// A job that runs, and its run.
struct Running {
    claimed: Claimed,
    run: RunId,
}

impl World {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let now = Arc::new(AtomicI64::new(2_000_000_000_000));
        let options = sqlite::Options { path: dir.path().join("jobs.db"), clock: Clock::Manual(now.clone()) };
        Self { store: sqlite::open(options).await.unwrap(), _dir: dir, now }
    }

    async fn running(&self) -> Running {
        let job: NewJob = serde_json::from_value(json!({ "kind": "noop", "payload": {} })).unwrap();
        self.store.enqueue(vec![Submission::new(job, flotilla_jobs::Options::default()).unwrap()]).await.unwrap();
        let queues = [("default".to_owned(), 1)];
        let ttl = Duration::from_hours(1_000);
        let claim = Claim { worker: "one", queues: &queues, kinds: None, lease_ttl: ttl };
        let claimed = self.store.claim(claim).await.unwrap().pop().unwrap();
        let start = RunStart {
            agent: "review".to_owned(),
            tenant: "acme".to_owned(),
            session: None,
            plan: RawValue::NULL.to_owned(),
        };
        let run = self.store.open_run(&claimed.lease, start).await.unwrap().unwrap().run;
        Running { claimed, run }
    }

    async fn begin(&self, job: &Running, hold: u64, budgets: &Budgets) -> Begun {
        let hold = Hold { cost: MicroUsd(hold), tokens: 1 };
        let limits: Vec<Limit> = budgets.limits(job.claimed.id(), None, "acme");
        let (provider, model) = ("scripted".to_owned(), "small".to_owned());
        let begin = Begin {
            lease: job.claimed.lease.clone(),
            run: job.run,
            key: KEY,
            kind: StepKind::Llm,
            name: "llm:review".to_owned(),
            input_hash: [0; 32],
            request: None,
            call: Some(Call { provider, model, price: None, hold, estimated_input: 1, limits, saved: None }),
            again: false,
        };
        self.store.begin(vec![begin]).await.unwrap().pop().unwrap()
    }

    /// A job that waits since this budget refused it.
    async fn refused(&self, hold: u64, budgets: &Budgets) -> JobId {
        let job = self.running().await;
        let Begun::Refused(refused) = self.begin(&job, hold, budgets).await else { panic!("it has room") };
        self.settle(&job.claimed, End::Paused(refused.to_string())).await;
        job.claimed.id()
    }

    async fn settle(&self, claimed: &Claimed, end: End) {
        let (lease, started_at) = (claimed.lease.clone(), claimed.claimed_at);
        self.store.settle(vec![Settle::new(lease, started_at, end)]).await.unwrap();
    }

    async fn tick(&self, budgets: &Budgets) -> Vec<JobId> {
        tick(&*self.store, budgets, &Promised::default()).await.unwrap()
    }
}

#[tokio::test]
async fn a_job_goes_on_when_the_day_is_over() {
    let world = World::start().await;
    let budgets = a_day(100);
    let first = world.running().await;
    assert!(matches!(world.begin(&first, 60, &budgets).await, Begun::Started { .. }));
    let waiting = world.refused(60, &budgets).await;
    assert!(world.tick(&budgets).await.is_empty());
    assert_eq!(world.store.get(waiting).await.unwrap().unwrap().state, JobState::Paused);

    world.now.fetch_add(24 * 3_600_000, Ordering::SeqCst);
    assert_eq!(world.tick(&budgets).await, [waiting]);
    assert_eq!(world.store.get(waiting).await.unwrap().unwrap().state, JobState::Pending);
    assert!(world.tick(&budgets).await.is_empty());
}

#[tokio::test]
async fn a_job_goes_on_when_a_limit_is_raised_or_gone() {
    let world = World::start().await;
    let one = world.refused(60, &a_day(50)).await;
    assert!(world.tick(&a_day(59)).await.is_empty());
    assert_eq!(world.tick(&a_day(60)).await, [one]);
    world.settle(&world.next().await, End::Completed(RawValue::NULL.to_owned())).await;
    let two = world.refused(60, &a_day(50)).await;
    assert_eq!(world.tick(&Budgets::default()).await, [two]);
}

#[tokio::test]
async fn a_job_goes_on_when_a_call_gives_back_what_it_held() {
    let world = World::start().await;
    let budgets = a_day(100);
    let dead = world.running().await;
    world.begin(&dead, 100, &budgets).await;
    let waiting = world.refused(30, &budgets).await;
    assert!(world.tick(&budgets).await.is_empty());
    // Its job ended without it: nobody will say how the call did.
    world.settle(&dead.claimed, End::Cancelled("enough".to_owned())).await;
    assert_eq!(world.tick(&budgets).await, [waiting]);
    let fill = world.store.budgets(&[DAY]).await.unwrap()[0];
    assert_eq!(fill.held, Hold::default());
}

#[tokio::test]
async fn no_more_go_on_than_fit() {
    let world = World::start().await;
    let mut waiting = Vec::new();
    for hold in [40, 90, 40, 40] {
        waiting.push((world.refused(hold, &a_day(10)).await, hold));
    }
    waiting.sort_unstable();
    let promised = Promised::default();
    let resumed = tick(&*world.store, &a_day(100), &promised).await.unwrap();
    let mut room = 100;
    let fit = waiting.iter().filter(|(_, hold)| {
        let fits = *hold <= room;
        room -= if fits { *hold } else { 0 };
        fits
    });
    assert_eq!(resumed, fit.map(|(id, _)| *id).collect::<Vec<_>>());
    // They have not asked for their room yet.
    assert!(tick(&*world.store, &a_day(100), &promised).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_job_paused_for_another_reason_is_left_alone() {
    let world = World::start().await;
    let job = world.running().await;
    world.settle(&job.claimed, End::Paused("somebody has to look".to_owned())).await;
    let refused = world.refused(60, &a_day(50)).await;
    world.store.resume(&[refused]).await.unwrap();
    let again = world.next().await;
    world.settle(&again, End::Paused("somebody has to look".to_owned())).await;
    assert!(world.tick(&Budgets::default()).await.is_empty());
}

#[tokio::test]
async fn a_job_that_went_on_goes_on_where_it_was() {
    let world = World::start().await;
    let waiting = world.refused(60, &a_day(50)).await;
    assert_eq!(world.tick(&a_day(60)).await, [waiting]);
    let claimed = world.next().await;
    let start = RunStart {
        agent: "review".to_owned(),
        tenant: "acme".to_owned(),
        session: None,
        plan: RawValue::NULL.to_owned(),
    };
    let opened = world.store.open_run(&claimed.lease, start).await.unwrap().unwrap();
    assert!(!opened.fresh);
    let job = Running { claimed, run: opened.run };
    assert!(matches!(world.begin(&job, 60, &a_day(60)).await, Begun::Started { attempt: 1 }));
    let end = EndStep {
        lease: job.claimed.lease.clone(),
        run: job.run,
        key: KEY,
        attempt: 1,
        outcome: StepOutcome::Done(RawValue::NULL.to_owned()),
        usage: None,
        cost: Some(MicroUsd(1)),
        request_id: None,
    };
    world.store.end(vec![end]).await.unwrap();
}

impl World {
    /// Claims the next job.
    async fn next(&self) -> Claimed {
        let queues = [("default".to_owned(), 1)];
        let ttl = Duration::from_hours(1_000);
        let claim = Claim { worker: "one", queues: &queues, kinds: None, lease_ttl: ttl };
        self.store.claim(claim).await.unwrap().pop().unwrap()
    }
}
