//! Random operations from several connections, each compared with the model.

use crate::{
    draft::{Draft, kind},
    fixture::{Fixture, LEASE, claim, done, ended, fault},
    model::{Model, Serial},
};
use flotilla_jobs::{Filter, JobId, JobState};
use flotilla_workers::store::{Claim, Claimed, End, QueueChange, Store};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::{sync::Arc, time::Duration};

/// Operations of one walk.
const STEPS: u32 = 350;
const QUEUES: [&str; 2] = ["a", "b"];

/// Says which seed failed.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the seed was {}", self.0);
        }
    }
}

pub async fn random_operations_agree_with_the_model(f: &impl Fixture) {
    walk(f, 1).await;
}

pub async fn other_operations_agree_with_the_model(f: &impl Fixture) {
    walk(f, 2).await;
}

pub async fn yet_others_agree_with_the_model(f: &impl Fixture) {
    walk(f, 3).await;
}

async fn walk(f: &impl Fixture, seed: u64) {
    let _seed = Seed(seed);
    let stores = vec![f.shared_store(), f.second_store().await, f.second_store().await];
    let (model, rng) = (Model::default(), StdRng::seed_from_u64(seed));
    let mut walk = Walk { f, stores, model, rng, leases: Vec::new(), ids: Vec::new() };
    for step in 0..STEPS {
        walk.step().await;
        if step % 10 == 0 {
            walk.compare().await;
        }
    }
    walk.drain().await;
}

/// A walk in progress.
struct Walk<'a, F> {
    f: &'a F,
    stores: Vec<Arc<dyn Store>>,
    model: Model,
    rng: StdRng,
    /// Leases that were given, live or stale.
    leases: Vec<(Claimed, Serial)>,
    ids: Vec<JobId>,
}

impl<F: Fixture> Walk<'_, F> {
    async fn step(&mut self) {
        match self.rng.random_range(0..100) {
            0..22 => self.enqueue().await,
            22..44 => self.claim().await,
            44..66 => self.settle().await,
            66..73 => self.cancel().await,
            73..77 => self.restart().await,
            77..83 => self.renew().await,
            83..91 => self.advance().await,
            91..95 => self.rescue().await,
            95..98 => self.configure().await,
            _ => assert_eq!(self.f.reconcile().await.pushed, 0),
        }
    }

    fn store(&mut self) -> Arc<dyn Store> {
        let i = self.rng.random_range(0..self.stores.len());
        self.stores[i].clone()
    }

    fn queue(&mut self) -> &'static str {
        QUEUES[self.rng.random_range(0..QUEUES.len())]
    }

    fn some_ids(&mut self) -> Vec<JobId> {
        if self.ids.is_empty() {
            return Vec::new();
        }
        let n = self.rng.random_range(1..4);
        let mut ids: Vec<JobId> = (0..n).map(|_| self.ids[self.rng.random_range(0..self.ids.len())]).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    fn draft(&mut self) -> Draft {
        let mut draft = kind(if self.rng.random_bool(0.8) { "noop" } else { "other" })
            .queue(self.queue())
            .priority(self.rng.random_range(3..6));
        if self.rng.random_bool(0.5) {
            let (key, limit) = [("g", 1), ("h", 2), ("grüße", 3)][self.rng.random_range(0..3)];
            draft = draft.group(key, limit);
        }
        if self.rng.random_bool(0.25) {
            draft = draft.run_at(self.f.after(Duration::from_millis(self.rng.random_range(1..20_000))));
        }
        draft
    }

    async fn enqueue(&mut self) {
        let batch: Vec<_> = (0..self.rng.random_range(1..5)).map(|_| self.draft().submission()).collect();
        for job in &batch {
            self.model.enqueue(job, self.f.now());
            self.ids.push(job.id);
        }
        let accepted = self.store().enqueue(batch).await.unwrap();
        assert!(accepted.iter().all(|a| !a.duplicate));
    }

    async fn claim(&mut self) {
        let (queue, max) = (self.queue(), self.rng.random_range(1..6));
        let kinds = [None, None, Some(["noop"].as_slice()), Some(&["other", "none"])][self.rng.random_range(0..4)];
        let expected = self.model.claim(queue, max, kinds, self.f.now());
        let queues = [(queue.to_owned(), max)];
        let ask = Claim { worker: "one", queues: &queues, kinds, lease_ttl: LEASE };
        let claimed = self.store().claim(ask).await.unwrap();

        assert_eq!(claimed.iter().map(Claimed::id).collect::<Vec<_>>(), ids(&expected));
        for (claimed, (id, serial)) in claimed.into_iter().zip(expected) {
            assert_eq!(claimed.attempts(), self.model.jobs[&id].attempts);
            self.leases.push((claimed, serial));
        }
    }

    fn end(&mut self) -> End {
        let delay = Duration::from_millis(self.rng.random_range(1..20_000));
        match self.rng.random_range(0..11) {
            0..3 => done(),
            3 => End::Failed(fault()),
            4 => End::Cancelled("no".to_owned()),
            5..7 => End::Retry(fault(), delay),
            7 => End::Snoozed(delay),
            8 => End::HandedOver,
            9 => End::Quarantined(fault()),
            _ => End::Paused("budget".to_owned()),
        }
    }

    /// Settles some leases, of which some are stale. A stale one is kept, to be tried again.
    async fn settle(&mut self) {
        let (mut batch, mut expected) = (Vec::new(), Vec::new());
        for _ in 0..self.rng.random_range(1..4) {
            let Some(i) = (!self.leases.is_empty()).then(|| self.rng.random_range(0..self.leases.len())) else { break };
            let (claimed, serial) = self.leases.swap_remove(i);
            // One job at a time: what two runs of it say at once, other cases tell.
            if batch.iter().any(|e: &flotilla_workers::store::Settle| e.lease.job() == claimed.id()) {
                self.leases.push((claimed, serial));
                continue;
            }
            let end = self.end();
            expected.push(self.model.settle(claimed.id(), serial, &end, self.f.now()));
            batch.push(ended(&claimed, end));
            if self.rng.random_bool(0.3) {
                self.leases.push((claimed, serial));
            }
        }
        assert_eq!(self.store().settle(batch).await.unwrap(), expected);
    }

    async fn renew(&mut self) {
        let now = self.f.now();
        let sure = |(c, s): &&(Claimed, Serial)| self.model.is_live(c.id(), *s, now) || !self.model.holds(c.id(), *s);
        let some: Vec<(Claimed, Serial)> = self.leases.iter().filter(sure).take(5).cloned().collect();
        let expected: Vec<_> = some.iter().map(|(c, s)| self.model.renew(c.id(), *s, now)).collect();
        let leases: Vec<_> = some.iter().map(|(c, _)| c.lease.clone()).collect();
        assert_eq!(self.store().renew(&leases, LEASE).await.unwrap(), expected);
    }

    async fn cancel(&mut self) {
        let ids = self.some_ids();
        let expected: Vec<_> = ids.iter().map(|id| Some(self.model.cancel(*id))).collect();
        assert_eq!(self.store().cancel(&ids).await.unwrap(), expected);
    }

    async fn restart(&mut self) {
        let (now, ids) = (self.f.now(), self.some_ids());
        let expected = self.model.retry(&ids, now);
        assert_eq!(self.store().retry(&ids).await.unwrap(), expected);
        let expected = self.model.resume(&ids, now);
        assert_eq!(self.store().resume(&ids).await.unwrap(), expected);
    }

    async fn advance(&mut self) {
        self.f.advance_clock(Duration::from_millis(self.rng.random_range(1..12_000)));
        let expected = self.model.promote(self.f.now());
        let promoted = self.store().promote(&QUEUES.map(str::to_owned), 1_000).await.unwrap();
        assert_eq!(promoted.moved, expected);
    }

    async fn rescue(&mut self) {
        let expected = self.model.rescue(self.f.now());
        let rescued = self.store().rescue(&QUEUES.map(str::to_owned), 1_000).await.unwrap();
        let mut rescued: Vec<_> = rescued.iter().map(|r| (r.job, r.state)).collect();
        rescued.sort_unstable();
        assert_eq!(rescued, expected);
    }

    async fn configure(&mut self) {
        let paused = self.rng.random_bool(0.5).then(|| self.rng.random_bool(0.3));
        let cap = self.rng.random_bool(0.5).then(|| self.rng.random_range(0..6));
        let (queue, change) = (self.queue(), QueueChange { paused, cap });
        self.model.configure(queue, change);
        self.store().configure_queue(queue, change).await.unwrap();
    }

    /// Everything on record, and every count, is as the model has it.
    async fn compare(&mut self) {
        let page = self.store().list(&Filter::default(), None, 1_000).await.unwrap();
        let seen: Vec<_> = page.jobs.iter().map(|j| (j.id, j.state, j.attempts, j.cancel_requested)).collect();
        let jobs = self.model.jobs.iter().rev();
        let expected: Vec<_> = jobs.map(|(id, j)| (*id, j.state, j.attempts, j.cancel)).collect();
        assert_eq!(seen.len(), expected.len());
        for (seen, expected) in seen.iter().zip(&expected) {
            assert_eq!(seen, expected);
        }
        assert_eq!(self.store().queues().await.unwrap(), self.model.stats(self.f.now()));
        for state in [JobState::Pending, JobState::Running, JobState::Scheduled] {
            let filter = Filter { state: Some(state), ..Filter::default() };
            let page = self.store().list(&filter, None, 1_000).await.unwrap();
            assert!(page.jobs.iter().all(|j| j.state == state));
            assert_eq!(page.jobs.len(), expected.iter().filter(|(_, s, ..)| *s == state).count());
        }
    }

    /// Lets everything end; then each job has one result.
    async fn drain(&mut self) {
        let now = self.f.now();
        for queue in QUEUES {
            let open = QueueChange { paused: Some(false), cap: Some(0) };
            self.model.configure(queue, open);
            self.store().configure_queue(queue, open).await.unwrap();
        }
        let all = self.ids.clone();
        for ids in all.chunks(1_000) {
            let expected = self.model.resume(ids, now);
            assert_eq!(self.store().resume(ids).await.unwrap(), expected);
        }
        while self.model.jobs.values().any(|j| !j.state.is_terminal()) {
            self.f.advance_clock(LEASE);
            let now = self.f.now();
            let expected = self.model.promote(now);
            assert_eq!(self.store().promote(&QUEUES.map(str::to_owned), 1_000).await.unwrap().moved, expected);
            self.rescue().await;
            for queue in QUEUES {
                let expected = self.model.claim(queue, 1_000, None, now);
                let claimed = claim(&*self.store(), &[(queue.to_owned(), 1_000)]).await;
                assert_eq!(claimed.iter().map(Claimed::id).collect::<Vec<_>>(), ids(&expected));
                let settled =
                    expected.iter().map(|(id, s)| self.model.settle(*id, *s, &done(), now)).collect::<Vec<_>>();
                let ends = claimed.iter().map(|c| ended(c, done())).collect();
                assert_eq!(self.store().settle(ends).await.unwrap(), settled);
            }
        }
        self.compare().await;
        assert!(self.model.jobs.values().all(|j| j.results == 1));
    }
}

fn ids(claimed: &[(JobId, Serial)]) -> Vec<JobId> {
    claimed.iter().map(|(id, _)| *id).collect()
}
