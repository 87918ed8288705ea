//! Runs and calls of agents to put on record: defaults, and what a case says otherwise.

use crate::{
    draft::noop,
    fixture::{Fixture, LEASE, SECOND},
};
use flotilla_jobs::{MicroUsd, Usage};
use flotilla_workers::{
    journal::{Begin, Begun, EndStep, Ended, InputHash, Note, Opened, RunId, RunStart, StepKey, StepKind, StepOutcome},
    ledger::{Budget, Call, Fill, Hold, Limit, Period, Scope},
    store::{Claimed, Lease, Store},
};
use serde_json::value::{RawValue, to_raw_value};

/// Where the first step is.
pub const FIRST: StepKey = StepKey { thread: 0, seq: 0 };

pub const FLEET: Budget = Budget { scope: Scope::Fleet, period: Period::Total };
pub const FLEET_TODAY: Budget = Budget { scope: Scope::Fleet, period: Period::Day };

/// A step of the first thread.
pub fn step(seq: u32) -> StepKey {
    StepKey { thread: 0, seq }
}

pub fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

pub fn hash(n: u8) -> InputHash {
    [n; 32]
}

/// A run of an agent named `review`, of the tenant `acme`.
pub fn start() -> RunStart {
    RunStart {
        agent: "review".to_owned(),
        tenant: "acme".to_owned(),
        session: None,
        plan: to_raw_value(&"plan").unwrap(),
    }
}

/// A run that is open under a lease.
pub struct Running {
    pub claimed: Claimed,
    pub run: RunId,
}

impl Running {
    pub fn lease(&self) -> &Lease {
        &self.claimed.lease
    }

    /// A call of a model that holds so much, and must fit in these.
    pub fn llm(&self, key: StepKey, hold: u64, limits: &[Limit]) -> Begin {
        let call = Call {
            provider: "scripted".to_owned(),
            model: "small".to_owned(),
            price: Some(raw(r#"{"input": 1}"#)),
            hold: Hold { cost: MicroUsd(hold), tokens: hold },
            estimated_input: 10,
            limits: limits.to_vec(),
            saved: None,
        };
        Begin { call: Some(call), ..self.call(key, StepKind::Llm, "llm:review") }
    }

    /// A call that costs nothing.
    pub fn call(&self, key: StepKey, kind: StepKind, name: &str) -> Begin {
        Begin {
            lease: self.lease().clone(),
            run: self.run,
            key,
            kind,
            name: name.to_owned(),
            input_hash: hash(key.seq as u8),
            request: Some(raw(r#"{"ask": "what"}"#)),
            call: None,
            again: false,
        }
    }

    /// The end of a call that gave this.
    pub fn done(&self, key: StepKey, attempt: u32, response: &str, cost: u64) -> EndStep {
        EndStep { outcome: StepOutcome::Done(raw(response)), ..self.failed(key, attempt, "", cost) }
    }

    /// The end of a call that gave nothing.
    pub fn failed(&self, key: StepKey, attempt: u32, code: &str, cost: u64) -> EndStep {
        EndStep {
            lease: self.lease().clone(),
            run: self.run,
            key,
            attempt,
            outcome: StepOutcome::Failed { code: code.to_owned(), message: "it said no".to_owned() },
            usage: Some(tokens(7)),
            cost: Some(MicroUsd(cost)),
            request_id: Some("req-1".to_owned()),
        }
    }

    pub fn note(&self, key: StepKey, name: &str, value: &str) -> Note {
        Note {
            lease: self.lease().clone(),
            run: self.run,
            key,
            kind: StepKind::Decision,
            name: name.to_owned(),
            input_hash: hash(key.seq as u8),
            request: None,
            value: raw(value),
        }
    }
}

/// So many tokens in.
pub fn tokens(input: u64) -> Usage {
    Usage { input, ..Usage::default() }
}

/// A budget of so many micro-dollars.
pub fn limit(budget: Budget, cost: u64) -> Limit {
    Limit { budget, cost: Some(MicroUsd(cost)), tokens: None }
}

/// A job that runs, with a run of an agent.
pub async fn running(f: &impl Fixture) -> Running {
    running_as(f, start()).await
}

pub async fn running_as(f: &impl Fixture, start: RunStart) -> Running {
    let claimed = f.running(noop()).await;
    let opened = open_as(f.store(), &claimed, start).await.unwrap();
    assert!(opened.fresh);
    Running { claimed, run: opened.run }
}

/// The job of a run on its next worker, its first one having died, with the run that goes on.
pub async fn on_next_worker(f: &impl Fixture) -> Running {
    f.advance(LEASE + SECOND).await;
    let claimed = f.claim_one().await;
    let opened = open(f.store(), &claimed).await.unwrap();
    assert!(!opened.fresh);
    Running { claimed, run: opened.run }
}

pub async fn open(store: &dyn Store, claimed: &Claimed) -> Option<Opened> {
    open_as(store, claimed, start()).await
}

async fn open_as(store: &dyn Store, claimed: &Claimed, start: RunStart) -> Option<Opened> {
    store.open_run(&claimed.lease, start).await.unwrap()
}

pub async fn begin(f: &impl Fixture, call: Begin) -> Begun {
    f.store().begin(vec![call]).await.unwrap().pop().unwrap()
}

/// Begins a call that must begin; answers its number.
pub async fn started(f: &impl Fixture, call: Begin) -> u32 {
    match begin(f, call).await {
        Begun::Started { attempt } => attempt,
        other => panic!("it did not begin: {other:?}"),
    }
}

pub async fn end(f: &impl Fixture, end: EndStep) -> Ended {
    f.store().end(vec![end]).await.unwrap()[0]
}

pub async fn fill(f: &impl Fixture, budget: Budget) -> Fill {
    f.store().budgets(&[budget]).await.unwrap()[0]
}

/// Micro-dollars spent and held.
pub async fn money(f: &impl Fixture, budget: Budget) -> (u64, u64) {
    let Fill { spent, held } = fill(f, budget).await;
    (spent.cost.0, held.cost.0)
}
