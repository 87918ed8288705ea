//! Sessions as they are kept: opened, listed, renamed, forked, deleted.

use super::said::{ALL, answer, begin_next, message, new, open, post, say, talk};
use crate::fixture::{Fixture, SECOND};
use flotilla_jobs::{Busy, JobState, Origin, SessionId};
use flotilla_workers::{
    sessions::{NewSession, Posted, SessionChange, Turn},
    store::{Error, Renewal},
};
use serde_json::{json, value::to_raw_value};

pub async fn a_session_is_opened_once(f: &impl Fixture) {
    let new = NewSession { title: Some("grüße".to_owned()), ..new(Busy::Steer) };
    let first = f.store().open_session(new.clone()).await.unwrap();
    assert_eq!((first.id, first.tenant.as_str(), first.busy), (new.id, "acme", Busy::Steer));
    assert_eq!((first.title.as_deref(), first.head, first.turn), (Some("grüße"), None, None));
    assert_eq!((first.created_at, first.updated_at), (f.moment(), f.moment()));
    f.advance_clock(SECOND);

    let other = NewSession { busy: Busy::Reject, title: None, ..new };
    assert_eq!(f.store().open_session(other).await.unwrap(), first);
    assert_eq!(f.second_store().await.session(first.id).await.unwrap(), Some(first));
    assert_eq!(f.store().session(SessionId::new()).await.unwrap(), None);
}

pub async fn a_session_can_be_renamed(f: &impl Fixture) {
    let id = open(f, Busy::Enqueue).await;
    f.advance_clock(SECOND);
    let change = SessionChange { title: Some("plans".to_owned()), busy: None };
    let changed = f.store().change_session(id, change).await.unwrap().unwrap();
    assert_eq!((changed.title.as_deref(), changed.busy, changed.version), (Some("plans"), Busy::Enqueue, 2));
    assert_eq!(changed.updated_at, f.moment());

    let change = SessionChange { title: Some(String::new()), busy: Some(Busy::Coalesce) };
    let changed = f.store().change_session(id, change).await.unwrap().unwrap();
    assert_eq!((changed.title, changed.busy), (None, Busy::Coalesce));
    assert!(f.store().change_session(SessionId::new(), SessionChange::default()).await.unwrap().is_none());
}

pub async fn sessions_are_listed_by_tenant_and_age(f: &impl Fixture) {
    let mut ids = Vec::new();
    for n in 0..5 {
        let tenant = if n == 2 { "other" } else { "acme" };
        let new = NewSession { tenant: tenant.to_owned(), ..new(Busy::Enqueue) };
        ids.push(f.store().open_session(new).await.unwrap().id);
    }
    let of_acme = [ids[4], ids[3], ids[1], ids[0]];
    let first = f.store().list_sessions(Some("acme"), None, 3).await.unwrap();
    assert_eq!(first.sessions.iter().map(|s| s.id).collect::<Vec<_>>(), of_acme[..3]);
    assert_eq!(first.next, Some(ids[1]));
    let rest = f.store().list_sessions(Some("acme"), first.next, 3).await.unwrap();
    assert_eq!(rest.sessions.iter().map(|s| s.id).collect::<Vec<_>>(), of_acme[3..]);
    assert_eq!(rest.next, None);
    assert_eq!(f.store().list_sessions(None, None, 5).await.unwrap().sessions.len(), 5);
    assert!(f.store().list_sessions(Some("nobody"), None, 5).await.unwrap().sessions.is_empty());
}

pub async fn what_makes_no_sense_is_refused(f: &impl Fixture) {
    let wrong = |r: Result<_, Error>, field: &str| match r {
        Err(Error::Invalid(e)) => assert_eq!(e.field, field),
        other => panic!("{field}: {other:?}"),
    };
    let bad = NewSession { tenant: "Not A Name".to_owned(), ..new(Busy::Enqueue) };
    wrong(f.store().open_session(bad).await.map(drop), "tenant");
    let bad = NewSession { title: Some("x".repeat(257)), ..new(Busy::Enqueue) };
    wrong(f.store().open_session(bad).await.map(drop), "title");

    let id = open(f, Busy::Enqueue).await;
    let mut bad = message(id, "a");
    bad.client_id = String::new();
    wrong(f.store().post(vec![message(id, "good"), bad]).await.map(drop), "client_id");
    let mut bad = message(id, "a");
    bad.content = to_raw_value(&"no object").unwrap();
    wrong(f.store().post(vec![bad]).await.map(drop), "content");
    let mut bad = message(id, "a");
    bad.job.idempotency_key = Some("key".to_owned());
    wrong(f.store().post(vec![bad]).await.map(drop), "job");
    assert!(f.store().entries(id, 0, 10).await.unwrap().is_empty());
    assert_eq!(post(f.store(), SessionId::new(), "to nobody").await, Posted::NoSession);
    assert!(f.claim(1).await.is_empty());
}

pub async fn a_fork_has_the_branch_and_no_more(f: &impl Fixture) {
    let id = open(f, Busy::Enqueue).await;
    for (message, reply) in [("one", "1"), ("two", "2")] {
        say(f, id, message).await;
        let (claimed, _) = begin_next(f).await;
        answer(f, &claimed, id, reply).await;
    }
    let origin = Origin { session: id, entry: 2 };
    let forked = f.store().fork(origin, new(Busy::Reject)).await.unwrap().unwrap();
    assert_eq!((forked.forked_from, forked.head, forked.busy), (Some(origin), Some(2), Busy::Reject));
    assert_eq!(talk(f.store(), forked.id).await, ["one", "1"]);

    // Both go on, each by itself, and a client's names count in its session.
    let (entry, _) = say(f, forked.id, "two").await;
    assert_eq!(entry, 3);
    let (claimed, began) = begin_next(f).await;
    assert_eq!((began.session.id, began.messages[0].parent), (forked.id, Some(2)));
    answer(f, &claimed, forked.id, "zwei").await;
    assert_eq!(talk(f.store(), forked.id).await, ["one", "1", "two", "zwei"]);
    assert_eq!(talk(f.store(), id).await, ["one", "1", "two", "2"]);
}

pub async fn a_fork_outlives_its_origin(f: &impl Fixture) {
    let id = open(f, Busy::Enqueue).await;
    say(f, id, "one").await;
    let (claimed, _) = begin_next(f).await;
    answer(f, &claimed, id, "1").await;
    let new = new(Busy::Enqueue);
    let origin = Origin { session: id, entry: 2 };
    let forked = f.store().fork(origin, new.clone()).await.unwrap().unwrap();
    // Asked twice, it is one.
    assert_eq!(f.store().fork(origin, new).await.unwrap(), Some(forked.clone()));
    assert!(f.store().delete_session(id).await.unwrap());
    assert_eq!(talk(f.store(), forked.id).await, ["one", "1"]);
}

pub async fn what_waits_cannot_be_forked(f: &impl Fixture) {
    let id = open(f, Busy::Enqueue).await;
    let (entry, _) = say(f, id, "one").await;
    for entry in [entry, 99] {
        let origin = Origin { session: id, entry };
        assert_eq!(f.store().fork(origin, new(Busy::Enqueue)).await.unwrap(), None);
    }
}

pub async fn a_deleted_session_is_gone_and_its_turns_end(f: &impl Fixture) {
    let id = open(f, Busy::Enqueue).await;
    say(f, id, "one").await;
    let (running, _) = begin_next(f).await;
    let (_, waiting) = say(f, id, "two").await;

    assert!(f.store().delete_session(id).await.unwrap());
    assert!(!f.store().delete_session(id).await.unwrap());
    assert_eq!(f.store().session(id).await.unwrap(), None);
    assert!(f.store().branch(id, None, ALL).await.unwrap().is_empty());
    assert!(f.store().entries(id, 0, 10).await.unwrap().is_empty());
    assert_eq!(f.state(waiting).await, JobState::Cancelled);
    assert_eq!(f.renew(&running).await, Renewal::CancelAsked);
    assert!(matches!(f.store().begin_turn(&running.lease).await.unwrap(), Turn::Gone));
    // Its result is on record all the same; what it leaves has no place to go.
    answer(f, &running, id, "1").await;
    assert!(f.store().entries(id, 0, 10).await.unwrap().is_empty());
    assert_eq!(post(f.store(), id, "three").await, Posted::NoSession);
}

pub async fn any_text_can_be_said(f: &impl Fixture) {
    let id = open(f, Busy::Enqueue).await;
    let text = "\u{1F600} \"quotes\" \\ \n\t é \u{202E}";
    let mut message = message(id, "odd");
    message.content = to_raw_value(&json!({ "text": text, "parts": [{"image": null}, 1.5] })).unwrap();
    f.store().post(vec![message]).await.unwrap();
    let (claimed, began) = begin_next(f).await;
    assert_eq!(super::said::text(&began.messages[0]), text);
    answer(f, &claimed, id, text).await;
    assert_eq!(talk(f.store(), id).await, [text, text]);
    // What Postgres cannot keep does not stop a turn.
    let mut message = super::said::message(id, "nul");
    message.content = to_raw_value(&json!({ "text": "a\0b" })).unwrap();
    f.store().post(vec![message]).await.unwrap();
    let (claimed, _) = begin_next(f).await;
    answer(f, &claimed, id, "c\0d").await;
    assert_eq!(talk(f.store(), id).await.len(), 4);
}
