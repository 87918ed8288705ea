//! A process that archives is killed in the middle, several times: every entry is in exactly one place, or on record with
//! an object that nobody refers to; and all of it comes back to the byte.

use crate::{
    fleet::{Fleet, PATIENCE},
    support::Service,
};
use flotilla_jobs::{Busy, EntryKind, NewJob, Options, SessionId};
use flotilla_workers::{
    archive::{Archive, Objects, with_archive},
    metrics::Metrics,
    sessions::{Left, NewEntry, NewSession, Post, Posted, Turn},
    store::{Claim, End, Error, Settle, Store, Submission},
};
use object_store::{local::LocalFileSystem, path::Path as Place};
use serde_json::{json, value::to_raw_value};
use std::{collections::BTreeMap, fs, path::Path, sync::Arc, time::Instant};

/// Sessions at the start; `FLOTILLA_ARCHIVE=full` makes it 10,000.
const SESSIONS: usize = 300;
/// How often the process is killed before it may end.
const KILLS: usize = 3;
/// Sessions that a process archives at once.
const AT_ONCE: usize = 4;

pub type Said = BTreeMap<SessionId, Vec<String>>;

#[tokio::test]
async fn an_archiver_that_is_killed_loses_nothing_on_both() {
    an_archiver_that_is_killed_loses_nothing(Fleet::remote()).await;
}

#[tokio::test]
async fn an_archiver_that_is_killed_loses_nothing_on_one_file() {
    an_archiver_that_is_killed_loses_nothing(Fleet::file()).await;
}

async fn an_archiver_that_is_killed_loses_nothing(fleet: Fleet) {
    let sessions = if std::env::var("FLOTILLA_ARCHIVE").is_ok_and(|size| size == "full") { 10_000 } else { SESSIONS };
    // Makes the file, where it is one.
    fleet.home.run(&["sessions", "ls"]).exits(0);
    let store = fleet.place.store(&fleet.home).await;
    let said = talk(&*store, sessions).await;
    let dir = fleet.home.path().join("archive");
    fs::create_dir(&dir).unwrap();
    let url = format!("sessions.archive_url=file://{}", dir.display());
    let command = ["sessions", "archive", "--idle", "0", "--set", &url];

    for kill in 1..=KILLS {
        let before = archived(&*store).await;
        let mut archiver = Service::start(fleet.home.command(&command));
        until_objects(&dir, before + sessions / (KILLS + 2), &mut archiver);
        archiver.signal("KILL");
        archiver.wait();
        let away = look(&*store, &dir, &said).await;
        eprintln!("kill {kill}: {away} of {sessions} sessions are in the archive");
    }
    let ran = fleet.home.run(&command).exits(0);
    assert_eq!(look(&*store, &dir, &said).await, sessions, "{}{}", ran.stdout, ran.stderr);

    let files = Arc::new(LocalFileSystem::new_with_prefix(&dir).unwrap());
    let archive = Archive::new(Arc::clone(&store), Objects::new(files, Place::default()), false, Metrics::new());
    let whole = with_archive(Arc::clone(&store), Arc::new(archive));
    for (id, entries) in &said {
        assert_eq!(read(&*whole, *id).await.unwrap(), *entries, "{id}");
        assert_eq!(read(&*store, *id).await.unwrap(), *entries, "{id}");
    }
    // What the killed ones left behind is noted, and no session's.
    let left = objects(&dir);
    assert!(left <= AT_ONCE * KILLS, "{left} objects are left");
    store.close().await;
}

/// Sessions, each with a message and its answer.
pub async fn talk(store: &dyn Store, sessions: usize) -> Said {
    let mut ids = Vec::with_capacity(sessions);
    for n in 0..sessions {
        let new =
            NewSession { id: SessionId::new(), tenant: "acme".into(), title: Some(n.to_string()), busy: Busy::Enqueue };
        ids.push(store.open_session(new).await.unwrap().id);
    }
    for (n, some) in ids.chunks(100).enumerate() {
        let posts = some.iter().map(|id| message(*id, n)).collect();
        let posted = store.post(posts).await.unwrap();
        assert!(posted.iter().all(|posted| matches!(posted, Posted::Accepted { duplicate: false, .. })), "{posted:?}");
    }
    let queues = [("default".to_owned(), 100)];
    loop {
        let claim = Claim { worker: "test", queues: &queues, kinds: None, lease_ttl: PATIENCE };
        let claimed = store.claim(claim).await.unwrap();
        if claimed.is_empty() {
            break;
        }
        let mut ends = Vec::with_capacity(claimed.len());
        for one in claimed {
            let Turn::Began(began) = store.begin_turn(&one.lease).await.unwrap() else { panic!("no turn") };
            let content = to_raw_value(&json!({ "text": "und 😀", "n": 1.5 })).unwrap();
            let entries = vec![NewEntry { kind: EntryKind::Assistant, partial: false, content }];
            let end = End::Completed(to_raw_value(&json!({})).unwrap());
            let left = Some(Left { session: began.session.id, entries });
            ends.push(Settle { left, ..Settle::new(one.lease, one.claimed_at, end) });
        }
        store.settle(ends).await.unwrap();
    }
    let mut said = Said::new();
    for id in ids {
        let entries = read(store, id).await.unwrap();
        assert_eq!(entries.len(), 2);
        said.insert(id, entries);
    }
    said
}

fn message(session: SessionId, n: usize) -> Post {
    let content = to_raw_value(&json!({ "text": format!("what about {n}?") })).unwrap();
    let payload = to_raw_value(&json!({})).unwrap();
    let job = NewJob { kind: "chat-turn".into(), payload, options: Options::default(), idempotency_key: None };
    Post { session, client_id: "one".into(), content, job: Submission::new(job, Options::default()).unwrap() }
}

/// Entries to the byte.
pub async fn read(store: &dyn Store, id: SessionId) -> Result<Vec<String>, Error> {
    let entries = store.entries(id, 0, 1_000).await?;
    Ok(entries.iter().map(|entry| serde_json::to_string(entry).unwrap()).collect())
}

async fn archived(store: &dyn Store) -> usize {
    let (mut after, mut count) = (None, 0);
    loop {
        let page = store.list_sessions(None, after, 1_000).await.unwrap();
        count += page.sessions.iter().filter(|session| session.archived_at.is_some()).count();
        after = page.next;
        if after.is_none() {
            return count;
        }
    }
}

/// Asserts that each session is whole, on record or in its object; answers how many are in theirs.
async fn look(store: &dyn Store, dir: &Path, said: &Said) -> usize {
    let mut away = 0;
    for (id, entries) in said {
        match read(store, *id).await {
            Ok(found) => assert_eq!(found, *entries, "{id}"),
            Err(Error::Archived(_)) => {
                let object = store.archived_object(*id).await.unwrap().unwrap();
                let lines = fs::read_to_string(dir.join(&object.name)).unwrap();
                let found: Vec<&str> = lines.lines().skip(1).collect();
                assert_eq!(found, *entries, "{id}");
                away += 1;
            }
            Err(error) => panic!("{id}: {error}"),
        }
    }
    assert_eq!(away, archived(store).await);
    away
}

/// Returns when there are so many objects, or the process has ended before.
fn until_objects(dir: &Path, count: usize, process: &mut Service) {
    let deadline = Instant::now() + PATIENCE * 5;
    while objects(dir) < count && !process.has_ended() {
        assert!(Instant::now() < deadline, "{} objects are there, not {count}", objects(dir));
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

fn objects(dir: &Path) -> usize {
    let Ok(sessions) = fs::read_dir(dir.join("sessions")) else { return 0 };
    let files = sessions.flatten().filter_map(|session| fs::read_dir(session.path()).ok()).flat_map(Iterator::flatten);
    files.filter(|file| file.path().extension().is_some_and(|end| end == "jsonl")).count()
}
