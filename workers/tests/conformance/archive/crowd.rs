//! Everything at once: people talk, workers answer, readers read and fork, and somebody archives all the time.

use super::away::{away, away_in};
use crate::{
    fixture::{Fixture, QUEUE, claim_as, done},
    sessions::said::{ALL, leaving, left, message, open, texts},
};
use flotilla_jobs::{Busy, Origin, SessionId};
use flotilla_workers::{
    sessions::{Posted, Turn},
    store::{Settled, Store},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

const SESSIONS: usize = 5;
const EACH: usize = 8;

pub async fn nothing_is_lost_between_talkers_and_an_archiver(f: &impl Fixture) {
    let first = away(f.shared_store(), false);
    let second = away_in(f.second_store().await, Arc::clone(&first.objects), false);
    let mut ids = Vec::new();
    for _ in 0..SESSIONS {
        ids.push(open(f, Busy::Enqueue).await);
    }
    let (open, mut tasks) = (Arc::new(AtomicUsize::new(SESSIONS * EACH)), tokio::task::JoinSet::new());
    for (n, id) in ids.iter().copied().enumerate() {
        let store = Arc::clone(if n % 2 == 0 { &first.store } else { &second.store });
        tasks.spawn(talk(store, id));
    }
    for (n, away) in [&first, &second].into_iter().enumerate() {
        tasks.spawn(work(Arc::clone(&away.store), format!("w{n}"), Arc::clone(&open)));
        let (archive, going) = (Arc::clone(&away.archive), Arc::clone(&open));
        tasks.spawn(async move {
            while going.load(Ordering::SeqCst) > 0 {
                archive.idle(Duration::ZERO, None, 100, Duration::from_secs(1)).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        tasks.spawn(read(Arc::clone(&away.store), ids.clone(), Arc::clone(&open)));
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }

    for id in ids {
        let mut branch = second.store.branch(id, None, ALL).await.unwrap();
        branch.reverse();
        let said: Vec<String> = (0..EACH).flat_map(|n| [n.to_string(), n.to_string()]).collect();
        assert_eq!(texts(&branch), said);
        assert_eq!(second.store.entries(id, 0, 1_000).await.unwrap().len(), said.len());
    }
    // Each object has a session, or is known to be of no use.
    while first.archive.sweep(100).await.unwrap() > 0 {}
    let sessions = f.store().list_sessions(None, None, 1_000).await.unwrap().sessions;
    let archived = sessions.iter().filter(|session| session.archived_at.is_some()).count();
    assert_eq!(first.list().await.len(), archived);
}

/// Says one thing after the other; the next one may come before the answer.
async fn talk(store: Arc<dyn Store>, id: SessionId) {
    for n in 0..EACH {
        let posted = store.post(vec![message(id, &n.to_string())]).await.unwrap();
        assert!(matches!(posted[0], Posted::Accepted { .. }), "{posted:?}");
        for _ in 0..n {
            tokio::task::yield_now().await;
        }
    }
}

async fn work(store: Arc<dyn Store>, worker: String, open: Arc<AtomicUsize>) {
    while open.load(Ordering::SeqCst) > 0 {
        for claimed in claim_as(&*store, &worker, &[(QUEUE.to_owned(), 3)]).await {
            let Turn::Began(began) = store.begin_turn(&claimed.lease).await.unwrap() else { panic!("no turn") };
            let answer = left(began.session.id, &texts(&began.messages)[0], false);
            let settled = store.settle(vec![leaving(&claimed, done(), answer)]).await.unwrap();
            assert!(matches!(settled[0], Settled::Recorded(_)), "{settled:?}");
            open.fetch_sub(1, Ordering::SeqCst);
        }
        tokio::task::yield_now().await;
    }
}

/// What was there once is there always, in whole.
async fn read(store: Arc<dyn Store>, ids: Vec<SessionId>, open: Arc<AtomicUsize>) {
    let mut known = vec![0; ids.len()];
    while open.load(Ordering::SeqCst) > 0 {
        for (id, known) in ids.iter().zip(&mut known) {
            let entries = store.entries(*id, 0, 1_000).await.unwrap();
            assert!(entries.len() >= *known, "{} of {known} are left", entries.len());
            *known = entries.len();
            let Some(last) = entries.iter().rev().find(|entry| !entry.waiting) else { continue };
            let branch = store.branch(*id, Some(last.id), ALL).await.unwrap();
            assert_eq!(branch.last().unwrap().parent, None);
            let origin = Origin { session: *id, entry: last.id };
            let fork = store.fork(origin, crate::sessions::said::new(Busy::Enqueue)).await.unwrap().unwrap();
            assert_eq!(store.branch(fork.id, None, ALL).await.unwrap().len(), branch.len());
            assert!(store.delete_session(fork.id).await.unwrap());
        }
    }
}
