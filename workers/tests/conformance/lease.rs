//! Leases: who holds a job, for how long, and that nobody else does.

use crate::{
    draft::noop,
    fixture::{Fixture, LEASE, MILLI, QUEUE, SECOND, claim, claim_as, done, ended},
};
use flotilla_jobs::{JobId, JobState};
use flotilla_workers::store::{CancelReply, Claimed, Lease, Renewal, Settled};
use std::collections::HashSet;

fn leases(claimed: &[Claimed]) -> Vec<Lease> {
    claimed.iter().map(|c| c.lease.clone()).collect()
}

pub async fn a_lost_lease_cannot_finish(f: &impl Fixture) {
    let stale = f.running(noop()).await;
    f.advance(LEASE + SECOND).await;
    let fresh = f.claim_one().await;

    assert_eq!(fresh.id(), stale.id());
    assert_eq!(f.settle(&stale, done()).await, Settled::LeaseLost);
    f.complete(&fresh).await;
}

pub async fn a_job_is_handed_out_once(f: &impl Fixture) {
    f.running(noop()).await;

    assert!(f.claim(5).await.is_empty());
    assert!(claim(&*f.second_store().await, &[(QUEUE.to_owned(), 5)]).await.is_empty());
}

pub async fn two_stores_never_receive_the_same_job(f: &impl Fixture) {
    const JOBS: usize = 2_000;
    f.enqueue_all((0..JOBS / 2).map(|i| noop().priority((i % 10) as u8))).await;
    f.enqueue_all((0..JOBS / 2).map(|i| noop().group(&format!("g{i}"), 1))).await;
    let other = f.second_store().await;

    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..8_u32 {
        let store = if i % 2 == 0 { f.shared_store() } else { other.clone() };
        tasks.spawn(async move {
            let mut mine: Vec<JobId> = Vec::new();
            loop {
                let some = claim_as(&*store, &format!("worker{i}"), &[(QUEUE.to_owned(), 1 + i * 3)]).await;
                if some.is_empty() {
                    return mine;
                }
                mine.extend(some.iter().map(Claimed::id));
                let settled = store.settle(some.iter().map(|c| ended(c, done())).collect()).await.unwrap();
                assert!(settled.iter().all(|s| *s == Settled::Recorded(JobState::Completed)));
            }
        });
    }
    let all = tasks.join_all().await.concat();
    assert_eq!((all.len(), all.iter().collect::<HashSet<_>>().len()), (JOBS, JOBS));
}

pub async fn a_lease_lasts_as_long_as_asked(f: &impl Fixture) {
    let claimed = f.running(noop()).await;

    assert!(f.advance(LEASE - MILLI).await.is_empty());
    assert_eq!(f.advance(2 * MILLI).await[0].job, claimed.id());
}

pub async fn renewal_extends_a_lease(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    for _ in 0..5 {
        assert!(f.advance(LEASE - SECOND).await.is_empty());
        assert_eq!(f.renew(&claimed).await, Renewal::Kept);
    }
    assert!(f.advance(LEASE - MILLI).await.is_empty());
    f.complete(&claimed).await;
}

pub async fn a_renewal_may_ask_for_another_time(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    f.store().renew(std::slice::from_ref(&claimed.lease), 10 * LEASE).await.unwrap();

    assert!(f.advance(9 * LEASE).await.is_empty());
    assert_eq!(f.advance(LEASE + MILLI).await.len(), 1);
}

pub async fn a_lost_lease_cannot_be_renewed(f: &impl Fixture) {
    let stale = f.running(noop()).await;
    f.advance(LEASE + SECOND).await;
    assert_eq!(f.renew(&stale).await, Renewal::Lost);

    let fresh = f.claim_one().await;
    assert_eq!(f.renew(&stale).await, Renewal::Lost);
    assert_eq!(f.renew(&fresh).await, Renewal::Kept);
}

pub async fn a_finished_jobs_lease_is_lost(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    f.complete(&claimed).await;

    assert_eq!(f.renew(&claimed).await, Renewal::Lost);
}

pub async fn a_cancelled_jobs_lease_says_so_and_is_kept(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    assert_eq!(f.cancel(claimed.id()).await, Some(CancelReply::Asked));
    for _ in 0..3 {
        assert!(f.advance(LEASE - SECOND).await.is_empty());
        assert_eq!(f.renew(&claimed).await, Renewal::CancelAsked);
    }
    assert_eq!(f.state(claimed.id()).await, JobState::Running);
}

pub async fn renewals_are_answered_in_the_order_given(f: &impl Fixture) {
    f.enqueue_all((0..6).map(|i| noop().queue(if i % 2 == 0 { "a" } else { "b" }))).await;
    let mut claimed = f.claim_from("a", 3).await;
    claimed.extend(f.claim_from("b", 3).await);
    f.complete(&claimed[1]).await;
    f.cancel(claimed[3].id()).await;
    f.complete(&claimed[5]).await;

    let renewals = f.store().renew(&leases(&claimed), LEASE).await.unwrap();
    let (kept, lost, asked) = (Renewal::Kept, Renewal::Lost, Renewal::CancelAsked);
    assert_eq!(renewals, [kept, lost, kept, asked, kept, lost]);
}

pub async fn a_thousand_leases_are_renewed_at_once(f: &impl Fixture) {
    f.enqueue_all((0..1_000).map(|_| noop())).await;
    let claimed = f.claim(1_000).await;
    f.advance_clock(LEASE - SECOND);

    let renewals = f.store().renew(&leases(&claimed), LEASE).await.unwrap();
    assert!(renewals.len() == 1_000 && renewals.iter().all(|r| *r == Renewal::Kept));
    assert!(f.advance(LEASE - SECOND).await.is_empty());
}

/// Nobody else had the job, so the work is not thrown away.
pub async fn an_expired_lease_that_nobody_took_can_finish(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    f.advance_clock(10 * LEASE);

    f.complete(&claimed).await;
    assert!(f.advance(SECOND).await.is_empty());
    assert_eq!(f.state(claimed.id()).await, JobState::Completed);
}

pub async fn an_expired_lease_is_not_handed_out_before_its_rescue(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    f.advance_clock(10 * LEASE);
    assert!(f.claim(5).await.is_empty());

    f.advance(SECOND).await;
    assert_eq!(f.claim_ids(5).await, [claimed.id()]);
}
