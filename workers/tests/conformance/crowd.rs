//! Many at once, on several connections: what must hold whoever comes first.

use crate::{
    draft::noop,
    fixture::{Fixture, HOUR, LEASE, MINUTE, SECOND, claim_as, done, ended, fault},
};
use flotilla_jobs::{Attempts, Event, Filter, JobId, JobState, TRANSITIONS};
use flotilla_workers::{
    clock::{Clock, Millis},
    store::{CancelReply, Claimed, End, QueueChange, Renewal, Settled, Store},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{sync::RwLock, task::JoinSet};

const QUEUE: &str = "crowd";
const CAP: u32 = 12;
const PRODUCERS: u32 = 2;
const BATCHES: u32 = 80;
const WORKERS: u32 = 5;
const GROUPS: [(&str, u16); 3] = [("g", 1), ("h", 2), ("i", 3)];

pub async fn every_job_of_a_crowd_ends_once(f: &impl Fixture) {
    let crowd = Crowd::start(f, false).await;
    crowd.run(f).await;
    crowd.drain(f).await;

    let results = crowd.seen.lock().unwrap().results.clone();
    for (id, results) in results {
        // Reconciliation ends jobs that someone asked to cancel without a word.
        let silent = u32::from(results == 0 && f.state(id).await == JobState::Cancelled);
        assert_eq!(results + silent as i32, 1, "{id}");
    }
}

/// Reconciliation that runs all the time, also while jobs are on their way, costs a run at worst.
pub async fn a_crowd_bears_being_reconciled(f: &impl Fixture) {
    let crowd = Crowd::start(f, true).await;
    crowd.run(f).await;
    crowd.drain(f).await;
}

/// Losing the queue again and again costs runs at worst.
pub async fn a_crowd_bears_losing_its_queue(f: &impl Fixture) {
    let crowd = Crowd::start(f, true).await;
    for _ in 0..3 {
        crowd.run(f).await;
        f.lose_queue().await;
        // Leases of before may still be used; the record decides.
        crowd.seen.lock().unwrap().held.clear();
        f.reconcile().await;
    }
    crowd.drain(f).await;
}

/// A lease that someone holds, as far as it is sure.
struct Held {
    /// Tells this lease from another of the same job.
    token: Token,
    ends: Millis,
    group: Option<(&'static str, u16)>,
}

/// No two leases of a job have been handed out at the same count of attempts at the same time.
type Token = (Millis, Attempts);

fn token(claimed: &Claimed) -> Token {
    (claimed.claimed_at, claimed.attempts())
}

/// What was seen of the jobs.
#[derive(Default)]
struct Seen {
    groups: HashMap<JobId, Option<(&'static str, u16)>>,
    held: HashMap<JobId, Held>,
    /// Final results recorded, minus those an operator took back.
    results: HashMap<JobId, i32>,
    states: HashMap<JobId, JobState>,
}

#[derive(Clone)]
struct Crowd {
    stores: Vec<Arc<dyn Store>>,
    seen: Arc<Mutex<Seen>>,
    /// Whoever uses the store reads, so that the time it uses is the time it is; whoever moves the clock writes.
    turn: Arc<RwLock<()>>,
    clock: Clock,
    reconciles: bool,
}

impl Crowd {
    async fn start(f: &impl Fixture, reconciles: bool) -> Self {
        let stores = vec![f.shared_store(), f.second_store().await, f.second_store().await];
        stores[0].configure_queue(QUEUE, QueueChange { paused: None, cap: Some(CAP) }).await.unwrap();
        Self { stores, seen: Arc::default(), turn: Arc::default(), clock: f.clock(), reconciles }
    }

    /// Producers, workers, an operator and a watcher, while this task moves the clock and keeps the queue going.
    async fn run(&self, f: &impl Fixture) {
        let producing = Arc::new(AtomicU32::new(PRODUCERS));
        let mut tasks = JoinSet::new();
        for i in 0..PRODUCERS {
            let (me, left) = (self.clone(), producing.clone());
            let now = f.now();
            tasks.spawn(async move {
                me.produce(u64::from(i), now).await;
                left.fetch_sub(1, Ordering::SeqCst);
            });
        }
        for i in 0..WORKERS {
            let (me, left) = (self.clone(), producing.clone());
            tasks.spawn(async move { me.work(i, &left).await });
        }
        let (me, left) = (self.clone(), producing.clone());
        tasks.spawn(async move { me.operate(&left).await });
        let (me, left) = (self.clone(), producing.clone());
        tasks.spawn(async move { me.watch(&left).await });

        let mut rng = StdRng::seed_from_u64(7);
        while producing.load(Ordering::SeqCst) > 0 {
            self.upkeep(f, Duration::from_millis(rng.random_range(1..4_000)), rng.random_range(0..3)).await;
        }
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
    }

    async fn upkeep(&self, f: &impl Fixture, by: Duration, store: usize) {
        {
            let _alone = self.turn.write().await;
            f.advance_clock(by);
        }
        let _time = self.turn.read().await;
        let (store, queue) = (&self.stores[store], [QUEUE.to_owned()]);
        store.promote(&queue, 50).await.unwrap();
        for rescued in store.rescue(&queue, 50).await.unwrap() {
            if rescued.state.is_terminal() {
                self.ended(rescued.job);
            }
        }
        if self.reconciles {
            store.reconcile(None, Duration::ZERO, 200).await.unwrap();
        }
    }

    fn store(&self, i: u32) -> &dyn Store {
        &*self.stores[i as usize % self.stores.len()]
    }

    fn ended(&self, id: JobId) {
        *self.seen.lock().unwrap().results.entry(id).or_default() += 1;
    }

    async fn produce(&self, seed: u64, now: Millis) {
        let mut rng = StdRng::seed_from_u64(seed);
        for _ in 0..BATCHES {
            let mut batch = Vec::new();
            for _ in 0..rng.random_range(1..6) {
                let mut draft = noop().queue(QUEUE).priority(rng.random_range(0..10));
                let group = rng.random_bool(0.6).then(|| GROUPS[rng.random_range(0..GROUPS.len())]);
                if let Some((key, limit)) = group {
                    draft = draft.group(key, limit);
                }
                if rng.random_bool(0.2) {
                    let at = now + rng.random_range(0..100_000);
                    draft = draft.run_at(jiff::Timestamp::from_millisecond(at).unwrap());
                }
                let job = draft.submission();
                self.seen.lock().unwrap().groups.insert(job.id, group);
                batch.push(job);
            }
            let _time = self.turn.read().await;
            self.store(seed as u32).enqueue(batch).await.unwrap();
        }
    }

    async fn work(&self, me: u32, producing: &AtomicU32) {
        let mut rng = StdRng::seed_from_u64(100 + u64::from(me));
        let queues = [(QUEUE.to_owned(), 4)];
        while producing.load(Ordering::SeqCst) > 0 {
            let claimed = {
                let _time = self.turn.read().await;
                let claimed = claim_as(self.store(me), &format!("worker{me}"), &queues).await;
                self.note(&claimed);
                claimed
            };
            if claimed.is_empty() {
                tokio::task::yield_now().await;
            }
            let (mut runs, mut kept) = (Vec::new(), Vec::new());
            for c in claimed {
                match rng.random_range(0..12) {
                    0..5 => runs.push((c, done())),
                    5 => runs.push((c, End::Failed(fault()))),
                    6 => runs.push((c, End::Retry(fault(), rng.random_range(1..20) * SECOND))),
                    7 => runs.push((c, End::Snoozed(rng.random_range(1..20) * SECOND))),
                    8 => runs.push((c, End::HandedOver)),
                    9 => runs.push((c, End::Paused("budget".to_owned()))),
                    10 => kept.push(c),
                    _ => {} // This worker dies with it.
                }
            }
            self.renew(me, &kept).await;
            runs.extend(kept.into_iter().map(|c| (c, done())));
            self.settle(me, runs).await;
        }
    }

    /// Nobody else held these jobs; and neither a group nor the queue runs more than it may.
    fn note(&self, claimed: &[Claimed]) {
        let mut seen = self.seen.lock().unwrap();
        for c in claimed {
            let now = c.claimed_at;
            if let Some(other) = seen.held.get(&c.id()) {
                assert!(other.ends <= now, "job {} was handed out twice", c.id());
            }
            let group = seen.groups[&c.id()];
            let ends = now + LEASE.as_millis() as Millis;
            seen.held.insert(c.id(), Held { token: token(c), ends, group });
            let live = || seen.held.values().filter(|h| h.ends > now);
            assert!(live().count() <= CAP as usize, "the queue runs more than its cap");
            for (key, limit) in GROUPS {
                let running = live().filter(|h| h.group.is_some_and(|(k, _)| k == key)).count();
                assert!(running <= usize::from(limit), "group {key} runs {running}");
            }
        }
    }

    async fn renew(&self, me: u32, kept: &[Claimed]) {
        let _time = self.turn.read().await;
        let leases: Vec<_> = kept.iter().map(|c| c.lease.clone()).collect();
        let renewals = self.store(me).renew(&leases, LEASE).await.unwrap();
        let mut seen = self.seen.lock().unwrap();
        for (claimed, renewal) in kept.iter().zip(renewals) {
            let Some(held) = seen.held.get_mut(&claimed.id()).filter(|h| h.token == token(claimed)) else { continue };
            match renewal {
                Renewal::Lost => assert!(self.may_lose(held), "a live lease was taken away"),
                Renewal::Kept | Renewal::CancelAsked => held.ends = self.clock.now() + LEASE.as_millis() as Millis,
            }
        }
    }

    async fn settle(&self, me: u32, runs: Vec<(Claimed, End)>) {
        let _time = self.turn.read().await;
        // From here on others may have the jobs.
        let held: Vec<Option<Held>> = {
            let mut seen = self.seen.lock().unwrap();
            let mut take = |c: &Claimed| {
                let mine = seen.held.get(&c.id()).is_some_and(|h| h.token == token(c));
                mine.then(|| seen.held.remove(&c.id())).flatten()
            };
            runs.iter().map(|(c, _)| take(c)).collect()
        };
        let ends = runs.iter().map(|(c, end)| ended(c, end.clone())).collect();
        let settled = self.store(me).settle(ends).await.unwrap();
        for (((claimed, _), held), settled) in runs.iter().zip(held).zip(settled) {
            match settled {
                Settled::Recorded(state) if state.is_terminal() => self.ended(claimed.id()),
                Settled::Recorded(_) => {}
                Settled::LeaseLost if held.is_none_or(|h| self.may_lose(&h)) => {}
                // Cancelled on its way into the queue: it was on record, and in no queue yet.
                Settled::LeaseLost => {
                    let job = self.store(me).get(claimed.id()).await.unwrap().unwrap();
                    assert_eq!(job.state, JobState::Cancelled, "a live lease was not heard");
                }
            }
        }
    }

    /// A lease is lost when its time is over, or when the queue was rebuilt.
    fn may_lose(&self, held: &Held) -> bool {
        self.reconciles || held.ends <= self.clock.now()
    }

    /// Cancels, retries and resumes.
    async fn operate(&self, producing: &AtomicU32) {
        let mut rng = StdRng::seed_from_u64(200);
        while producing.load(Ordering::SeqCst) > 0 {
            let _time = self.turn.read().await;
            let store = self.store(rng.random_range(0..3));
            let some: Vec<JobId> = {
                let seen = self.seen.lock().unwrap();
                seen.groups.keys().filter(|_| rng.random_bool(0.02)).copied().collect()
            };
            for (id, reply) in some.iter().zip(store.cancel(&some).await.unwrap()) {
                if reply == Some(CancelReply::Cancelled) {
                    self.ended(*id);
                }
            }
            for (id, done) in some.iter().zip(store.retry(&some).await.unwrap()) {
                *self.seen.lock().unwrap().results.entry(*id).or_default() -= i32::from(done);
            }
            self.resume_all(store).await;
            tokio::task::yield_now().await;
        }
    }

    async fn resume_all(&self, store: &dyn Store) {
        let paused = Filter { state: Some(JobState::Paused), ..Filter::default() };
        let page = store.list(&paused, None, 1_000).await.unwrap();
        store.resume(&page.jobs.iter().map(|j| j.id).collect::<Vec<_>>()).await.unwrap();
    }

    /// From one look to the next, jobs go only where the table of transitions leads.
    async fn watch(&self, producing: &AtomicU32) {
        let legal = reachable();
        while producing.load(Ordering::SeqCst) > 0 {
            let page = self.store(1).list(&Filter::default(), None, 1_000).await.unwrap();
            let mut seen = self.seen.lock().unwrap();
            for job in page.jobs {
                if let Some(before) = seen.states.insert(job.id, job.state) {
                    assert!(legal[&before].contains(&job.state), "{} went from {before} to {}", job.id, job.state);
                }
            }
        }
    }

    /// Lets everything end: no job is lost for good, whatever came between record and queue.
    async fn drain(&self, f: &impl Fixture) {
        let mut rounds = 0;
        loop {
            self.upkeep(f, MINUTE, rounds % 3).await;
            f.reconcile().await;
            self.resume_all(self.store(0)).await;
            let claimed = claim_as(self.store(1), "last", &[(QUEUE.to_owned(), 100)]).await;
            self.settle(2, claimed.into_iter().map(|c| (c, done())).collect()).await;
            let stats = f.stats(QUEUE).await;
            if stats.pending + stats.scheduled + stats.running + stats.paused_jobs == 0 {
                break;
            }
            rounds += 1;
            assert!(rounds < 1_000, "{stats:?}");
        }
        f.advance(HOUR).await;
        let all: Vec<JobId> = self.seen.lock().unwrap().groups.keys().copied().collect();
        for id in all {
            assert!(f.state(id).await.is_terminal(), "job {id} was lost");
        }
    }
}

/// The states that each state leads to, over any number of steps.
fn reachable() -> BTreeMap<JobState, HashSet<JobState>> {
    let targets = |from: JobState| TRANSITIONS.iter().filter(move |(f, _, _)| *f == from).map(|(_, _, to)| *to);
    let closure = |from: JobState| {
        let mut found = HashSet::from([from]);
        let mut open = vec![from];
        while let Some(state) = open.pop() {
            open.extend(targets(state).filter(|to| found.insert(*to)).collect::<Vec<_>>());
        }
        found
    };
    let all: BTreeMap<_, _> = JobState::ALL.into_iter().map(|s| (s, closure(s))).collect();
    debug_assert!(JobState::Completed.after(Event::Retry).is_none() && all[&JobState::Completed].len() == 1);
    all
}
