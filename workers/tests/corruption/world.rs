//! A store whose clock a test moves, and a fleet that works off what is in it.

use crate::servers;
use flotilla_jobs::{Fault, Filter, Group, JobId, JobRecord, JobState, NewJob, Options, Outcome, Priority};
use flotilla_workers::{
    agents::Halt,
    clock::Clock,
    journal::{Note, Noted, RunId, RunStart, StepKey, StepKind},
    store::{Claim, Claimed, End, Error, LiveEvent, Settle, Settled, Store, Submission, remote},
};
use serde_json::value::RawValue;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

/// How long leases last.
pub const LEASE: Duration = Duration::from_secs(15);
/// Rounds after which everything must have ended.
const ROUNDS: usize = 40;

/// What a step of an agent cannot be, on either record; `ID` is its job.
pub const IMPOSSIBLE_STEPS: [&str; 3] = [
    "UPDATE agent_steps SET kind = 'weird' WHERE run_id IN (SELECT run_id FROM agent_runs WHERE job_id = ID)",
    "UPDATE agent_steps SET input_hash = HASH WHERE run_id IN (SELECT run_id FROM agent_runs WHERE job_id = ID)",
    "UPDATE agent_steps SET response = NULL WHERE run_id IN (SELECT run_id FROM agent_runs WHERE job_id = ID)",
];

/// A store and its time.
pub struct World {
    pub store: Arc<dyn Store>,
    now: Arc<AtomicI64>,
}

/// What became of jobs.
#[derive(Debug, Default)]
pub struct Ends {
    /// How often each got a result on record.
    pub recorded: BTreeMap<JobId, u32>,
}

/// A clock at the beginning of a test.
pub fn clock() -> (Clock, Arc<AtomicI64>) {
    let now = Arc::new(AtomicI64::new(2_000_000_000_000));
    (Clock::Manual(Arc::clone(&now)), now)
}

impl World {
    pub fn new(store: Arc<dyn Store>, now: Arc<AtomicI64>) -> Self {
        Self { store, now }
    }

    /// On the shared servers, with a key prefix and a schema of that name.
    pub async fn remote(name: &str) -> Self {
        let (clock, now) = clock();
        let options = remote::Options::new(servers::redis().url().into(), servers::postgres().url().into());
        let (prefix, schema) = (name.to_owned(), Some(name.to_owned()));
        let options = remote::Options { prefix, schema, pool: 3, clock, watch: false, ..options };
        remote::migrate(&options).await.unwrap();
        Self::new(remote::open(options).await.unwrap(), now)
    }

    pub fn queue() -> [String; 1] {
        ["default".to_owned()]
    }

    pub fn advance(&self, by: Duration) {
        self.now.fetch_add(by.as_millis() as i64, Ordering::SeqCst);
    }

    pub fn now(&self) -> i64 {
        self.now.load(Ordering::SeqCst)
    }

    pub async fn enqueue(&self, jobs: Vec<Options>) -> Vec<JobId> {
        let job = |options| {
            let new: NewJob = serde_json::from_str(r#"{"kind": "noop", "payload": {"n": [1, "|"]}}"#).unwrap();
            Submission::new(new.with(options), Options::default()).unwrap()
        };
        let accepted = self.store.enqueue(jobs.into_iter().map(job).collect()).await.unwrap();
        accepted.into_iter().map(|one| one.id).collect()
    }

    /// Some of each kind: plain ones, with a priority, of two groups, and one whose time is to come.
    pub async fn enqueue_mixed(&self) -> Vec<JobId> {
        let group = |key: &str, limit| Options { group: Some(Group { key: key.into(), limit }), ..Options::default() };
        let later = jiff::Timestamp::from_millisecond(self.now() + 30_000).unwrap();
        let mut jobs = vec![Options::default(); 4];
        jobs.extend((0..3).map(|_| Options { priority: Priority::try_from(0).ok(), ..Options::default() }));
        jobs.extend((0..4).map(|_| group("one", 1)));
        jobs.extend((0..4).map(|_| group("two", 2)));
        jobs.push(Options { run_at: Some(later), ..Options::default() });
        self.enqueue(jobs).await
    }

    pub async fn claim(&self, max: u32) -> Vec<Claimed> {
        let queues = [("default".to_owned(), max)];
        self.store.claim(Claim { worker: "one", queues: &queues, kinds: None, lease_ttl: LEASE }).await.unwrap()
    }

    /// A worker that knows nothing of these jobs asks for work: all that is pending is parked.
    pub async fn park(&self) {
        let queues = [("default".to_owned(), 5)];
        let claim = Claim { worker: "other", queues: &queues, kinds: Some(&["other"]), lease_ttl: LEASE };
        assert!(self.store.claim(claim).await.unwrap().is_empty(), "it can run none of them");
    }

    pub async fn settle(&self, claimed: &Claimed, end: End) -> Settled {
        let settle = Settle::new(claimed.lease.clone(), claimed.claimed_at, end);
        self.store.settle(vec![settle]).await.unwrap()[0]
    }

    pub async fn complete(&self, claimed: &Claimed) -> Settled {
        self.settle(claimed, End::Completed(RawValue::NULL.to_owned())).await
    }

    pub async fn retry(&self, claimed: &Claimed) -> Settled {
        self.settle(claimed, End::Retry(Fault::new("drill", "again"), Duration::from_secs(1))).await
    }

    pub async fn job(&self, id: JobId) -> JobRecord {
        self.store.get(id).await.unwrap().unwrap_or_else(|| panic!("{id} is on record"))
    }

    /// One round of everything that runs in a fleet; answers whether anything happened.
    pub async fn round(&self, ends: &mut Ends) {
        self.store.promote(&Self::queue(), 100).await.unwrap();
        self.store.rescue(&Self::queue(), 100).await.unwrap();
        let mut after = None;
        loop {
            after = self.store.reconcile(after, Duration::ZERO, 100).await.unwrap().next;
            if after.is_none() {
                break;
            }
        }
        for claimed in self.claim(5).await {
            if matches!(self.complete(&claimed).await, Settled::Recorded(_)) {
                *ends.recorded.entry(claimed.id()).or_default() += 1;
            }
        }
        self.store.queues().await.unwrap();
        self.advance(LEASE);
    }

    /// Works until each of these jobs has ended; answers how each did.
    pub async fn work_off(&self, jobs: &[JobId]) -> BTreeMap<JobId, JobState> {
        let mut ends = Ends::default();
        for _ in 0..ROUNDS {
            self.round(&mut ends).await;
            let states = self.states().await;
            if jobs.iter().all(|id| states.get(id).is_none_or(|state| state.is_terminal())) {
                // A round more: nothing runs after its end.
                self.round(&mut ends).await;
                assert!(ends.recorded.values().all(|times| *times == 1), "recorded twice: {ends:?}");
                return states;
            }
        }
        let left: BTreeMap<_, _> = self.states().await.into_iter().filter(|(_, state)| !state.is_terminal()).collect();
        panic!("these never end: {left:?}");
    }

    /// Works until these have completed, every one of them, without a crash on their account.
    pub async fn completes(&self, jobs: &[JobId]) {
        let states = self.work_off(jobs).await;
        for id in jobs {
            assert_eq!(states.get(id), Some(&JobState::Completed), "{id}");
            let attempts = self.job(*id).await.attempts;
            assert_eq!((attempts.crash, attempts.failure), (0, 0), "{id}");
        }
    }

    /// Works until `others` have completed and `victim` has failed because it cannot be read.
    pub async fn isolates(&self, victim: JobId, others: &[JobId]) {
        let damage = self.store.damage();
        let all: Vec<JobId> = others.iter().copied().chain([victim]).collect();
        let states = self.work_off(&all).await;
        let lost: BTreeSet<_> = others.iter().filter(|id| states.get(id) != Some(&JobState::Completed)).collect();
        assert!(lost.is_empty(), "{lost:?} of {states:?}");
        let job = self.job(victim).await;
        let code = job.error.as_ref().map(|fault| fault.code.as_str());
        assert_eq!((job.state, code), (JobState::Failed, Some("corrupt")), "{job:?}");
        assert!(self.store.damage() > damage, "it is counted");
    }

    /// A running job whose agent has done one step.
    pub async fn with_a_step(&self) -> (Claimed, RunId) {
        let [id] = self.enqueue(vec![Options::default()]).await[..] else { unreachable!() };
        let claimed = self.claim(1).await.remove(0);
        assert_eq!(claimed.id(), id);
        let run = self.open_run(&claimed).await;
        let note = Note {
            lease: claimed.lease.clone(),
            run,
            key: StepKey { thread: 0, seq: 0 },
            kind: StepKind::Decision,
            name: "decision:plan".to_owned(),
            input_hash: [7; 32],
            request: None,
            value: RawValue::NULL.to_owned(),
        };
        assert!(matches!(self.store.note(vec![note]).await.unwrap()[0], Noted::Recorded));
        assert_eq!(self.store.steps(run, None, 10).await.unwrap().len(), 1);
        (claimed, run)
    }

    pub async fn open_run(&self, claimed: &Claimed) -> RunId {
        let (agent, tenant, plan) = ("review".to_owned(), "default".to_owned(), RawValue::NULL.to_owned());
        let start = RunStart { agent, tenant, session: None, plan };
        self.store.open_run(&claimed.lease, start).await.unwrap().unwrap().run
    }

    /// Opens the run of a job whose step cannot be read: that is reported, the job fails with it, and others go on.
    pub async fn fails_for_its_step(&self, claimed: &Claimed, run: RunId, edit: &str) {
        let (damage, others) = (self.store.damage(), self.enqueue_mixed().await);
        assert_eq!(self.open_run(claimed).await, run);
        let error = self.store.steps(run, None, 10).await.unwrap_err();
        assert!(self.store.damage() > damage, "{edit}: it is counted");
        let Outcome::<()>::Fail(fault) = Halt::from(error).outcome() else { panic!("{edit}: it does not fail") };
        assert!(fault.code == "journal" && fault.message.contains("step 0/0 of run"), "{edit}: {fault}");
        let failed = self.settle(claimed, End::Failed(fault.clone())).await;
        assert!(matches!(failed, Settled::Recorded(JobState::Failed)), "{edit}: {failed:?}");
        assert_eq!(self.job(claimed.id()).await.error.unwrap().message, fault.message);
        self.completes(&others).await;
    }

    pub async fn states(&self) -> BTreeMap<JobId, JobState> {
        let page = self.store.list(&Filter::default(), None, 1_000).await.unwrap();
        page.jobs.iter().map(|job| (job.id, job.state)).collect()
    }

    /// Completed jobs of which the first were edited so: each is shown or is not, as said there, and hides no other.
    pub async fn shows<S: Display>(&self, jobs: &[JobId], edits: &[(S, bool)]) {
        let listed = self.states().await;
        for (id, (statement, readable)) in jobs.iter().zip(edits) {
            assert_eq!(listed.contains_key(id), *readable, "{statement}");
            match self.store.get(*id).await {
                Ok(job) => assert!(*readable && job.is_some_and(|job| job.state == JobState::Completed), "{statement}"),
                Err(error) => assert!(!readable && matches!(error, Error::Corrupt { .. }), "{statement}: {error}"),
            }
            let said = self.store.read(*id, 0, 10).await.unwrap();
            assert!(said.len() < 2 || said[1].event == LiveEvent::Output { text: "x".into() }, "{statement}");
        }
        assert!(self.store.progress(jobs).await.unwrap().iter().all(Option::is_none));
        // Pages end where the record does, not where something cannot be read.
        let (mut seen, mut after) = (0, None);
        loop {
            let page = self.store.list(&Filter::default(), after, 1).await.unwrap();
            seen += page.jobs.len();
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, jobs.len() - 2);
        assert!(self.store.damage() > 0);
    }
}
