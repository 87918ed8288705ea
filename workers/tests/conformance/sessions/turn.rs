//! One turn: a message, the job that answers it, and what it leaves.

use super::said::{
    ALL, answer, begin, begin_next, leaving, left, message, new, open, post, say, settle, talk, text, texts,
};
use crate::{
    draft::noop,
    fixture::{Fixture, HOUR, LEASE, SECOND, done, fault},
};
use flotilla_jobs::{Busy, EntryKind, JobId, JobState, SessionId};
use flotilla_workers::{
    sessions::{Message, Posted, Room, Turn},
    store::{End, Settled},
};

pub async fn a_message_and_its_job_are_on_record_together(f: &impl Fixture) {
    let id = open(f, Busy::Enqueue).await;
    let (entry, job) = say(f, id, "one").await;
    assert_eq!(entry, 1);
    let on_record = f.job(job).await;
    assert_eq!((on_record.tenant.as_str(), on_record.kind.as_str()), ("acme", "chat-turn"));
    assert_eq!(on_record.group, Some(format!("session:{id}")));

    let entries = f.store().entries(id, 0, 10).await.unwrap();
    assert_eq!(texts(&entries), ["one"]);
    let it = &entries[0];
    assert_eq!((it.id, it.kind, it.waiting, it.partial, it.parent), (1, EntryKind::User, true, false, None));
    assert_eq!((it.job, it.turn, it.client_id.as_deref()), (Some(job), None, Some("one")));
    assert_eq!(it.created_at, f.moment());
    // It is not part of the talk before its turn.
    assert!(talk(f.store(), id).await.is_empty());
    let message = |turn| Some(Message { session: id, entry, turn });
    assert_eq!(f.store().message_of(job).await.unwrap(), message(None));
    assert_eq!(begin_next(f).await.0.id(), job);
    assert_eq!(f.store().message_of(job).await.unwrap(), message(Some(job)));
    assert_eq!(f.store().message_of(JobId::new()).await.unwrap(), None);
}

pub async fn the_same_client_id_is_the_first_message(f: &impl Fixture) {
    let id = open(f, Busy::Reject).await;
    let (entry, job) = say(f, id, "one").await;
    let again = Posted::Accepted { entry, job, duplicate: true, interrupts: None };
    assert_eq!(post(f.store(), id, "one").await, again);
    assert_eq!(post(&*f.second_store().await, id, "one").await, again);
    let (claimed, _) = begin_next(f).await;
    assert_eq!(post(f.store(), id, "one").await, again);
    answer(f, &claimed, id, "1").await;
    assert_eq!(post(f.store(), id, "one").await, again);
    // Twice in one batch is once, and another session is another one.
    let other = open(f, Busy::Enqueue).await;
    let posted = f.store().post(vec![message(other, "one"), message(other, "one")]).await.unwrap();
    let Posted::Accepted { entry, job, duplicate: false, .. } = posted[0] else { panic!("{posted:?}") };
    assert_eq!(posted[1], Posted::Accepted { entry, job, duplicate: true, interrupts: None });
    assert_eq!(f.claim(10).await.len(), 1);
}

pub async fn a_turn_begins_with_its_message(f: &impl Fixture) {
    let id = open(f, Busy::Enqueue).await;
    let (entry, job) = say(f, id, "one").await;
    let (claimed, began) = begin_next(f).await;
    assert_eq!((began.session.id, began.session.turn, began.leaf), (id, Some(job), entry));
    assert_eq!(texts(&began.messages), ["one"]);
    assert!(!began.messages[0].waiting);
    assert_eq!(began.messages[0].turn, Some(job));
    assert_eq!(talk(f.store(), id).await, ["one"]);
    // Asked again, it is the same.
    assert_eq!(begin(f, &claimed).await.leaf, entry);
    assert_eq!(f.store().session(id).await.unwrap().unwrap().turn, Some(job));
}

pub async fn the_answer_is_on_record_with_the_result(f: &impl Fixture) {
    let id = open(f, Busy::Enqueue).await;
    say(f, id, "one").await;
    let (claimed, began) = begin_next(f).await;
    let mut both = left(id, "looked it up", false);
    both.entries[0].kind = EntryKind::Tool;
    both.entries.extend(left(id, "1", false).entries);
    assert_eq!(settle(f, leaving(&claimed, done(), both)).await, Settled::Recorded(JobState::Completed));

    let branch = f.store().branch(id, None, ALL).await.unwrap();
    assert_eq!(texts(&branch), ["1", "looked it up", "one"]);
    assert_eq!(branch.iter().map(|e| (e.id, e.parent)).collect::<Vec<_>>(), [(3, Some(2)), (2, Some(1)), (1, None)]);
    assert!(branch.iter().all(|e| e.turn == Some(claimed.id()) && !e.waiting && !e.partial));
    let after = f.store().session(id).await.unwrap().unwrap();
    assert_eq!((after.head, after.turn), (Some(3), None));
    assert!(after.version > began.session.version);
    assert_eq!(f.state(claimed.id()).await, JobState::Completed);
    // Said twice, it is once.
    let twice = settle(f, leaving(&claimed, done(), left(id, "1", false))).await;
    assert_eq!(twice, Settled::LeaseLost);
    assert_eq!(talk(f.store(), id).await.len(), 3);
}

pub async fn a_stale_run_leaves_nothing(f: &impl Fixture) {
    let id = open(f, Busy::Enqueue).await;
    say(f, id, "one").await;
    let (stale, _) = begin_next(f).await;
    f.advance(LEASE + SECOND).await;
    let (fresh, _) = begin_next(f).await;
    assert_eq!(fresh.id(), stale.id());

    assert!(matches!(f.store().begin_turn(&stale.lease).await.unwrap(), Turn::LeaseLost));
    assert!(f.store().hear(&stale.lease, 0).await.unwrap().is_none());
    let lost = settle(f, leaving(&stale, done(), left(id, "stale", false))).await;
    assert_eq!(lost, Settled::LeaseLost);
    assert_eq!(talk(f.store(), id).await, ["one"]);
    answer(f, &fresh, id, "fresh").await;
    assert_eq!(talk(f.store(), id).await, ["one", "fresh"]);
}

pub async fn what_runs_again_leaves_nothing(f: &impl Fixture) {
    let id = open(f, Busy::Enqueue).await;
    say(f, id, "one").await;
    for end in [End::Retry(fault(), SECOND), End::Snoozed(SECOND), End::HandedOver] {
        let (claimed, _) = begin_next(f).await;
        let settled = settle(f, leaving(&claimed, end, left(id, "half", true))).await;
        assert!(matches!(settled, Settled::Recorded(state) if !state.is_terminal()));
        assert_eq!(talk(f.store(), id).await, ["one"]);
        f.advance(SECOND).await;
    }
    let (claimed, _) = begin_next(f).await;
    answer(f, &claimed, id, "1").await;
    assert_eq!(talk(f.store(), id).await, ["one", "1"]);
}

pub async fn a_failed_turn_leaves_what_it_has(f: &impl Fixture) {
    let id = open(f, Busy::Enqueue).await;
    say(f, id, "one").await;
    let (claimed, _) = begin_next(f).await;
    settle(f, leaving(&claimed, End::Failed(fault()), left(id, "half", true))).await;
    say(f, id, "two").await;
    let (claimed, began) = begin_next(f).await;
    assert_eq!(texts(&began.messages), ["two"]);
    answer(f, &claimed, id, "2").await;
    let branch = f.store().branch(id, None, ALL).await.unwrap();
    assert_eq!(texts(&branch), ["2", "two", "half", "one"]);
    assert_eq!(branch.iter().map(|e| e.partial).collect::<Vec<_>>(), [false, false, true, false]);
}

pub async fn a_crashed_turn_goes_on_where_it_was(f: &impl Fixture) {
    let id = open(f, Busy::Coalesce).await;
    say(f, id, "one").await;
    let (first, _) = begin_next(f).await;
    say(f, id, "two").await;
    f.advance(LEASE + SECOND).await;
    // What came meanwhile is not the business of a turn that has begun.
    let (again, began) = begin_next(f).await;
    assert_eq!((again.id(), texts(&began.messages)), (first.id(), vec!["one".to_owned()]));
    answer(f, &again, id, "1").await;
    let (next, began) = begin_next(f).await;
    assert_eq!(texts(&began.messages), ["two"]);
    answer(f, &next, id, "2").await;
    assert_eq!(talk(f.store(), id).await, ["one", "1", "two", "2"]);
}

pub async fn a_turn_that_another_is_in_waits(f: &impl Fixture) {
    let id = open(f, Busy::Enqueue).await;
    say(f, id, "one").await;
    let (first, _) = begin_next(f).await;
    // Groups of two queues are apart, turns are not.
    let mut other = message(id, "two");
    "other".clone_into(&mut other.job.spec.queue);
    f.store().post(vec![other]).await.unwrap();
    let second = f.claim_from("other", 1).await.pop().unwrap();
    let turn = f.store().begin_turn(&second.lease).await.unwrap();
    assert!(matches!(turn, Turn::Wait(job) if job == first.id()), "{turn:?}");
    assert!(f.store().hear(&second.lease, 0).await.unwrap().is_none());
    settle(f, leaving(&second, End::Failed(fault()), left(id, "too early", false))).await;
    assert_eq!(talk(f.store(), id).await, ["one"]);
    answer(f, &first, id, "1").await;
    assert!(f.retry(second.id()).await);
    let second = f.claim_from("other", 1).await.pop().unwrap();
    begin(f, &second).await;
    answer(f, &second, id, "2").await;
    assert_eq!(talk(f.store(), id).await, ["one", "1", "two", "2"]);
}

pub async fn a_message_joins_a_turn_that_is_paused(f: &impl Fixture) {
    let id = open(f, Busy::Enqueue).await;
    say(f, id, "one").await;
    let (first, _) = begin_next(f).await;
    say(f, id, "two").await;
    say(f, id, "three").await;
    // Paused, it gives its group's slot to the next one; but its turn is not over.
    f.settle(&first, End::Paused("no money".to_owned())).await;
    let second = f.claim_one().await;
    let turn = f.store().begin_turn(&second.lease).await.unwrap();
    assert!(matches!(turn, Turn::Joined(job) if job == first.id()), "{turn:?}");
    f.complete(&second).await;

    assert!(f.resume(first.id()).await);
    f.advance(SECOND).await;
    // The slot is the third one's by now, and the turn is still not over.
    let third = f.claim_one().await;
    let turn = f.store().begin_turn(&third.lease).await.unwrap();
    assert!(matches!(turn, Turn::Joined(job) if job == first.id()), "{turn:?}");
    f.complete(&third).await;
    let (first, began) = begin_next(f).await;
    assert_eq!(texts(&began.messages), ["one", "two", "three"]);
    assert_eq!(texts(&f.store().hear(&first.lease, 1).await.unwrap().unwrap()), ["two", "three"]);
    answer(f, &first, id, "all").await;
    assert_eq!(talk(f.store(), id).await, ["one", "two", "three", "all"]);
}

pub async fn an_operators_retry_is_a_branch_of_its_own(f: &impl Fixture) {
    let id = open(f, Busy::Enqueue).await;
    let (_, first) = say(f, id, "one").await;
    let (claimed, _) = begin_next(f).await;
    f.settle(&claimed, End::Failed(fault())).await;
    say(f, id, "two").await;
    let (claimed, _) = begin_next(f).await;
    answer(f, &claimed, id, "2").await;

    assert!(f.retry(first).await);
    let (claimed, began) = begin_next(f).await;
    assert_eq!((texts(&began.messages), began.leaf), (vec!["one".to_owned()], 1));
    answer(f, &claimed, id, "1").await;
    // What was said meanwhile stays where it is; the late answer can be read, and forked.
    assert_eq!(talk(f.store(), id).await, ["one", "two", "2"]);
    let late = f.store().entries(id, 0, 10).await.unwrap().pop().unwrap();
    assert_eq!((text(&late).as_str(), late.parent), ("1", Some(1)));
    assert_eq!(texts(&f.store().branch(id, Some(late.id), ALL).await.unwrap()), ["1", "one"]);
}

pub async fn a_job_without_a_message_has_no_turn(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    assert!(matches!(f.store().begin_turn(&claimed.lease).await.unwrap(), Turn::Gone));
    assert!(f.store().hear(&claimed.lease, 0).await.unwrap().is_none());
    // Who has no turn leaves nothing.
    let id = open(f, Busy::Enqueue).await;
    answer(f, &claimed, id, "hello").await;
    let claimed = f.running(noop()).await;
    answer(f, &claimed, SessionId::new(), "hello").await;
    assert!(f.store().entries(id, 0, 10).await.unwrap().is_empty());
}

pub async fn a_branch_is_read_within_its_room(f: &impl Fixture) {
    let id = open(f, Busy::Enqueue).await;
    for n in 0..4 {
        say(f, id, &format!("{n}?")).await;
        let (claimed, _) = begin_next(f).await;
        answer(f, &claimed, id, &format!("{n}!")).await;
    }
    let page = |from, entries, bytes| f.store().branch(id, from, Room { entries, bytes });
    assert_eq!(texts(&page(None, 3, 1_000).await.unwrap()), ["3!", "3?", "2!"]);
    assert_eq!(texts(&page(Some(5), 2, 1_000).await.unwrap()), ["2?", "1!"]);
    // `{"text":"3!"}` is 13 bytes.
    assert_eq!(texts(&page(None, 100, 3 * 13).await.unwrap()), ["3!", "3?", "2!"]);
    assert_eq!(texts(&page(None, 100, 3 * 13 - 1).await.unwrap()), ["3!", "3?"]);
    assert_eq!(texts(&page(None, 100, 0).await.unwrap()), ["3!"]);
    assert_eq!(page(None, 1_000, 1_000).await.unwrap().len(), 8);
    assert!(page(Some(99), 10, 1_000).await.unwrap().is_empty());
}

pub async fn entries_are_read_page_by_page(f: &impl Fixture) {
    let id = open(f, Busy::Enqueue).await;
    for n in 0..5 {
        say(f, id, &n.to_string()).await;
    }
    let first = f.store().entries(id, 0, 2).await.unwrap();
    assert_eq!(texts(&first), ["0", "1"]);
    assert_eq!(texts(&f.store().entries(id, first[1].id, 10).await.unwrap()), ["2", "3", "4"]);
    assert!(f.store().entries(id, 5, 10).await.unwrap().is_empty());
}

pub async fn a_batch_of_posts_is_answered_in_order(f: &impl Fixture) {
    let (a, b) = (open(f, Busy::Enqueue).await, open(f, Busy::Reject).await);
    let batch = vec![
        message(a, "1"),
        message(SessionId::new(), "1"),
        message(b, "1"),
        message(a, "2"),
        message(b, "2"),
        message(a, "1"),
    ];
    let jobs: Vec<_> = batch.iter().map(|post| post.job.id).collect();
    let accepted = |entry, job, duplicate| Posted::Accepted { entry, job, duplicate, interrupts: None };
    let posted = f.store().post(batch).await.unwrap();
    let expected = [
        accepted(1, jobs[0], false),
        Posted::NoSession,
        accepted(1, jobs[2], false),
        accepted(2, jobs[3], false),
        Posted::Busy(jobs[2]),
        accepted(1, jobs[0], true),
    ];
    assert_eq!(posted, expected);
    assert!(f.store().post(Vec::new()).await.unwrap().is_empty());
    // One turn at a time in each session.
    let mut running = f.claim_ids(10).await;
    running.sort_unstable();
    assert_eq!(running, [jobs[0], jobs[2]]);
}

pub async fn a_job_that_is_pruned_leaves_its_session(f: &impl Fixture) {
    let id = f.store().open_session(new(Busy::Enqueue)).await.unwrap().id;
    let (entry, job) = say(f, id, "one").await;
    let (claimed, _) = begin_next(f).await;
    answer(f, &claimed, id, "1").await;
    f.advance(HOUR).await;
    assert_eq!(f.store().prune(JobState::Completed, SECOND, 100).await.unwrap(), 1);
    assert_eq!(talk(f.store(), id).await, ["one", "1"]);
    let again = Posted::Accepted { entry, job, duplicate: true, interrupts: None };
    assert_eq!(post(f.store(), id, "one").await, again);
}
