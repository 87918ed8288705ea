//! What becomes of a job that is accepted: its record, its size, its letters.

use crate::{
    draft::{Draft, kind, noop},
    fixture::{Fixture, MINUTE, SECOND, done_with, json},
};
use flotilla_jobs::{Attempts, JobId, JobState};
use serde_json::json as value;

pub async fn an_accepted_job_is_on_record(f: &impl Fixture) {
    let payload = value!({"repository": "a/b", "number": 7});
    let draft = kind("code-review").payload(&payload).tenant("acme").label("team", "core").label("env", "prod");
    let id = f.enqueue(draft.queue("slow").priority(2).group("a/b", 3).with(|o| o.max_attempts = Some(9))).await;

    let job = f.job(id).await;
    assert_eq!((job.id, job.kind.as_str(), job.state), (id, "code-review", JobState::Pending));
    assert_eq!((job.queue.as_str(), job.priority, job.tenant.as_str()), ("slow", 2, "acme"));
    assert_eq!((job.group.as_deref(), job.max_attempts, job.attempts), (Some("a/b"), 9, Attempts::default()));
    assert_eq!(job.labels.into_iter().collect::<Vec<_>>(), [("env", "prod"), ("team", "core")].map(owned));
    assert_eq!((job.created_at.as_millisecond(), job.run_at.as_millisecond()), (f.now(), f.now()));
    assert_eq!((job.started_at, job.finished_at, job.cancel_requested), (None, None, false));
    assert!(job.reason.is_none() && job.progress.is_none() && job.error.is_none() && job.output.is_none());
    assert!(job.history.is_empty());
    assert_eq!(json(job.payload.as_deref()), payload);
}

fn owned((a, b): (&str, &str)) -> (String, String) {
    (a.to_owned(), b.to_owned())
}

pub async fn a_delayed_job_says_when_it_runs(f: &impl Fixture) {
    let due = f.after(MINUTE);
    let id = f.enqueue(noop().run_at(due)).await;

    let job = f.job(id).await;
    assert_eq!((job.state, job.run_at), (JobState::Scheduled, due));
    assert_eq!(job.created_at.as_millisecond(), f.now());
}

pub async fn a_claimed_job_is_running(f: &impl Fixture) {
    let claimed = f.running(noop()).await;

    assert_eq!(f.state(claimed.id()).await, JobState::Running);
}

pub async fn answers_come_in_the_order_given(f: &impl Fixture) {
    let batch: Vec<_> = (0..50).map(|i| kind(&format!("k{i}")).submission()).collect();
    let ids: Vec<JobId> = batch.iter().map(|s| s.id).collect();
    let accepted = f.store().enqueue(batch).await.unwrap();

    assert_eq!(accepted.iter().map(|a| a.id).collect::<Vec<_>>(), ids);
    for (i, id) in ids.into_iter().enumerate() {
        assert_eq!(f.job(id).await.kind, format!("k{i}"));
    }
}

pub async fn an_empty_batch_is_nothing(f: &impl Fixture) {
    assert!(f.store().enqueue(Vec::new()).await.unwrap().is_empty());
    assert!(f.store().settle(Vec::new()).await.unwrap().is_empty());
    assert!(f.store().renew(&[], SECOND).await.unwrap().is_empty());
    assert!(f.store().cancel(&[]).await.unwrap().is_empty());
    assert!(f.store().retry(&[]).await.unwrap().is_empty());
    assert!(f.store().resume(&[]).await.unwrap().is_empty());
    f.store().append(Vec::new()).await.unwrap();
    assert_eq!(f.store().promote(&[], 10).await.unwrap().moved, 0);
    assert!(f.store().rescue(&[], 10).await.unwrap().is_empty());
}

pub async fn a_batch_may_be_a_thousand_jobs(f: &impl Fixture) {
    let ids = f.enqueue_all((0..1_000).map(|i| noop().payload(&value!({ "i": i })))).await;
    let claimed = f.claim(1_000).await;
    assert_eq!(claimed.iter().map(|c| c.lease.job()).collect::<Vec<_>>(), ids);

    let ends = claimed.iter().map(|c| crate::fixture::ended(c, crate::fixture::done())).collect();
    let settled = f.store().settle(ends).await.unwrap();
    assert!(settled.iter().all(|s| *s == flotilla_workers::store::Settled::Recorded(JobState::Completed)));
    assert_eq!(f.stats("default").await.running, 0);
}

pub async fn small_submits_at_once_are_all_accepted(f: &impl Fixture) {
    let submits = (0..200).map(|_| f.enqueue(noop()));
    let mut ids = futures_util::future::join_all(submits).await;

    ids.sort_unstable();
    let mut claimed = f.claim_ids(1_000).await;
    claimed.sort_unstable();
    assert_eq!(claimed, ids);
}

pub async fn a_job_may_span_queues_with_its_batch(f: &impl Fixture) {
    let ids = f.enqueue_all(["a", "b", "a", "c"].map(|q| noop().queue(q))).await;

    let claimed = f.claim_from("a", 9).await;
    assert_eq!(claimed.iter().map(|c| c.lease.job()).collect::<Vec<_>>(), [ids[0], ids[2]]);
    assert_eq!(f.claim_from("b", 9).await.len(), 1);
    assert_eq!(f.claim_from("c", 9).await.len(), 1);
}

pub async fn a_payload_may_be_a_megabyte(f: &impl Fixture) {
    let payload = value!({ "text": "0123456789abcdef".repeat(65_536) });
    let claimed = f.running(noop().payload(&payload)).await;
    assert_eq!(json(Some(&claimed.payload)), payload);

    f.settle(&claimed, done_with(&payload)).await;
    let job = f.job(claimed.id()).await;
    assert_eq!(json(job.payload.as_deref()), payload);
    assert_eq!(json(job.output.as_deref()), payload);
}

pub async fn every_letter_survives(f: &impl Fixture) {
    let text = "naïve 日本語 🦀 \u{202e}rtl \\ \" ' % _ {} | , \n\t\r \u{1f} \u{7f} e\u{301} \u{10ffff}";
    let payload = value!({ text: text });
    let key = "grüße 🦀 {a}:b|c,d%_";
    let draft = noop().payload(&payload).group(key, 1).label("who", "Łukasz 🦀 \"%\"");
    let claimed = f.running(draft).await;
    assert_eq!(json(Some(&claimed.payload)), payload);

    f.settle(&claimed, done_with(&payload)).await;
    let job = f.job(claimed.id()).await;
    assert_eq!((json(job.payload.as_deref()), json(job.output.as_deref())), (payload.clone(), payload));
    assert_eq!((job.group.as_deref(), job.labels["who"].as_str()), (Some(key), "Łukasz 🦀 \"%\""));
}

pub async fn any_json_may_be_a_payload(f: &impl Fixture) {
    for text in ["null", "0", "-1.5e300", "\"\"", "[]", "[[[{}]]]", "9007199254740993", "18446744073709551615"] {
        let claimed = f.running(noop().payload_text(text)).await;
        let sent: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(json(Some(&claimed.payload)), sent, "{text}");
        assert_eq!(json(f.job(claimed.id()).await.payload.as_deref()), sent, "{text}");
    }
}

pub async fn an_id_nobody_has_is_not_on_record(f: &impl Fixture) {
    f.enqueue(noop()).await;

    assert!(f.store().get(JobId::new()).await.unwrap().is_none());
}

pub async fn another_opening_sees_the_same_jobs(f: &impl Fixture) {
    let id = f.enqueue(noop()).await;
    let other = f.second_store().await;

    assert_eq!(other.get(id).await.unwrap().unwrap().state, JobState::Pending);
    let more = other.enqueue(vec![Draft::submission(noop())]).await.unwrap()[0].id;
    assert_eq!(f.claim_ids(5).await, [id, more]);
    assert_eq!(other.get(id).await.unwrap().unwrap().state, JobState::Running);
}

pub async fn a_store_says_that_it_is_well(f: &impl Fixture) {
    let health = f.store().health().await;

    assert!(!health.is_empty());
    assert!(health.iter().all(|d| d.ok && !d.detail.is_empty()), "{health:?}");
    let pools = f.store().pools();
    assert!(pools.iter().all(|(_, used, open)| used <= open), "{pools:?}");
}
