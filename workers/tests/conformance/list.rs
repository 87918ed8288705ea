//! Listing: filters, pages, order.

use crate::{
    draft::{kind, noop},
    fixture::{Fixture, LEASE, MINUTE, SECOND, done, fault},
};
use flotilla_jobs::{Filter, JobId, JobState};
use flotilla_workers::store::End;
use std::collections::BTreeMap;

async fn ids(f: &impl Fixture, filter: &Filter) -> Vec<JobId> {
    let page = f.store().list(filter, None, 1_000).await.unwrap();
    assert_eq!(page.next, None);
    page.jobs.iter().map(|j| j.id).collect()
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn reversed(ids: &[JobId]) -> Vec<JobId> {
    ids.iter().rev().copied().collect()
}

pub async fn the_newest_comes_first(f: &impl Fixture) {
    assert!(ids(f, &Filter::default()).await.is_empty());
    let all = f.enqueue_all((0..30).map(|i| noop().priority(i % 10))).await;

    assert_eq!(ids(f, &Filter::default()).await, reversed(&all));
}

pub async fn pages_follow_each_other(f: &impl Fixture) {
    let all = f.enqueue_all((0..10).map(|_| noop())).await;
    let mut seen = Vec::new();
    let mut after = None;
    let mut sizes = Vec::new();
    loop {
        let page = f.store().list(&Filter::default(), after, 4).await.unwrap();
        sizes.push(page.jobs.len());
        seen.extend(page.jobs.iter().map(|j| j.id));
        after = page.next;
        if after.is_none() {
            break;
        }
        // What arrives meanwhile is newer than every page to come.
        f.enqueue(noop()).await;
    }
    assert_eq!((seen, sizes), (reversed(&all), vec![4, 4, 2]));
}

pub async fn a_page_that_fits_exactly_is_the_last(f: &impl Fixture) {
    let all = f.enqueue_all((0..6).map(|_| noop())).await;
    let first = f.store().list(&Filter::default(), None, 3).await.unwrap();
    assert_eq!(first.next, Some(all[3]));
    let second = f.store().list(&Filter::default(), first.next, 3).await.unwrap();

    assert_eq!((second.jobs.len(), second.next), (3, None));
}

pub async fn a_page_is_at_most_a_thousand(f: &impl Fixture) {
    f.enqueue_all((0..1_000).map(|_| noop())).await;
    f.enqueue_all((0..5).map(|_| noop())).await;

    let page = f.store().list(&Filter::default(), None, 1_000).await.unwrap();
    assert_eq!(page.jobs.len(), 1_000);
    let rest = f.store().list(&Filter::default(), page.next, 1_000).await.unwrap();
    assert_eq!((rest.jobs.len(), rest.next), (5, None));
}

pub async fn a_list_leaves_the_long_parts_out(f: &impl Fixture) {
    let claimed = f.running(noop().payload(&serde_json::json!({"a": 1})).label("a", "b").group("g", 1)).await;
    f.settle(&claimed, End::Retry(fault(), SECOND)).await;
    f.advance(SECOND).await;
    let claimed = f.claim_one().await;
    f.settle(&claimed, done()).await;

    let page = f.store().list(&Filter::default(), None, 10).await.unwrap();
    let (listed, full) = (&page.jobs[0], f.job(claimed.id()).await);
    assert!(listed.payload.is_none() && listed.output.is_none() && listed.history.is_empty());
    assert!(full.payload.is_some() && full.output.is_some() && full.history.len() == 1);
    assert_eq!((listed.state, listed.attempts, &listed.labels), (full.state, full.attempts, &full.labels));
    assert_eq!((listed.created_at, listed.started_at), (full.created_at, full.started_at));
    assert_eq!((listed.finished_at, &listed.group), (full.finished_at, &full.group));
}

pub async fn each_state_can_be_asked_for(f: &impl Fixture) {
    // Quarantined first, since it takes two leases' time.
    let quarantined = f.running(noop()).await.id();
    f.advance(LEASE + SECOND).await;
    f.claim_one().await;
    f.advance(LEASE + SECOND).await;
    let claimed = {
        f.enqueue_all((0..6).map(|_| noop())).await;
        f.claim(6).await
    };
    let id = |i: usize| claimed[i].id();
    f.settle(&claimed[0], done()).await;
    f.settle(&claimed[1], End::Failed(fault())).await;
    f.settle(&claimed[2], End::Cancelled("no".to_owned())).await;
    f.settle(&claimed[3], End::Paused("budget".to_owned())).await;
    f.settle(&claimed[4], End::Retry(fault(), MINUTE)).await;
    let later = f.enqueue(noop().run_at(f.after(MINUTE))).await;
    let pending = f.enqueue_all((0..2).map(|_| noop().group("g", 1))).await;

    let expected = [
        (JobState::Scheduled, vec![later, id(4)]),
        (JobState::Pending, reversed(&pending)),
        (JobState::Running, vec![id(5)]),
        (JobState::Paused, vec![id(3)]),
        (JobState::Completed, vec![id(0)]),
        (JobState::Failed, vec![id(1)]),
        (JobState::Cancelled, vec![id(2)]),
        (JobState::Quarantined, vec![quarantined]),
    ];
    for (state, expected) in expected {
        let filter = Filter { state: Some(state), ..Filter::default() };
        assert_eq!(ids(f, &filter).await, expected, "{state}");
        let page = f.store().list(&filter, None, 10).await.unwrap();
        assert!(page.jobs.iter().all(|j| j.state == state), "{state}");
    }
}

pub async fn kind_queue_and_tenant_can_be_asked_for(f: &impl Fixture) {
    let all = f
        .enqueue_all([
            kind("review").queue("slow").tenant("acme"),
            kind("review").queue("fast").tenant("acme"),
            kind("chat").queue("fast").tenant("other"),
            kind("chat").queue("slow"),
        ])
        .await;
    let some = |text: &str| Some(text.to_owned());

    let by_kind = Filter { kind: some("review"), ..Filter::default() };
    assert_eq!(ids(f, &by_kind).await, [all[1], all[0]]);
    let by_queue = Filter { queue: some("slow"), ..Filter::default() };
    assert_eq!(ids(f, &by_queue).await, [all[3], all[0]]);
    let by_tenant = Filter { tenant: some("acme"), ..Filter::default() };
    assert_eq!(ids(f, &by_tenant).await, [all[1], all[0]]);
    let default_tenant = Filter { tenant: some("default"), ..Filter::default() };
    assert_eq!(ids(f, &default_tenant).await, [all[3]]);
    let nobody = Filter { kind: some("nobody"), ..Filter::default() };
    assert!(ids(f, &nobody).await.is_empty());
}

pub async fn all_labels_asked_for_must_hold(f: &impl Fixture) {
    let all = f
        .enqueue_all([
            noop().label("env", "prod").label("team", "core"),
            noop().label("env", "prod").label("team", "web"),
            noop().label("env", "test").label("team", "core"),
            noop(),
            noop().label("env", "\"pr%od\" ü"),
        ])
        .await;
    let by = |pairs| Filter { labels: labels(pairs), ..Filter::default() };

    assert_eq!(ids(f, &by(&[("env", "prod")])).await, [all[1], all[0]]);
    assert_eq!(ids(f, &by(&[("env", "prod"), ("team", "core")])).await, [all[0]]);
    assert_eq!(ids(f, &by(&[("env", "\"pr%od\" ü")])).await, [all[4]]);
    assert!(ids(f, &by(&[("env", "")])).await.is_empty());
    assert!(ids(f, &by(&[("nope", "prod")])).await.is_empty());
    assert!(ids(f, &by(&[("env", "pro_")])).await.is_empty());
}

pub async fn times_of_acceptance_can_be_asked_for(f: &impl Fixture) {
    let mut all = Vec::new();
    let mut times = Vec::new();
    for _ in 0..4 {
        all.push(f.enqueue(noop()).await);
        times.push(f.moment());
        f.advance_clock(MINUTE);
    }

    let from = Filter { created_after: Some(times[1]), ..Filter::default() };
    assert_eq!(ids(f, &from).await, reversed(&all[1..]));
    let until = Filter { created_before: Some(times[1]), ..Filter::default() };
    assert_eq!(ids(f, &until).await, [all[0]]);
    let both = Filter { created_after: Some(times[1]), created_before: Some(times[3]), ..Filter::default() };
    assert_eq!(ids(f, &both).await, reversed(&all[1..3]));
}

pub async fn filters_add_up(f: &impl Fixture) {
    let matches = |n: &str| kind("review").queue("q").tenant("acme").label("n", n);
    let first = f.enqueue(matches("1")).await;
    f.enqueue_all([
        kind("chat").queue("q").tenant("acme").label("n", "1"),
        kind("review").queue("z").tenant("acme").label("n", "1"),
        kind("review").queue("q").label("n", "1"),
        matches("2"),
        matches("1").run_at(f.after(MINUTE)),
    ])
    .await;
    let rest = f.enqueue_all([matches("1"), matches("1")]).await;
    f.advance_clock(SECOND);
    f.enqueue(matches("1")).await;

    let filter = Filter {
        state: Some(JobState::Pending),
        kind: Some("review".to_owned()),
        queue: Some("q".to_owned()),
        tenant: Some("acme".to_owned()),
        labels: labels(&[("n", "1")]),
        created_after: Some(f.moment() - MINUTE),
        created_before: Some(f.moment()),
    };
    assert_eq!(ids(f, &filter).await, [rest[1], rest[0], first]);
    let page = f.store().list(&filter, None, 2).await.unwrap();
    assert_eq!(page.next, Some(rest[0]));
    let page = f.store().list(&filter, page.next, 2).await.unwrap();
    assert_eq!((page.jobs[0].id, page.jobs.len(), page.next), (first, 1, None));
}
