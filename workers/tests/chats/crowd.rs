//! Many who talk at once, several messages each, under every setting: every message is answered once, in order, and no
//! more is asked than there are turns. What is asserted of a session is what the model of `store/turns/tests.rs` says of every
//! interleaving.
//!
//! Small by default; `FLOTILLA_CHATS=full` makes it 1,000 sessions with 10 turns each.

use crate::{
    place::Place,
    world::{World, is_full, soon, turn},
};
use flotilla_jobs::{Busy, EntryKind, JobId, JobState, SessionEntry, SessionId, kinds::ChatReply};
use flotilla_workers::sessions::Posted;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::json;
use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// What one session has said, and how that was answered.
struct Told {
    session: SessionId,
    busy: Busy,
    accepted: Vec<(u64, JobId)>,
    refused: usize,
}

pub async fn many_talk_at_once_and_each_is_answered_as_its_session_says(place: Place) {
    let (sessions, rounds) = if is_full() { (1_000, 10) } else { (25, 3) };
    let mut world = World::new(place, json!({ "rules": [{ "then": { "text": "Very well, as you say." } }] })).await;
    (world.concurrency, world.look) = (50, Duration::from_millis(if is_full() { 500 } else { 20 }));
    let world = Arc::new(world);
    let workers = [world.start(), world.start()];
    let start = Instant::now();
    let mut talking = JoinSet::new();
    for n in 0..sessions {
        talking.spawn(talk(Arc::clone(&world), Busy::ALL[n % Busy::ALL.len()], n as u64, rounds));
    }
    let mut turns = 0;
    while let Some(told) = talking.join_next().await {
        turns += check(&world, told.unwrap()).await;
    }
    let calls = world.provider.ledger().calls as usize;
    assert!(calls <= turns, "{calls} calls for {turns} turns");
    println!("{sessions} sessions, {turns} turns, {calls} calls in {:.1?}", start.elapsed());
    for worker in workers {
        worker.stop().await;
    }
}

/// Says one to three messages at once, and again, at times before the last ones are answered.
async fn talk(world: Arc<World>, busy: Busy, seed: u64, rounds: usize) -> Told {
    let mut rng = StdRng::seed_from_u64(seed);
    let session = world.open(busy).await;
    let mut told = Told { session, busy, accepted: Vec::new(), refused: 0 };
    for round in 0..rounds {
        let many = rng.random_range(1..=3);
        let posted = world.post((0..many).map(|n| turn(session, &format!("{round}.{n}"))).collect()).await;
        for posted in posted {
            match posted {
                Posted::Accepted { entry, job, duplicate: false, .. } => told.accepted.push((entry, job)),
                Posted::Busy(_) => told.refused += 1,
                other => panic!("{other:?}"),
            }
        }
        if rng.random_bool(0.5) {
            let (_, last) = told.accepted[told.accepted.len() - 1];
            world.ended(last).await;
        } else {
            tokio::time::sleep(Duration::from_millis(rng.random_range(0..30))).await;
        }
    }
    for (_, job) in &told.accepted {
        soon(world.ended(*job)).await;
    }
    told
}

/// Asserts what holds for every session; answers how many turns it had.
async fn check(world: &World, told: Told) -> usize {
    let Told { session, busy, accepted, refused } = told;
    assert!(refused == 0 || busy == Busy::Reject);
    let branch = world.branch(session).await;
    let said: Vec<u64> = branch.iter().filter(|e| e.kind == EntryKind::User).map(|e| e.id).collect();
    assert_eq!(said, accepted.iter().map(|(entry, _)| *entry).collect::<Vec<_>>(), "{busy:?}: each once, in order");
    // Which turn each message belongs to, by the jobs' own word and by the session's.
    let mut by_jobs: BTreeMap<u64, JobId> = BTreeMap::new();
    let (mut turns, mut cut_short) = (HashSet::new(), HashSet::new());
    for (_, id) in &accepted {
        let job = world.job(*id).await;
        match job.state {
            JobState::Completed => {
                let reply: ChatReply = serde_json::from_str(job.output.as_ref().unwrap().get()).unwrap();
                if reply.joined.is_some() {
                    assert!(busy.joins(), "{busy:?}");
                } else {
                    turns.insert(*id);
                    by_jobs.extend(reply.messages.iter().map(|entry| (*entry, *id)));
                }
            }
            JobState::Cancelled => {
                assert_eq!(busy, Busy::Interrupt);
                turns.insert(*id);
                cut_short.insert(*id);
            }
            other => panic!("{other:?}: {job:?}"),
        }
    }
    for entry in branch.iter().filter(|entry| entry.kind == EntryKind::User) {
        let turn = entry.turn.unwrap();
        assert!(turns.contains(&turn));
        assert!(by_jobs.get(&entry.id).is_none_or(|job| *job == turn), "{busy:?}");
    }
    // Answers = turns: a job that is done had one, unless another one answered its message.
    let answers_of = |job: JobId, partial: bool| {
        let of_job = |entry: &&SessionEntry| entry.turn == Some(job) && entry.kind == EntryKind::Assistant;
        branch.iter().filter(of_job).filter(|entry| entry.partial == partial).count()
    };
    for (_, id) in &accepted {
        let (whole, partial) = (answers_of(*id, false), answers_of(*id, true));
        match (turns.contains(id), cut_short.contains(id)) {
            (false, _) => assert_eq!((whole, partial), (0, 0), "{busy:?}: another one answered"),
            (true, false) => assert_eq!((whole, partial), (1, 0), "{busy:?}: one answer"),
            (true, true) => assert!(whole + partial <= 1, "{busy:?}: {whole} and {partial} answers"),
        }
    }
    if !busy.joins() {
        assert_eq!(turns.len(), accepted.len(), "{busy:?}: a turn for each message");
    }
    // Nothing is lost, and nothing is beside the branch.
    assert_eq!(world.store.entries(session, 0, 1_000).await.unwrap().len(), branch.len(), "{busy:?}");
    // A turn is a piece of its own, in the order of arrival.
    for pair in branch.windows(2).filter(|pair| pair[0].turn == pair[1].turn) {
        assert!(pair[0].id < pair[1].id, "{busy:?}: {} before {}", pair[0].id, pair[1].id);
    }
    let mut seen = Vec::new();
    for entry in &branch {
        if seen.last() != Some(&entry.turn) {
            assert!(!seen.contains(&entry.turn), "{busy:?}: a turn was mixed with another");
            seen.push(entry.turn);
        }
    }
    turns.len()
}
