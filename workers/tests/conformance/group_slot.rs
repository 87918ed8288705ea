//! Groups: how many of one run at once, and what gives a slot up.

use crate::{
    draft::{Draft, noop},
    fixture::{Fixture, LEASE, MINUTE, SECOND, done, fault},
};
use flotilla_jobs::{JobId, JobState};
use flotilla_workers::store::{CancelReply, Claimed, End, Settled};

fn grouped() -> Draft {
    noop().group("chat", 1)
}

/// Three jobs of a group of one, and the run of the first.
async fn three(f: &impl Fixture) -> (Vec<JobId>, Claimed) {
    let ids = f.enqueue_all([grouped(), grouped(), grouped()]).await;
    let mut claimed = f.claim(10).await;
    assert_eq!(claimed.iter().map(Claimed::id).collect::<Vec<_>>(), [ids[0]]);
    (ids, claimed.pop().unwrap())
}

pub async fn one_runs_at_a_time(f: &impl Fixture) {
    let (ids, first) = three(f).await;
    assert_eq!(f.state(ids[1]).await, JobState::Pending);
    assert!(f.second_store().await.get(ids[2]).await.unwrap().unwrap().state == JobState::Pending);

    f.complete(&first).await;
    let second = f.claim(10).await;
    assert_eq!(second.iter().map(Claimed::id).collect::<Vec<_>>(), [ids[1]]);
    f.complete(&second[0]).await;
    assert_eq!(f.claim_ids(10).await, [ids[2]]);
}

pub async fn as_many_run_as_the_limit_says(f: &impl Fixture) {
    let ids = f.enqueue_all((0..7).map(|_| noop().group("repo", 3))).await;
    let claimed = f.claim(10).await;
    assert_eq!(claimed.iter().map(Claimed::id).collect::<Vec<_>>(), ids[..3]);

    f.complete(&claimed[1]).await;
    assert_eq!(f.claim_ids(10).await, ids[3..4]);
    f.complete(&claimed[0]).await;
    f.complete(&claimed[2]).await;
    assert_eq!(f.claim_ids(10).await, ids[4..6]);
}

pub async fn every_final_result_frees_the_slot(f: &impl Fixture) {
    for end in [done(), End::Failed(fault()), End::Cancelled("no".to_owned())] {
        let (ids, first) = three(f).await;
        assert!(matches!(f.settle(&first, end).await, Settled::Recorded(_)));
        for id in &ids[1..] {
            let next = f.claim_one().await;
            assert_eq!(next.id(), *id);
            f.complete(&next).await;
        }
    }
}

pub async fn quarantine_frees_the_slot(f: &impl Fixture) {
    let (ids, _first) = three(f).await;
    f.advance(LEASE + SECOND).await;
    assert_eq!(f.claim_ids(10).await, [ids[0]]);
    f.advance(LEASE + SECOND).await;

    assert_eq!(f.state(ids[0]).await, JobState::Quarantined);
    assert_eq!(f.claim_ids(10).await, [ids[1]]);
}

pub async fn a_job_between_attempts_holds_its_slot(f: &impl Fixture) {
    for end in [End::Retry(fault(), MINUTE), End::Snoozed(MINUTE)] {
        let (ids, first) = three(f).await;
        assert_eq!(f.settle(&first, end).await, Settled::Recorded(JobState::Scheduled));
        assert!(f.claim(10).await.is_empty());
        f.advance(MINUTE).await;

        for id in ids {
            let next = f.claim_one().await;
            assert_eq!(next.id(), id);
            f.complete(&next).await;
        }
    }
}

pub async fn a_job_handed_over_holds_its_slot(f: &impl Fixture) {
    let (ids, first) = three(f).await;
    assert_eq!(f.settle(&first, End::HandedOver).await, Settled::Recorded(JobState::Pending));

    assert_eq!(f.claim_ids(10).await, [ids[0]]);
}

pub async fn a_crashed_job_holds_its_slot(f: &impl Fixture) {
    let (ids, _lost) = three(f).await;
    f.advance(LEASE + SECOND).await;

    assert_eq!(f.claim_ids(10).await, [ids[0]]);
}

pub async fn a_paused_job_gives_its_slot_up(f: &impl Fixture) {
    let (ids, first) = three(f).await;
    assert_eq!(f.settle(&first, End::Paused("budget".to_owned())).await, Settled::Recorded(JobState::Paused));
    let second = f.claim_one().await;
    assert_eq!(second.id(), ids[1]);

    // Resumed, it queues up again: behind what waits longer, and never beside the one that runs.
    f.advance(SECOND).await;
    assert!(f.resume(ids[0]).await);
    assert!(f.claim(10).await.is_empty());
    f.complete(&second).await;
    let third = f.claim_one().await;
    assert_eq!(third.id(), ids[2]);
    f.complete(&third).await;
    assert_eq!(f.claim_ids(10).await, [ids[0]]);
}

pub async fn cancelling_the_holder_frees_the_slot(f: &impl Fixture) {
    let ids = f.enqueue_all([grouped(), grouped()]).await;
    assert_eq!(f.cancel(ids[0]).await, Some(CancelReply::Cancelled));
    assert_eq!(f.claim_ids(10).await, [ids[1]]);
}

pub async fn cancelling_a_holder_between_attempts_frees_the_slot(f: &impl Fixture) {
    let (ids, first) = three(f).await;
    f.settle(&first, End::Retry(fault(), MINUTE)).await;
    assert_eq!(f.cancel(ids[0]).await, Some(CancelReply::Cancelled));

    assert_eq!(f.claim_ids(10).await, [ids[1]]);
}

pub async fn cancelling_a_running_holder_frees_the_slot_when_it_ends(f: &impl Fixture) {
    let (ids, first) = three(f).await;
    assert_eq!(f.cancel(ids[0]).await, Some(CancelReply::Asked));
    assert!(f.claim(10).await.is_empty());

    assert_eq!(f.settle(&first, End::HandedOver).await, Settled::Recorded(JobState::Cancelled));
    assert_eq!(f.claim_ids(10).await, [ids[1]]);
}

pub async fn cancelling_one_that_waits_frees_no_slot(f: &impl Fixture) {
    let (ids, first) = three(f).await;
    assert_eq!(f.cancel(ids[1]).await, Some(CancelReply::Cancelled));
    assert!(f.claim(10).await.is_empty());

    f.complete(&first).await;
    assert_eq!(f.claim_ids(10).await, [ids[2]]);
}

pub async fn a_holder_and_the_next_are_cancelled_together(f: &impl Fixture) {
    let ids = f.enqueue_all((0..4).map(|_| grouped())).await;
    f.store().cancel(&[ids[0], ids[1], ids[2]]).await.unwrap();

    assert_eq!(f.stats("default").await.pending, 1);
    assert_eq!(f.claim_ids(1).await, [ids[3]]);
}

pub async fn a_job_of_the_future_takes_no_slot(f: &impl Fixture) {
    let future = f.enqueue(grouped().run_at(f.after(MINUTE))).await;
    let now = f.enqueue(grouped()).await;
    let claimed = f.claim_one().await;
    assert_eq!(claimed.id(), now);

    f.advance_clock(MINUTE);
    f.store().promote(&["default".to_owned()], 10).await.unwrap();
    assert!(f.claim(10).await.is_empty());
    assert_eq!(f.state(future).await, JobState::Pending);
    f.complete(&claimed).await;
    assert_eq!(f.claim_ids(10).await, [future]);
}

pub async fn groups_do_not_hold_each_other_up(f: &impl Fixture) {
    let drafts = (0..600).map(|i| noop().group(&format!("g{}", i % 200), 1));
    let ids = f.enqueue_all(drafts).await;

    assert_eq!(f.claim_ids(1_000).await, ids[..200]);
}

pub async fn groups_of_two_queues_are_apart(f: &impl Fixture) {
    f.enqueue_all(["a", "b", "a", "b"].map(|q| grouped().queue(q))).await;

    assert_eq!(f.claim_from("a", 5).await.len(), 1);
    assert_eq!(f.claim_from("b", 5).await.len(), 1);
}

pub async fn keys_that_look_alike_are_apart(f: &impl Fixture) {
    let keys = ["a", "aa", "a ", " a", "a!", "A", "ä", "a:1", "1:a", "a|", "a{}", "a*", "a%", "a_", "1"];
    let twice = keys.iter().chain(&keys).map(|k| noop().group(k, 1));
    let ids = f.enqueue_all(twice).await;

    let first = f.claim(100).await;
    assert_eq!(first.iter().map(Claimed::id).collect::<Vec<_>>(), ids[..keys.len()]);
    for claimed in &first {
        f.complete(claimed).await;
    }
    assert_eq!(f.claim_ids(100).await, ids[keys.len()..]);
}
