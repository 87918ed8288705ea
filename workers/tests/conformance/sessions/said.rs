//! Short ways to talk in a session.

use crate::{
    draft::kind,
    fixture::{Fixture, done, ended},
};
use flotilla_jobs::{Busy, EntryKind, JobId, SessionEntry, SessionId};
use flotilla_workers::{
    sessions::{Began, Left, NewEntry, NewSession, Post, Posted, Room, Turn},
    store::{Claimed, End, Settle, Settled, Store},
};
use serde_json::{Value, json, value::to_raw_value};

/// All there is.
pub const ALL: Room = Room { entries: 1_000, bytes: 1 << 30 };

pub fn new(busy: Busy) -> NewSession {
    NewSession { id: SessionId::new(), tenant: "acme".to_owned(), title: None, busy }
}

pub async fn open(f: &impl Fixture, busy: Busy) -> SessionId {
    let new = new(busy);
    f.store().open_session(new.clone()).await.unwrap();
    new.id
}

/// A message in these words, whose client id they are.
pub fn message(session: SessionId, text: &str) -> Post {
    let content = to_raw_value(&json!({ "text": text })).unwrap();
    Post { session, client_id: text.to_owned(), content, job: kind("chat-turn").submission() }
}

pub async fn post(store: &dyn Store, session: SessionId, text: &str) -> Posted {
    store.post(vec![message(session, text)]).await.unwrap()[0]
}

/// Says something that is accepted; answers the entry and the job.
pub async fn say(f: &impl Fixture, session: SessionId, text: &str) -> (u64, JobId) {
    match post(f.store(), session, text).await {
        Posted::Accepted { entry, job, duplicate: false, .. } => (entry, job),
        other => panic!("{text}: {other:?}"),
    }
}

/// Begins the turn of the job that comes next.
pub async fn begin_next(f: &impl Fixture) -> (Claimed, Began) {
    let claimed = f.claim_one().await;
    let began = begin(f, &claimed).await;
    (claimed, began)
}

pub async fn begin(f: &impl Fixture, claimed: &Claimed) -> Began {
    match f.store().begin_turn(&claimed.lease).await.unwrap() {
        Turn::Began(began) => *began,
        other => panic!("{other:?}"),
    }
}

/// What a run leaves: one answer.
pub fn left(session: SessionId, text: &str, partial: bool) -> Left {
    let content = to_raw_value(&json!({ "text": text })).unwrap();
    Left { session, entries: vec![NewEntry { kind: EntryKind::Assistant, partial, content }] }
}

/// An end that leaves something.
pub fn leaving(claimed: &Claimed, end: End, left: Left) -> Settle {
    Settle { left: Some(left), ..ended(claimed, end) }
}

pub async fn settle(f: &impl Fixture, end: Settle) -> Settled {
    f.store().settle(vec![end]).await.unwrap()[0]
}

/// Completes a turn with an answer.
pub async fn answer(f: &impl Fixture, claimed: &Claimed, session: SessionId, text: &str) {
    let settled = settle(f, leaving(claimed, done(), left(session, text, false))).await;
    assert!(matches!(settled, Settled::Recorded(_)), "{settled:?}");
}

/// What an entry says.
pub fn text(entry: &SessionEntry) -> String {
    let content: Value = serde_json::from_str(entry.content.get()).unwrap();
    content["text"].as_str().unwrap().to_owned()
}

pub fn texts(entries: &[SessionEntry]) -> Vec<String> {
    entries.iter().map(text).collect()
}

/// The branch of the head in the order it was said.
pub async fn talk(store: &dyn Store, session: SessionId) -> Vec<String> {
    let mut branch = store.branch(session, None, ALL).await.unwrap();
    branch.reverse();
    texts(&branch)
}
