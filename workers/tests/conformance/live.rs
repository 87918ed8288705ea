//! What a running job says, by cursor.

use crate::{
    draft::noop,
    fixture::{Fixture, MINUTE, SECOND, fault},
};
use flotilla_jobs::{JobId, JobState, Progress, StateChange};
use flotilla_workers::store::{Claimed, End, LiveEvent, MAX_OUTPUT_EVENTS};

fn says(text: &str) -> LiveEvent {
    LiveEvent::Output { text: text.to_owned() }
}

fn progress(done: u64, message: &str) -> LiveEvent {
    LiveEvent::Progress(Progress { done, total: Some(10), message: message.to_owned() })
}

async fn append(f: &impl Fixture, claimed: &Claimed, events: impl IntoIterator<Item = LiveEvent>) {
    f.store().append(events.into_iter().map(|e| (claimed.lease.clone(), e)).collect()).await.unwrap();
}

async fn read(f: &impl Fixture, id: JobId, after: u64, limit: u32) -> Vec<(u64, LiveEvent)> {
    f.store().read(id, after, limit).await.unwrap().into_iter().map(|e| (e.seq, e.event)).collect()
}

pub async fn events_are_numbered_from_one(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    append(f, &claimed, [says("a"), progress(1, "b")]).await;
    f.advance_clock(SECOND);
    append(f, &claimed, [says("c")]).await;

    let all = f.store().read(claimed.id(), 0, 100).await.unwrap();
    let seen: Vec<_> = all.iter().map(|e| (e.seq, e.at.as_millisecond(), e.event.clone())).collect();
    let now = f.now();
    assert_eq!(seen, [(1, now - 1_000, says("a")), (2, now - 1_000, progress(1, "b")), (3, now, says("c"))]);
}

pub async fn a_reader_goes_on_behind_its_cursor(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    append(f, &claimed, (1..=10).map(|i| says(&i.to_string()))).await;

    assert_eq!(read(f, claimed.id(), 0, 2).await, [(1, says("1")), (2, says("2"))]);
    assert_eq!(read(f, claimed.id(), 8, 9).await, [(9, says("9")), (10, says("10"))]);
    assert!(read(f, claimed.id(), 10, 9).await.is_empty());
    assert!(read(f, claimed.id(), u64::MAX, 9).await.is_empty());
    append(f, &claimed, [says("11")]).await;
    assert_eq!(read(f, claimed.id(), 10, 9).await, [(11, says("11"))]);
}

pub async fn jobs_of_one_append_have_their_own_numbers(f: &impl Fixture) {
    let (a, b) = (f.running(noop()).await, f.running(noop()).await);
    let events = ["a1", "b1", "a2", "b2", "a3"].map(|t| {
        let lease = if t.starts_with('a') { &a.lease } else { &b.lease };
        (lease.clone(), says(t))
    });
    f.store().append(events.to_vec()).await.unwrap();

    assert_eq!(read(f, a.id(), 0, 9).await, [(1, says("a1")), (2, says("a2")), (3, says("a3"))]);
    assert_eq!(read(f, b.id(), 0, 9).await, [(1, says("b1")), (2, says("b2"))]);
}

pub async fn tries_at_a_step_are_told_apart(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    let text = |attempt, text: &str| LiveEvent::Text { step: 3, attempt, text: text.to_owned() };
    let said = [text(1, "Hel"), LiveEvent::Reset { step: 3, attempt: 2 }, text(2, "Hello")];
    append(f, &claimed, said.clone()).await;

    let seen: Vec<LiveEvent> = read(f, claimed.id(), 0, 9).await.into_iter().map(|(_, e)| e).collect();
    assert_eq!(seen, said);
}

pub async fn a_job_that_said_nothing_has_no_output(f: &impl Fixture) {
    let claimed = f.running(noop()).await;

    assert!(read(f, claimed.id(), 0, 9).await.is_empty());
    assert!(read(f, JobId::new(), 0, 9).await.is_empty());
}

pub async fn every_letter_survives(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    let texts = ["naïve 日本語 🦀 \u{1f} \t\n\r \\ \" '", "", &"x".repeat(64 * 1024)];
    append(f, &claimed, texts.map(says)).await;

    let seen: Vec<LiveEvent> = read(f, claimed.id(), 0, 9).await.into_iter().map(|(_, e)| e).collect();
    assert_eq!(seen, texts.map(says));
}

pub async fn progress_is_the_jobs_progress(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    append(f, &claimed, [progress(1, "reading"), says("x"), progress(2, "thinking")]).await;
    let expected = |done, message: &str| Some(Progress { done, total: Some(10), message: message.to_owned() });
    assert_eq!(f.job(claimed.id()).await.progress, expected(2, "thinking"));
    append(f, &claimed, [says("y")]).await;
    assert_eq!(f.job(claimed.id()).await.progress, expected(2, "thinking"));
    append(f, &claimed, [progress(3, "writing")]).await;
    f.complete(&claimed).await;

    assert_eq!(f.job(claimed.id()).await.progress, expected(3, "writing"));
}

pub async fn output_goes_on_over_attempts(f: &impl Fixture) {
    let first = f.running(noop()).await;
    append(f, &first, [says("one")]).await;
    f.settle(&first, End::Retry(fault(), MINUTE)).await;
    f.advance(MINUTE).await;
    let second = f.claim_one().await;
    append(f, &second, [says("two")]).await;
    f.complete(&second).await;

    assert_eq!(read(f, first.id(), 0, 9).await, [(1, says("one")), (2, says("two"))]);
}

pub async fn too_much_output_is_cut(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    for _ in 0..MAX_OUTPUT_EVENTS / 1_000 - 1 {
        append(f, &claimed, (0..1_000).map(|_| says("x"))).await;
    }
    append(f, &claimed, (0..999).map(|_| says("x"))).await;
    append(f, &claimed, [says("last")]).await;
    append(f, &claimed, (0..500).map(|_| says("beyond"))).await;
    append(f, &claimed, [progress(7, "still at it")]).await;

    let end = read(f, claimed.id(), MAX_OUTPUT_EVENTS - 2, 10).await;
    assert_eq!(end, [(MAX_OUTPUT_EVENTS - 1, says("x")), (MAX_OUTPUT_EVENTS, LiveEvent::Cut)]);
    assert_eq!(f.job(claimed.id()).await.progress.unwrap().done, 7);
}

pub async fn one_large_append_is_cut_too(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    append(f, &claimed, (0..=MAX_OUTPUT_EVENTS + 50).map(|_| says("x"))).await;

    let end = read(f, claimed.id(), MAX_OUTPUT_EVENTS - 1, 10).await;
    assert_eq!(end, [(MAX_OUTPUT_EVENTS, LiveEvent::Cut)]);
}

pub async fn another_opening_reads_the_same(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    append(f, &claimed, [says("hello")]).await;

    let other = f.second_store().await;
    assert_eq!(other.read(claimed.id(), 0, 9).await.unwrap()[0].event, says("hello"));
}

pub async fn no_character_stops_the_output(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    append(f, &claimed, [says("a\0b"), progress(1, "\0"), says("after")]).await;

    let read = read(f, claimed.id(), 0, 10).await;
    assert_eq!((read.len(), &read[2]), (3, &(3, says("after"))));
    assert!(read[0].1 == says("a\0b") || read[0].1 == says("a\u{fffd}b"));
}

pub async fn the_last_progress_is_there_for_the_next_run(f: &impl Fixture) {
    let first = f.running(noop()).await;
    let last = async || f.store().progress(&[first.id()]).await.unwrap().remove(0).map(|progress| progress.done);
    assert_eq!(last().await, None);
    append(f, &first, [progress(1, "reading"), says("x"), progress(2, "thinking")]).await;
    f.settle(&first, End::HandedOver).await;
    assert_eq!(last().await, Some(2));

    // Whoever was first has nothing to say any more, and whoever is next has the last word.
    let second = f.claim_one().await;
    append(f, &first, [progress(9, "late")]).await;
    assert_eq!(last().await, Some(2));
    append(f, &second, [progress(3, "writing")]).await;
    f.settle(&second, End::Retry(fault(), MINUTE)).await;
    assert_eq!(last().await, Some(3));
}

pub async fn progress_is_asked_for_in_one_call(f: &impl Fixture) {
    let mut claimed = Vec::new();
    for done in 0..40 {
        let one = f.running(noop()).await;
        if done % 3 > 0 {
            append(f, &one, [progress(done, "said \"ü\"")]).await;
        }
        claimed.push(one);
    }
    let mut asked: Vec<JobId> = claimed.iter().map(Claimed::id).collect();
    asked.insert(7, JobId::new());
    let mut found = f.second_store().await.progress(&asked).await.unwrap();

    assert_eq!(found.remove(7), None);
    let expected = |done| (done % 3 > 0).then(|| Progress { done, total: Some(10), message: "said \"ü\"".to_owned() });
    assert_eq!(found, (0..40).map(expected).collect::<Vec<_>>());
    assert!(f.store().progress(&[]).await.unwrap().is_empty());
}

pub async fn events_of_many_jobs_are_read_in_one_call(f: &impl Fixture) {
    let mut asked = vec![(JobId::new(), 0)];
    for job in 0..130_u64 {
        let claimed = f.running(noop()).await;
        append(f, &claimed, (0..job % 7).map(|n| says(&format!("{job}: {n}")))).await;
        asked.push((claimed.id(), job % 3));
    }
    let found = f.second_store().await.read_many(&asked, 4).await.unwrap();

    assert!(found[0].is_empty());
    for (job, events) in (0..130_u64).zip(&found[1..]) {
        let seen: Vec<_> = events.iter().map(|e| (e.seq, e.event.clone())).collect();
        let said = (job % 3..job % 7).take(4).map(|n| (n + 1, says(&format!("{job}: {n}"))));
        assert_eq!(seen, said.collect::<Vec<_>>());
    }
    assert!(f.store().read_many(&[], 4).await.unwrap().is_empty());
}

pub async fn states_of_many_jobs_are_told_in_one_call(f: &impl Fixture) {
    use JobState::{Completed, Failed, Paused, Pending, Running, Scheduled};
    let ended = f.running(noop()).await;
    f.complete(&ended).await;
    let failed = f.running(noop()).await;
    f.settle(&failed, End::Failed(fault())).await;
    let paused = f.running(noop()).await;
    f.settle(&paused, End::Paused("approval: ask".to_owned())).await;
    let retried = f.running(noop()).await;
    f.settle(&retried, End::Retry(fault(), MINUTE)).await;
    let running = f.running(noop()).await;
    f.cancel(running.id()).await;
    let waiting = f.enqueue(noop()).await;
    let of = |claimed: &Claimed| claimed.id();
    let jobs = [of(&ended), of(&failed), of(&paused), of(&retried), of(&running), waiting];

    for store in [f.shared_store(), f.second_store().await] {
        let mut asked = jobs.to_vec();
        asked.insert(2, JobId::new());
        let mut told = store.states(&asked).await.unwrap();
        assert_eq!(told.remove(2), None);
        for (job, told) in jobs.iter().zip(told) {
            // As the whole job says it.
            assert_eq!(told, Some(StateChange::from(&f.job(*job).await)));
        }
    }
    let told = f.store().states(&jobs).await.unwrap();
    let states: Vec<JobState> = told.iter().flatten().map(|told| told.state).collect();
    assert_eq!(states, [Completed, Failed, Paused, Scheduled, Running, Pending]);
    assert!(told[4].as_ref().is_some_and(|told| told.cancel_requested));
    assert!(f.store().states(&[]).await.unwrap().is_empty());
}
