//! A second message while a turn is unfinished, for each setting of its session.

use super::said::{answer, begin_next, leaving, left, message, open, post, say, settle, talk, texts};
use crate::fixture::{Fixture, LEASE, SECOND, done};
use flotilla_jobs::{Busy, JobState, SessionEntry, SessionId};
use flotilla_workers::{
    sessions::{MAX_WAITING, Posted, SessionChange, Turn},
    store::{CancelReply, Claimed, End, Renewal, Settled},
};

/// The next job finds its message in the turn of `other`, and is done with it.
async fn joined(f: &impl Fixture, other: &Claimed) {
    let claimed = f.claim_one().await;
    let turn = f.store().begin_turn(&claimed.lease).await.unwrap();
    assert!(matches!(turn, Turn::Joined(job) if job == other.id()), "{turn:?}");
    f.complete(&claimed).await;
}

async fn heard(f: &impl Fixture, claimed: &Claimed, after: u64) -> Vec<String> {
    let heard: Option<Vec<SessionEntry>> = f.store().hear(&claimed.lease, after).await.unwrap();
    texts(&heard.expect("it is its turn"))
}

async fn set(f: &impl Fixture, id: SessionId, busy: Busy) {
    let change = SessionChange { busy: Some(busy), title: None };
    f.store().change_session(id, change).await.unwrap().unwrap();
}

pub async fn enqueued_messages_have_their_turns_in_order(f: &impl Fixture) {
    let id = open(f, Busy::Enqueue).await;
    for text in ["one", "two", "three"] {
        say(f, id, text).await;
    }
    for (message, reply) in [("one", "1"), ("two", "2"), ("three", "3")] {
        let (claimed, began) = begin_next(f).await;
        assert!(f.claim(10).await.is_empty());
        assert_eq!(texts(&began.messages), [message]);
        assert!(heard(f, &claimed, began.leaf).await.is_empty());
        answer(f, &claimed, id, reply).await;
    }
    assert_eq!(talk(f.store(), id).await, ["one", "1", "two", "2", "three", "3"]);
}

pub async fn a_busy_session_refuses_where_it_should(f: &impl Fixture) {
    let id = open(f, Busy::Reject).await;
    let (_, job) = say(f, id, "one").await;
    assert_eq!(post(f.store(), id, "two").await, Posted::Busy(job));
    let (claimed, _) = begin_next(f).await;
    assert_eq!(post(&*f.second_store().await, id, "two").await, Posted::Busy(job));
    answer(f, &claimed, id, "1").await;
    say(f, id, "two").await;
    assert_eq!(talk(f.store(), id).await, ["one", "1"]);
    // A job that ended without a turn makes no session busy.
    let waiting = f.store().entries(id, 2, 10).await.unwrap()[0].job.unwrap();
    assert_eq!(f.cancel(waiting).await, Some(CancelReply::Cancelled));
    say(f, id, "three").await;
}

pub async fn an_interrupted_turn_keeps_its_partial_text(f: &impl Fixture) {
    let id = open(f, Busy::Interrupt).await;
    say(f, id, "one").await;
    let (first, _) = begin_next(f).await;
    let posted = post(f.store(), id, "two").await;
    assert!(matches!(posted, Posted::Accepted { interrupts: Some(job), .. } if job == first.id()), "{posted:?}");
    assert_eq!(f.renew(&first).await, Renewal::CancelAsked);
    say(f, id, "three").await;

    // Its worker says what it has so far. Whatever it says, the job never runs again.
    let settled = settle(f, leaving(&first, End::HandedOver, left(id, "ha", true))).await;
    assert_eq!(settled, Settled::Recorded(JobState::Cancelled));
    let (second, began) = begin_next(f).await;
    assert_eq!(texts(&began.messages), ["two", "three"]);
    let branch = f.store().branch(id, None, super::said::ALL).await.unwrap();
    assert_eq!(texts(&branch), ["three", "two", "ha", "one"]);
    assert!(branch[2].partial);
    answer(f, &second, id, "2 and 3").await;
    joined(f, &second).await;
    assert_eq!(talk(f.store(), id).await, ["one", "ha", "two", "three", "2 and 3"]);
}

pub async fn a_message_before_a_turn_begins_interrupts_nothing(f: &impl Fixture) {
    let id = open(f, Busy::Interrupt).await;
    say(f, id, "one").await;
    let first = f.claim_one().await;
    let posted = post(f.store(), id, "two").await;
    assert!(matches!(posted, Posted::Accepted { interrupts: None, .. }), "{posted:?}");
    assert_eq!(f.renew(&first).await, Renewal::Kept);
    let began = super::said::begin(f, &first).await;
    assert_eq!(texts(&began.messages), ["one", "two"]);
    answer(f, &first, id, "1 and 2").await;
    joined(f, &first).await;
}

pub async fn what_waits_is_joined_when_its_turn_comes(f: &impl Fixture) {
    let id = open(f, Busy::Coalesce).await;
    say(f, id, "one").await;
    let (first, _) = begin_next(f).await;
    for text in ["two", "three", "four"] {
        say(f, id, text).await;
    }
    assert_eq!(f.renew(&first).await, Renewal::Kept);
    assert!(heard(f, &first, 1).await.is_empty());
    answer(f, &first, id, "1").await;
    let (second, began) = begin_next(f).await;
    assert_eq!(texts(&began.messages), ["two", "three", "four"]);
    answer(f, &second, id, "all").await;
    joined(f, &second).await;
    joined(f, &second).await;
    assert_eq!(talk(f.store(), id).await, ["one", "1", "two", "three", "four", "all"]);
}

pub async fn a_running_turn_is_steered(f: &impl Fixture) {
    let id = open(f, Busy::Steer).await;
    say(f, id, "one").await;
    let (first, began) = begin_next(f).await;
    assert!(heard(f, &first, began.leaf).await.is_empty());
    say(f, id, "two").await;
    say(f, id, "three").await;
    assert_eq!(heard(f, &first, began.leaf).await, ["two", "three"]);
    // Asked with what it knew then, it hears the same again.
    assert_eq!(heard(f, &first, began.leaf).await, ["two", "three"]);
    assert_eq!(heard(f, &first, 2).await, ["three"]);
    assert!(heard(f, &first, 3).await.is_empty());
    answer(f, &first, id, "all").await;
    joined(f, &first).await;
    joined(f, &first).await;
    assert_eq!(talk(f.store(), id).await, ["one", "two", "three", "all"]);
}

pub async fn a_steered_turn_hears_again_after_a_crash(f: &impl Fixture) {
    let id = open(f, Busy::Steer).await;
    say(f, id, "one").await;
    let (first, _) = begin_next(f).await;
    say(f, id, "two").await;
    assert_eq!(heard(f, &first, 1).await, ["two"]);
    f.advance(LEASE + SECOND).await;
    say(f, id, "three").await;
    let (again, began) = begin_next(f).await;
    assert_eq!(again.id(), first.id());
    assert_eq!(texts(&began.messages), ["one", "two"]);
    assert_eq!(heard(f, &again, 1).await, ["two", "three"]);
    assert!(f.store().hear(&first.lease, 1).await.unwrap().is_none());
    answer(f, &again, id, "all").await;
    assert_eq!(talk(f.store(), id).await, ["one", "two", "three", "all"]);
}

pub async fn a_message_too_late_to_steer_is_answered_next(f: &impl Fixture) {
    let id = open(f, Busy::Steer).await;
    say(f, id, "one").await;
    let (first, began) = begin_next(f).await;
    assert!(heard(f, &first, began.leaf).await.is_empty());
    say(f, id, "two").await;
    answer(f, &first, id, "1").await;
    let (second, began) = begin_next(f).await;
    assert_eq!(texts(&began.messages), ["two"]);
    answer(f, &second, id, "2").await;
    assert_eq!(talk(f.store(), id).await, ["one", "1", "two", "2"]);
}

pub async fn a_message_whose_job_was_cancelled_is_not_taken_up(f: &impl Fixture) {
    let id = open(f, Busy::Coalesce).await;
    say(f, id, "one").await;
    let (first, _) = begin_next(f).await;
    let (_, withdrawn) = say(f, id, "never mind").await;
    say(f, id, "two").await;
    assert_eq!(f.cancel(withdrawn).await, Some(CancelReply::Cancelled));
    answer(f, &first, id, "1").await;
    let (second, began) = begin_next(f).await;
    assert_eq!(texts(&began.messages), ["two"]);
    answer(f, &second, id, "2").await;
    assert_eq!(talk(f.store(), id).await, ["one", "1", "two", "2"]);
    let entries = f.store().entries(id, 0, 10).await.unwrap();
    assert_eq!(texts(&entries), ["one", "never mind", "two", "1", "2"]);
    assert!(entries[1].waiting);
}

pub async fn the_setting_counts_from_the_next_message(f: &impl Fixture) {
    let id = open(f, Busy::Enqueue).await;
    say(f, id, "one").await;
    let (first, _) = begin_next(f).await;
    say(f, id, "two").await;
    set(f, id, Busy::Reject).await;
    assert_eq!(post(f.store(), id, "three").await, Posted::Busy(first.id()));
    set(f, id, Busy::Steer).await;
    assert_eq!(heard(f, &first, 1).await, ["two"]);
    set(f, id, Busy::Interrupt).await;
    assert!(matches!(post(f.store(), id, "three").await, Posted::Accepted { interrupts: Some(_), .. }));
    assert_eq!(f.renew(&first).await, Renewal::CancelAsked);
    // It was about to end anyway.
    let settled = settle(f, leaving(&first, done(), left(id, "1", false))).await;
    assert_eq!(settled, Settled::Recorded(JobState::Completed));
    assert_eq!(talk(f.store(), id).await, ["one", "two", "1"]);
}

pub async fn a_full_session_says_so(f: &impl Fixture) {
    let id = open(f, Busy::Enqueue).await;
    let posts = (0..=MAX_WAITING).map(|n| message(id, &n.to_string())).collect();
    let posted = f.store().post(posts).await.unwrap();
    assert_eq!(posted.iter().filter(|p| **p == Posted::Full).count(), 1);
    assert_eq!(posted.last(), Some(&Posted::Full));
    assert_eq!(f.stats(crate::fixture::QUEUE).await.pending, MAX_WAITING as u64);
}
