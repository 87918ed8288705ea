//! Wake-ups: that they reach other openings of the same data.

use crate::{
    draft::noop,
    fixture::{Fixture, MINUTE, QUEUE, SECOND, done, fault, until_signal},
};
use flotilla_workers::store::{End, LiveEvent, QueueChange, Signal};

fn is_work(signal: &Signal) -> bool {
    matches!(signal, Signal::Work(queue) if &**queue == QUEUE)
}

pub async fn a_submit_wakes_workers(f: &impl Fixture) {
    let mut signals = f.second_store().await.signals();

    until_signal(&mut signals, is_work, async || {
        f.enqueue(noop()).await;
    })
    .await;
}

pub async fn a_due_job_wakes_workers(f: &impl Fixture) {
    let mut signals = f.second_store().await.signals();

    until_signal(&mut signals, is_work, async || {
        f.enqueue(noop().run_at(f.after(SECOND))).await;
        f.advance(SECOND).await;
    })
    .await;
}

pub async fn a_job_given_back_wakes_workers(f: &impl Fixture) {
    let id = f.enqueue(noop()).await;
    let mut signals = f.second_store().await.signals();

    until_signal(&mut signals, is_work, async || {
        let claimed = f.claim_one().await;
        assert_eq!(claimed.id(), id);
        f.settle(&claimed, End::HandedOver).await;
    })
    .await;
}

pub async fn a_group_slot_wakes_workers(f: &impl Fixture) {
    for _ in 0..2 {
        f.enqueue_all((0..50).map(|_| noop().group("g", 1))).await;
    }
    let mut signals = f.second_store().await.signals();

    until_signal(&mut signals, is_work, async || {
        let claimed = f.claim_one().await;
        f.complete(&claimed).await;
    })
    .await;
}

pub async fn a_queue_that_goes_on_wakes_workers(f: &impl Fixture) {
    let mut signals = f.second_store().await.signals();

    until_signal(&mut signals, is_work, async || {
        for paused in [true, false] {
            f.store().configure_queue(QUEUE, QueueChange { paused: Some(paused), cap: None }).await.unwrap();
        }
    })
    .await;
}

pub async fn an_operator_wakes_workers(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    f.settle(&claimed, End::Failed(fault())).await;
    let mut signals = f.second_store().await.signals();
    f.retry(claimed.id()).await;

    until_signal(&mut signals, is_work, async || {
        let claimed = f.claim_one().await;
        f.settle(&claimed, End::Failed(fault())).await;
        assert!(f.retry(claimed.id()).await);
    })
    .await;
}

pub async fn a_cancel_reaches_the_worker(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    let mut signals = f.second_store().await.signals();
    let id = claimed.id();

    until_signal(
        &mut signals,
        |s| *s == Signal::Cancel(id),
        async || {
            f.cancel(id).await;
        },
    )
    .await;
}

pub async fn a_cancel_by_another_opening_reaches_the_worker(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    let (other, mut signals) = (f.second_store().await, f.store().signals());
    let id = claimed.id();

    until_signal(&mut signals, |s| *s == Signal::Cancel(id), async || drop(other.cancel(&[id]).await)).await;
}

pub async fn a_result_reaches_watchers(f: &impl Fixture) {
    let mut signals = f.second_store().await.signals();
    let last = std::cell::Cell::new(None);

    until_signal(
        &mut signals,
        |s| last.get().is_some_and(|id| *s == Signal::Changed(id)),
        async || {
            let claimed = f.running(noop()).await;
            last.set(Some(claimed.id()));
            f.settle(&claimed, done()).await;
        },
    )
    .await;
}

pub async fn a_retry_reaches_watchers(f: &impl Fixture) {
    let id = f.enqueue(noop()).await;
    let mut signals = f.second_store().await.signals();

    until_signal(
        &mut signals,
        |s| *s == Signal::Changed(id),
        async || {
            let claimed = f.claim_one().await;
            f.settle(&claimed, End::Retry(fault(), MINUTE)).await;
            f.advance(MINUTE).await;
        },
    )
    .await;
}

pub async fn output_reaches_watchers(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    let mut signals = f.second_store().await.signals();

    until_signal(
        &mut signals,
        |s| *s == Signal::Changed(claimed.id()),
        async || {
            let event = LiveEvent::Output { text: "x".to_owned() };
            f.store().append(vec![(claimed.lease.clone(), event)]).await.unwrap();
        },
    )
    .await;
}

pub async fn a_cancelled_job_reaches_watchers(f: &impl Fixture) {
    let mut signals = f.second_store().await.signals();
    let last = std::cell::Cell::new(None);

    until_signal(
        &mut signals,
        |s| last.get().is_some_and(|id| *s == Signal::Changed(id)),
        async || {
            let id = f.enqueue(noop()).await;
            last.set(Some(id));
            f.cancel(id).await;
        },
    )
    .await;
}
