//! Sessions that go to the archive and come back.

use crate::{
    fixture::{Fixture, SECOND, fault},
    sessions::said::{ALL, answer, begin_next, leaving, left, message, new, open, post, say, settle, talk, texts},
};
use flotilla_jobs::{Busy, JobId, Origin, SessionEntry, SessionId, api::ArchiveReply};
use flotilla_workers::{
    archive::{Archive, Objects, with_archive},
    metrics::Metrics,
    sessions::{Message, Posted, Turn},
    store::{End, Error, Store},
};
use futures_util::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt, memory::InMemory, path::Path};
use serde_json::value::RawValue;
use std::{sync::Arc, time::Duration};

/// A session in which each of these was said, and answered in the same words.
pub async fn spoken(f: &impl Fixture, said: &[&str]) -> SessionId {
    let id = open(f, Busy::Enqueue).await;
    for text in said {
        say(f, id, text).await;
        let (claimed, _) = begin_next(f).await;
        answer(f, &claimed, id, text).await;
    }
    id
}

/// An archive in memory.
pub struct Away {
    pub objects: Arc<InMemory>,
    pub archive: Arc<Archive>,
    /// The store with the archive behind it.
    pub store: Arc<dyn Store>,
}

pub fn away(store: Arc<dyn Store>, keep: bool) -> Away {
    away_in(store, Arc::default(), keep)
}

pub fn away_in(store: Arc<dyn Store>, objects: Arc<InMemory>, keep: bool) -> Away {
    let place = Objects::new(Arc::clone(&objects) as Arc<dyn ObjectStore>, Path::from("below"));
    let archive = Arc::new(Archive::new(Arc::clone(&store), place, keep, Metrics::new()));
    Away { objects, store: with_archive(store, Arc::clone(&archive)), archive }
}

impl Away {
    pub async fn archive(&self, id: SessionId) {
        assert_eq!(self.archive.archive(id).await.unwrap(), Some(ArchiveReply::Archived));
    }

    /// Where each object is.
    pub async fn list(&self) -> Vec<Path> {
        self.objects.list(None).map_ok(|object| object.location).try_collect().await.unwrap()
    }
}

/// Entries to the byte.
pub fn bytes(entries: &[SessionEntry]) -> Vec<String> {
    entries.iter().map(|entry| serde_json::to_string(entry).unwrap()).collect()
}

pub async fn a_session_comes_back_as_it_was(f: &impl Fixture) {
    let away = away(f.shared_store(), false);
    let id = spoken(f, &["one", "two"]).await;
    let (before, session) =
        (f.store().entries(id, 0, 10).await.unwrap(), f.store().session(id).await.unwrap().unwrap());
    f.advance_clock(SECOND);
    away.archive(id).await;
    assert_eq!(away.archive.archive(id).await.unwrap(), Some(ArchiveReply::Already));
    assert!(matches!(f.store().entries(id, 0, 10).await, Err(Error::Archived(of)) if of == id));
    let found = away.list().await;
    assert!(found.len() == 1 && found[0].as_ref().starts_with(&format!("below/sessions/{id}/")), "{found:?}");
    // Lists and changes need no entry.
    let listed = away.store.list_sessions(None, None, 10).await.unwrap();
    assert_eq!(listed.sessions[0].archived_at, Some(f.moment()));

    f.advance_clock(SECOND);
    assert_eq!(bytes(&away.store.entries(id, 0, 10).await.unwrap()), bytes(&before));
    assert_eq!(bytes(&f.store().entries(id, 0, 10).await.unwrap()), bytes(&before));
    let back = f.store().session(id).await.unwrap().unwrap();
    assert_eq!((back.archived_at, back.head, back.updated_at), (None, session.head, session.updated_at));
    assert!(back.version > session.version);
    assert!(away.list().await.is_empty() && f.store().doomed_objects(10).await.unwrap().is_empty());
    // It is not idle since before it came back.
    assert!(f.store().idle_sessions(SECOND, None, 10).await.unwrap().idle.is_empty());
    f.advance_clock(SECOND);
    let done = away.archive.idle(SECOND, None, 10, Duration::from_mins(1)).await.unwrap();
    assert_eq!((done.archived, done.failed, done.next), (1, 0, None));
}

pub async fn whoever_asks_brings_it_back(f: &impl Fixture) {
    let away = away(f.shared_store(), false);
    let (id, store) = (spoken(f, &["one", "two"]).await, &away.store);
    away.archive(id).await;
    assert_eq!(store.session(id).await.unwrap().unwrap().archived_at, None);
    away.archive(id).await;
    assert_eq!(talk(&**store, id).await, ["one", "one", "two", "two"]);
    away.archive(id).await;
    assert_eq!(texts(&store.branch(id, Some(2), ALL).await.unwrap()), ["one", "one"]);
    away.archive(id).await;
    let forked = store.fork(Origin { session: id, entry: 2 }, new(Busy::Enqueue)).await.unwrap().unwrap();
    assert_eq!(talk(f.store(), forked.id).await, ["one", "one"]);
    away.archive(id).await;
    // Who says the same again is answered as the first time.
    let Posted::Accepted { entry: 3, duplicate: true, job, .. } = post(&**store, id, "two").await else {
        panic!("it is not the same")
    };
    // Who comes back for an answer finds where its message is.
    away.archive(id).await;
    assert_eq!(store.message_of(job).await.unwrap(), Some(Message { session: id, entry: 3, turn: Some(job) }));
    assert_eq!(store.message_of(JobId::new()).await.unwrap(), None);
    away.archive(id).await;
    away.archive(forked.id).await;
    let both = vec![message(id, "three"), message(forked.id, "three")];
    for posted in store.post(both).await.unwrap() {
        assert!(matches!(posted, Posted::Accepted { duplicate: false, .. }), "{posted:?}");
    }
    assert_eq!(away.archive.archive(id).await.unwrap(), Some(ArchiveReply::Busy));
    assert!(away.list().await.is_empty());
}

pub async fn without_an_archive_it_is_said_where_it_is(f: &impl Fixture) {
    let away = away(f.shared_store(), false);
    let id = spoken(f, &["one"]).await;
    let Posted::Accepted { job, .. } = post(f.store(), id, "one").await else { panic!("it was said") };
    away.archive(id).await;
    let bare = f.second_store().await;
    let wants = |error: Error| {
        assert!(matches!(error, Error::Archived(of) if of == id), "{error}");
        assert!(error.to_string().contains("sessions.archive_url"), "{error}");
    };
    wants(bare.branch(id, None, ALL).await.unwrap_err());
    wants(bare.entries(id, 99, 10).await.unwrap_err());
    wants(bare.post(vec![message(id, "two")]).await.unwrap_err());
    wants(bare.fork(Origin { session: id, entry: 1 }, new(Busy::Enqueue)).await.unwrap_err());
    wants(bare.message_of(job).await.unwrap_err());
    // What others ask at the same time is answered.
    let other = spoken(f, &["one"]).await;
    wants(bare.post(vec![message(other, "two"), message(id, "two")]).await.unwrap_err());
    assert_eq!(bare.entries(other, 0, 10).await.unwrap().len(), 2);
    assert!(bare.session(id).await.unwrap().unwrap().archived_at.is_some());
}

pub async fn a_retried_job_finds_its_session(f: &impl Fixture) {
    let away = away(f.shared_store(), false);
    let id = open(f, Busy::Enqueue).await;
    let (_, job) = say(f, id, "one").await;
    let (claimed, _) = begin_next(f).await;
    settle(f, leaving(&claimed, End::Failed(fault()), left(id, "o", true))).await;
    away.archive(id).await;
    assert!(f.retry(job).await);
    let claimed = f.claim_one().await;
    assert!(matches!(f.store().begin_turn(&claimed.lease).await, Err(Error::Archived(of)) if of == id));
    let Turn::Began(began) = away.store.begin_turn(&claimed.lease).await.unwrap() else { panic!("no turn") };
    assert_eq!((began.session.id, texts(&began.messages)), (id, vec!["one".to_owned()]));
    answer(f, &claimed, id, "1").await;
    assert_eq!(f.store().entries(id, 0, 10).await.unwrap().len(), 3);
}

pub async fn a_fork_outlives_an_archived_origin(f: &impl Fixture) {
    let away = away(f.shared_store(), false);
    let id = spoken(f, &["one"]).await;
    let fork = f.store().fork(Origin { session: id, entry: 2 }, new(Busy::Enqueue)).await.unwrap().unwrap();
    away.archive(id).await;
    assert_eq!(talk(f.store(), fork.id).await, ["one", "one"]);
    assert!(away.store.delete_session(id).await.unwrap());
    assert!(away.list().await.is_empty() && f.store().doomed_objects(10).await.unwrap().is_empty());
    assert_eq!(talk(f.store(), fork.id).await, ["one", "one"]);
    assert!(away.store.entries(id, 0, 10).await.unwrap().is_empty());
}

pub async fn a_damaged_object_brings_nothing_back(f: &impl Fixture) {
    let away = away(f.shared_store(), false);
    let id = spoken(f, &["one"]).await;
    away.archive(id).await;
    let at = away.list().await.remove(0);
    let whole = away.objects.get(&at).await.unwrap().bytes().await.unwrap();
    let mut damaged = whole.to_vec();
    let last = damaged.len() - 4;
    damaged[last] ^= 1;
    for object in [damaged, whole[..whole.len() - 1].to_vec(), Vec::new()] {
        away.objects.put(&at, object.into()).await.unwrap();
        let error = away.store.entries(id, 0, 10).await.unwrap_err();
        assert!(matches!(error, Error::Corrupt { what: "archive", .. }), "{error}");
    }
    away.objects.delete(&at).await.unwrap();
    let error = away.store.entries(id, 0, 10).await.unwrap_err();
    assert!(error.to_string().contains("sessions.archive_url"), "{error}");
    away.objects.put(&at, whole.into()).await.unwrap();
    assert_eq!(away.store.entries(id, 0, 10).await.unwrap().len(), 2);
}

pub async fn what_is_kept_goes_with_its_session(f: &impl Fixture) {
    let away = away(f.shared_store(), true);
    let id = spoken(f, &["one"]).await;
    for kept in 1..=2 {
        away.archive(id).await;
        assert_eq!(away.store.entries(id, 0, 10).await.unwrap().len(), 2);
        assert_eq!((away.list().await.len(), away.archive.sweep(10).await.unwrap()), (kept, 0));
    }
    assert!(away.store.delete_session(id).await.unwrap());
    assert_eq!(away.archive.sweep(10).await.unwrap(), 2);
    assert!(away.list().await.is_empty() && f.store().doomed_objects(10).await.unwrap().is_empty());
}

pub async fn any_text_comes_back_to_the_byte(f: &impl Fixture) {
    let away = away(f.shared_store(), false);
    let id = open(f, Busy::Enqueue).await;
    let odd = [
        "{\n  \"text\": \"two\\nlines\",\r\n  \"n\": 1.50e3\n}",
        "{\"text\":\"\u{1F600} \\u00e9 \\ud83d\\ude00 \u{202E}\",\"text\":\"twice\"}",
        "{\"text\":\"a\\u0000b\"}",
    ];
    for (n, content) in odd.iter().enumerate() {
        let mut said = message(id, &n.to_string());
        said.content = RawValue::from_string((*content).to_owned()).unwrap();
        f.store().post(vec![said]).await.unwrap();
        let (claimed, _) = begin_next(f).await;
        answer(f, &claimed, id, content).await;
    }
    let before = bytes(&f.store().entries(id, 0, 10).await.unwrap());
    assert_eq!(before.len(), 6);
    away.archive(id).await;
    assert_eq!(bytes(&away.store.entries(id, 0, 10).await.unwrap()), before);
}
