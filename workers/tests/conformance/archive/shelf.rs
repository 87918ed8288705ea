//! What a store knows of the archive.

use super::away::spoken;
use crate::{
    fixture::{Fixture, HOUR, MINUTE, SECOND},
    sessions::said::{begin_next, new, open, say},
};
use flotilla_jobs::{Busy, SessionId};
use flotilla_workers::{
    archive::{MAX_WRITING, Mark, Object},
    sessions::SessionChange,
    store::Error,
};

fn object(session: SessionId, version: u64, name: &str, entries: u64) -> Object {
    Object { name: name.to_owned(), session, version, hash: "0".repeat(64), bytes: 10, entries }
}

pub async fn sessions_are_idle_by_their_age(f: &impl Fixture) {
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(spoken(f, &["one"]).await);
    }
    open(f, Busy::Enqueue).await;
    f.advance_clock(HOUR);
    ids.sort_unstable();
    f.store().change_session(ids[1], SessionChange { title: Some("new".into()), busy: None }).await.unwrap().unwrap();
    f.advance_clock(MINUTE);

    let idle = async |age, after, limit| f.store().idle_sessions(age, after, limit).await.unwrap();
    let all = idle(HOUR, None, 100).await;
    assert_eq!((all.idle, all.next), (vec![ids[0], ids[2]], None), "nothing was said in the fourth one");
    assert!(idle(HOUR * 2, None, 100).await.idle.is_empty());
    // Page by page; a page of sessions that are not idle is no end.
    let (mut after, mut found) = (None, Vec::new());
    loop {
        let page = idle(SECOND, after, 1).await;
        found.extend(page.idle);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, ids);
}

pub async fn a_busy_session_does_not_go(f: &impl Fixture) {
    let store = f.store();
    assert_eq!(store.begin_archive(SessionId::new(), "a").await.unwrap(), Mark::NoSession);
    let id = open(f, Busy::Enqueue).await;
    assert_eq!(store.begin_archive(id, "b").await.unwrap(), Mark::Empty);
    say(f, id, "one").await;
    assert_eq!(store.begin_archive(id, "c").await.unwrap(), Mark::Busy);
    let (claimed, _) = begin_next(f).await;
    assert_eq!(store.begin_archive(id, "d").await.unwrap(), Mark::Busy);
    f.complete(&claimed).await;
    assert!(matches!(store.begin_archive(id, "e").await.unwrap(), Mark::Begun(session) if session.id == id));
}

pub async fn what_changes_meanwhile_stays(f: &impl Fixture) {
    let store = f.store();
    let id = spoken(f, &["one"]).await;
    let begin = async |name: &str| match store.begin_archive(id, name).await.unwrap() {
        Mark::Begun(session) => object(id, session.version, name, 2),
        other => panic!("{other:?}"),
    };
    let renamed = begin("a").await;
    store.change_session(id, SessionChange { title: Some("new".into()), busy: None }).await.unwrap().unwrap();
    assert!(!store.commit_archive(&renamed).await.unwrap());
    let posted = begin("b").await;
    say(f, id, "two").await;
    assert!(!store.commit_archive(&posted).await.unwrap());
    let (claimed, _) = begin_next(f).await;
    f.complete(&claimed).await;
    let deleted = begin("c").await;
    assert!(!store.commit_archive(&object(id, deleted.version, "c", 2)).await.unwrap(), "it has three entries");
    assert!(!store.commit_archive(&object(id, deleted.version, "never begun", 3)).await.unwrap());
    assert_eq!(store.entries(id, 0, 10).await.unwrap().len(), 3);
    let other = f.second_store().await;
    assert!(other.delete_session(id).await.unwrap());
    assert!(!store.commit_archive(&object(id, deleted.version, "c", 3)).await.unwrap());
    assert_eq!(store.archived_object(id).await.unwrap(), None);
}

pub async fn what_was_begun_long_ago_cannot_be_committed(f: &impl Fixture) {
    let (store, id) = (f.store(), spoken(f, &["one"]).await);
    let Mark::Begun(session) = store.begin_archive(id, "late").await.unwrap() else { panic!("it is busy") };
    assert!(store.doomed_objects(10).await.unwrap().is_empty());
    f.advance_clock(MAX_WRITING + SECOND);
    assert_eq!(store.doomed_objects(10).await.unwrap(), ["late"]);
    assert!(!store.commit_archive(&object(id, session.version, "late", 2)).await.unwrap());
    store.object_removed("late", true).await.unwrap();
    assert!(store.doomed_objects(10).await.unwrap().is_empty());

    // One that is committed is no longer begun.
    assert!(matches!(store.begin_archive(id, "kept").await.unwrap(), Mark::Begun(_)));
    assert!(store.commit_archive(&object(id, session.version, "kept", 2)).await.unwrap());
    f.advance_clock(MAX_WRITING * 2);
    store.object_removed("kept", true).await.unwrap();
    store.object_removed("kept", false).await.unwrap();
    assert!(store.doomed_objects(10).await.unwrap().is_empty());
    assert_eq!(store.archived_object(id).await.unwrap().unwrap().name, "kept");
    assert!(matches!(store.entries(id, 0, 10).await, Err(Error::Archived(of)) if of == id));
    assert_eq!(store.begin_archive(id, "again").await.unwrap(), Mark::Archived);
}

pub async fn a_deleted_session_dooms_its_object(f: &impl Fixture) {
    let (store, id) = (f.store(), spoken(f, &["one"]).await);
    let Mark::Begun(session) = store.begin_archive(id, "kept").await.unwrap() else { panic!("it is busy") };
    assert!(store.commit_archive(&object(id, session.version, "kept", 2)).await.unwrap());
    assert!(store.session(id).await.unwrap().unwrap().archived_at.is_some());
    let listed = store.list_sessions(Some("acme"), None, 10).await.unwrap();
    assert_eq!(listed.sessions[0].archived_at, Some(f.moment()));
    assert!(store.delete_session(id).await.unwrap());
    assert_eq!(store.session(id).await.unwrap(), None);
    assert_eq!(store.doomed_objects(10).await.unwrap(), ["kept"]);
    assert_eq!(store.archived_object(id).await.unwrap(), None);
    // Nobody's id may be taken for an archived one.
    assert!(store.open_session(new(Busy::Enqueue)).await.unwrap().archived_at.is_none());
}

pub async fn an_object_that_stays_is_tried_after_the_others(f: &impl Fixture) {
    let store = f.store();
    for name in ["a", "b"] {
        let id = spoken(f, &["one"]).await;
        assert!(matches!(store.begin_archive(id, name).await.unwrap(), Mark::Begun(_)));
        f.advance_clock(SECOND);
    }
    f.advance_clock(MAX_WRITING);
    assert_eq!(store.doomed_objects(1).await.unwrap(), ["a"]);
    store.object_removed("a", false).await.unwrap();
    assert_eq!(store.doomed_objects(10).await.unwrap(), ["b", "a"]);
    store.object_removed("b", true).await.unwrap();
    assert_eq!(store.doomed_objects(10).await.unwrap(), ["a"]);
}
