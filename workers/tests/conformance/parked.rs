//! Jobs of kinds that a worker does not know: left for one that does, in nobody's way.

use crate::{
    draft::{kind, noop},
    fixture::{Fixture, LEASE, MINUTE, QUEUE, SECOND, claim_knowing, done, fault, until_signal},
};
use flotilla_jobs::{Filter, JobId, JobState};
use flotilla_workers::store::{CancelReply, Claimed, End, QueueChange, Signal};
use std::collections::BTreeMap;

/// What an old worker knows, and a new one.
const OLD: &[&str] = &["noop"];
const NEW: &[&str] = &["drill", "noop"];

fn ids(claimed: &[Claimed]) -> Vec<JobId> {
    claimed.iter().map(Claimed::id).collect()
}

async fn waiting(f: &impl Fixture) -> BTreeMap<String, u64> {
    f.stats(QUEUE).await.waiting_for_worker
}

fn drills(jobs: u64) -> BTreeMap<String, u64> {
    [("drill".to_owned(), jobs)].into()
}

pub async fn a_kind_nobody_knows_holds_up_no_other(f: &impl Fixture) {
    let drafts = (0..20).map(|n| if n % 2 == 0 { kind("drill") } else { noop() });
    let all = f.enqueue_all(drafts).await;
    let known: Vec<JobId> = all.iter().skip(1).step_by(2).copied().collect();

    assert_eq!(ids(&claim_knowing(f.store(), OLD, 4).await), known[..4]);
    assert_eq!(ids(&claim_knowing(f.store(), OLD, 20).await), known[4..]);
    assert!(claim_knowing(f.store(), OLD, 20).await.is_empty());
}

pub async fn a_worker_that_knows_it_runs_it_in_order(f: &impl Fixture) {
    let all = f.enqueue_all((0..5).map(|n| kind("drill").priority(7 - n))).await;
    claim_knowing(f.store(), OLD, 20).await;
    let late = f.enqueue_all([noop().priority(4), kind("drill").priority(6), noop().priority(9)]).await;

    let mut expected = vec![all[4], all[3], late[0], all[2], all[1]];
    assert_eq!(ids(&claim_knowing(f.store(), NEW, 3).await), expected[..3]);
    expected.extend([late[1], all[0], late[2]]);
    assert_eq!(ids(&claim_knowing(f.store(), NEW, 20).await), expected[3..]);
}

pub async fn whoever_takes_any_kind_takes_these_too(f: &impl Fixture) {
    let all = f.enqueue_all([kind("drill"), noop(), kind("other")]).await;
    assert_eq!(ids(&claim_knowing(f.store(), OLD, 9).await), all[1..2]);
    assert_eq!(f.claim_ids(9).await, [all[0], all[2]]);
}

pub async fn whoever_knows_no_kind_gets_none(f: &impl Fixture) {
    let id = f.enqueue(noop()).await;
    assert!(claim_knowing(f.store(), &[], 9).await.is_empty());
    assert_eq!(f.claim_ids(9).await, [id]);
}

pub async fn what_waits_for_a_worker_is_counted(f: &impl Fixture) {
    f.enqueue_all([kind("drill"), kind("drill"), kind("other"), noop()]).await;
    assert!(waiting(f).await.is_empty());
    f.advance_clock(SECOND);
    claim_knowing(f.store(), OLD, 9).await;

    let stats = f.stats(QUEUE).await;
    assert_eq!((stats.pending, stats.running, stats.oldest_pending_ms), (3, 1, Some(1_000)));
    let expected: BTreeMap<_, _> = [("drill".to_owned(), 2), ("other".to_owned(), 1)].into();
    assert_eq!(stats.waiting_for_worker, expected);

    claim_knowing(f.store(), &["drill"], 9).await;
    let stats = f.stats(QUEUE).await;
    assert_eq!((stats.pending, stats.running), (1, 3));
    assert_eq!(stats.waiting_for_worker, [("other".to_owned(), 1)].into());
}

pub async fn on_record_it_is_pending(f: &impl Fixture) {
    let id = f.enqueue(kind("drill")).await;
    claim_knowing(f.store(), OLD, 9).await;

    assert_eq!(f.state(id).await, JobState::Pending);
    let listed = async |state| {
        let filter = Filter { state: Some(state), ..Filter::default() };
        f.store().list(&filter, None, 9).await.unwrap().jobs.len()
    };
    assert_eq!((listed(JobState::Pending).await, listed(JobState::Running).await), (1, 0));
    let job = f.job(id).await;
    assert!(job.history.is_empty() && job.started_at.is_none(), "{job:?}");
}

pub async fn it_can_be_cancelled(f: &impl Fixture) {
    let all = f.enqueue_all([kind("drill"), kind("drill").group("g", 1), kind("drill").group("g", 1)]).await;
    claim_knowing(f.store(), OLD, 9).await;
    assert_eq!(waiting(f).await, drills(2));

    assert_eq!(f.cancel(all[0]).await, Some(CancelReply::Cancelled));
    assert_eq!(f.cancel(all[1]).await, Some(CancelReply::Cancelled));
    assert!(waiting(f).await.is_empty());
    assert_eq!(f.stats(QUEUE).await.pending, 1);
    assert_eq!(ids(&claim_knowing(f.store(), NEW, 9).await), all[2..]);
    assert_eq!(f.stats(QUEUE).await.pending, 0);
}

pub async fn its_group_waits_with_it(f: &impl Fixture) {
    let all = f.enqueue_all([kind("drill").group("g", 1), noop().group("g", 1), noop().group("h", 1)]).await;
    assert_eq!(ids(&claim_knowing(f.store(), OLD, 9).await), all[2..]);
    assert!(claim_knowing(f.store(), OLD, 9).await.is_empty());

    let first = claim_knowing(f.store(), NEW, 9).await;
    assert_eq!(ids(&first), all[..1]);
    f.complete(&first[0]).await;
    assert_eq!(ids(&claim_knowing(f.store(), OLD, 9).await), all[1..2]);
}

pub async fn a_paused_queue_and_a_cap_hold_for_it(f: &impl Fixture) {
    let all = f.enqueue_all((0..4).map(|_| kind("drill"))).await;
    claim_knowing(f.store(), OLD, 9).await;
    let change = |paused, cap| QueueChange { paused: Some(paused), cap: Some(cap) };
    f.store().configure_queue(QUEUE, change(true, 2)).await.unwrap();
    assert!(claim_knowing(f.store(), NEW, 9).await.is_empty());

    f.store().configure_queue(QUEUE, change(false, 2)).await.unwrap();
    let running = claim_knowing(f.store(), NEW, 9).await;
    assert_eq!(ids(&running), all[..2]);
    assert!(claim_knowing(f.store(), NEW, 9).await.is_empty());
    f.complete(&running[0]).await;
    assert_eq!(ids(&claim_knowing(f.store(), NEW, 9).await), all[2..3]);
}

pub async fn a_cap_is_not_used_up_by_it(f: &impl Fixture) {
    f.enqueue_all((0..6).map(|_| kind("drill"))).await;
    let known = f.enqueue_all((0..3).map(|_| noop())).await;
    f.store().configure_queue(QUEUE, QueueChange { paused: None, cap: Some(2) }).await.unwrap();

    assert_eq!(ids(&claim_knowing(f.store(), OLD, 9).await), known[..2]);
    assert_eq!(waiting(f).await, drills(6));
}

pub async fn it_runs_again_like_any_other(f: &impl Fixture) {
    let id = f.enqueue(kind("drill")).await;
    claim_knowing(f.store(), OLD, 9).await;
    let claimed = claim_knowing(f.store(), NEW, 9).await.pop().unwrap();
    f.settle(&claimed, End::Retry(fault(), MINUTE)).await;
    f.advance(MINUTE).await;
    assert!(claim_knowing(f.store(), OLD, 9).await.is_empty());
    assert_eq!(waiting(f).await, drills(1));

    let lost = claim_knowing(f.store(), NEW, 9).await;
    assert_eq!(ids(&lost), [id]);
    assert_eq!(f.advance(LEASE + SECOND).await.len(), 1);
    assert!(claim_knowing(f.store(), OLD, 9).await.is_empty());
    let again = claim_knowing(f.store(), NEW, 9).await.pop().unwrap();
    assert_eq!((again.attempts().failure, again.attempts().crash), (1, 1));
    f.complete(&again).await;
    assert!(waiting(f).await.is_empty());
}

pub async fn the_queue_knows_it(f: &impl Fixture) {
    let id = f.enqueue(kind("drill")).await;
    claim_knowing(f.store(), OLD, 9).await;
    assert_eq!(f.reconcile().await.pushed, 0);

    f.lose_queue().await;
    f.reconcile().await;
    assert!(claim_knowing(f.store(), OLD, 9).await.is_empty());
    assert_eq!(waiting(f).await, drills(1));
    let claimed = claim_knowing(f.store(), NEW, 9).await;
    assert_eq!(ids(&claimed), [id]);
    f.complete(&claimed[0]).await;
}

/// One call does a bounded amount of work; workers are woken for the rest.
pub async fn thousands_in_front_are_passed_by(f: &impl Fixture) {
    for _ in 0..3 {
        f.enqueue_all((0..800).map(|_| kind("drill"))).await;
    }
    let known = f.enqueue(noop()).await;
    let (mut signals, mut found) = (f.store().signals(), Vec::new());
    let more = |signal: &Signal| *signal == Signal::Work(QUEUE.into());
    until_signal(&mut signals, more, async || found.extend(claim_knowing(f.store(), OLD, 50).await)).await;
    for _ in 0..3 {
        found.extend(claim_knowing(f.store(), OLD, 50).await);
    }
    assert_eq!(ids(&found), [known]);
    assert_eq!(waiting(f).await, drills(2_400));
    let claimed = claim_knowing(f.store(), NEW, 900).await;
    assert_eq!(claimed.len(), 900);
    f.settle(&claimed[0], done()).await;
    assert!(f.stats(QUEUE).await.waiting_for_worker["drill"] >= 1_500);
}

/// Old and new workers side by side: each job is handed out once, whoever meets it first.
pub async fn old_and_new_workers_share_a_queue(f: &impl Fixture) {
    let all = f.enqueue_all((0..300).map(|n| if n % 3 == 0 { kind("drill") } else { noop() })).await;
    let worker = async |kinds: &'static [&'static str]| {
        let store = f.second_store().await;
        let mut got = Vec::new();
        for _ in 0..100 {
            let claimed = claim_knowing(&*store, kinds, 3).await;
            got.extend(claimed.iter().map(|c| (c.id(), c.kind.clone())));
        }
        got
    };
    let (old, new, other) = tokio::join!(worker(OLD), worker(NEW), worker(OLD));
    assert!(old.iter().chain(&other).all(|(_, kind)| kind == "noop"));
    let mut got: Vec<JobId> = old.into_iter().chain(new).chain(other).map(|(id, _)| id).collect();
    got.extend(ids(&claim_knowing(f.store(), NEW, 300).await));
    got.sort_unstable();
    assert_eq!(got, all);
}
