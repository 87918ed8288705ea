//! Random talk from several connections, each answer compared with a model; and many who talk at once.

use super::said::{ALL, left, message, open};
use crate::fixture::{Fixture, LEASE, QUEUE, SECOND, claim, claim_as, done, ended};
use flotilla_jobs::{Busy, EntryKind, JobId, SessionId};
use flotilla_workers::{
    sessions::{Posted, Turn},
    store::{Claimed, End, Settle, Settled, Store},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Operations of one walk.
const STEPS: u32 = 150;

pub async fn random_talk_agrees_with_the_model_when_it_waits(f: &impl Fixture) {
    walk(f, Busy::Enqueue).await;
}

pub async fn random_talk_agrees_with_the_model_when_it_refuses(f: &impl Fixture) {
    walk(f, Busy::Reject).await;
}

pub async fn random_talk_agrees_with_the_model_when_it_interrupts(f: &impl Fixture) {
    walk(f, Busy::Interrupt).await;
}

pub async fn random_talk_agrees_with_the_model_when_it_steers(f: &impl Fixture) {
    walk(f, Busy::Steer).await;
}

pub async fn random_talk_agrees_with_the_model_when_it_joins(f: &impl Fixture) {
    walk(f, Busy::Coalesce).await;
}

/// A conversation as people see it: what was said in order, what waits, and who has the word.
struct Talk {
    id: SessionId,
    busy: Busy,
    said: Vec<String>,
    /// Messages and their jobs, in order.
    line: Vec<(String, JobId)>,
    /// The job whose turn it is, whether it was asked to stop, and the messages it has read.
    word: Option<(JobId, bool, Vec<String>)>,
    /// Whose turn each message that was read belongs to.
    read_by: HashMap<String, JobId>,
    claimed: Option<Claimed>,
}

impl Talk {
    /// The job that comes next: each job runs in its turn, though its message was read before.
    fn take_up(&mut self, job: JobId, all: bool) -> Vec<String> {
        let (taken, left): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.line).into_iter().partition(|(_, own)| all || *own == job);
        self.line = left;
        let texts: Vec<String> = taken.into_iter().map(|(text, _)| text).collect();
        self.read_by.extend(texts.iter().map(|text| (text.clone(), job)));
        self.said.extend(texts.clone());
        texts
    }
}

async fn walk(f: &impl Fixture, busy: Busy) {
    let stores = [f.shared_store(), f.second_store().await, f.second_store().await];
    let mut rng = StdRng::seed_from_u64(busy as u64 + 1);
    let mut talks = Vec::new();
    for _ in 0..2 {
        let id = open(f, busy).await;
        talks.push(Talk {
            id,
            busy,
            said: Vec::new(),
            line: Vec::new(),
            word: None,
            read_by: HashMap::new(),
            claimed: None,
        });
    }
    // Which message each job was posted with.
    let mut texts: BTreeMap<JobId, String> = BTreeMap::new();
    for step in 0..STEPS {
        let store: &dyn Store = &*stores[rng.random_range(0..stores.len())];
        let talk = rng.random_range(0..talks.len());
        match rng.random_range(0..10) {
            0..3 => say(store, &mut talks[talk], &mut texts, &format!("m{step}")).await,
            3..5 => next(store, &mut talks, &texts).await,
            5..7 => listen(store, &mut talks[talk]).await,
            7..9 => end(store, &mut talks[talk], &mut rng, &format!("a{step}")).await,
            _ => crash(f, &mut talks).await,
        }
        for talk in &talks {
            assert_eq!(super::said::talk(store, talk.id).await, talk.said);
        }
    }
    // Let all of it end.
    while let Some(n) = (0..talks.len()).find(|n| !talks[*n].line.is_empty() || talks[*n].claimed.is_some()) {
        next(f.store(), &mut talks, &texts).await;
        end(f.store(), &mut talks[n], &mut rng, "the end").await;
    }
    for talk in &talks {
        assert_eq!(super::said::talk(f.store(), talk.id).await, talk.said);
    }
}

async fn say(store: &dyn Store, talk: &mut Talk, texts: &mut BTreeMap<JobId, String>, text: &str) {
    let post = message(talk.id, text);
    let job = post.job.id;
    let first = talk.word.as_ref().map(|word| word.0).or(talk.line.first().map(|(_, job)| *job));
    let posted = store.post(vec![post]).await.unwrap()[0];
    if let (Busy::Reject, Some(first)) = (talk.busy, first) {
        assert_eq!(posted, Posted::Busy(first));
        return;
    }
    let Posted::Accepted { job: accepted, duplicate: false, interrupts, .. } = posted else { panic!("{posted:?}") };
    assert_eq!(accepted, job);
    talk.line.push((text.to_owned(), job));
    texts.insert(job, text.to_owned());
    let stops = talk.word.as_mut().filter(|_| talk.busy == Busy::Interrupt);
    assert_eq!(interrupts, stops.as_ref().map(|word| word.0));
    if let Some(word) = stops {
        word.1 = true;
        // One that waits for its next run is over at once.
        if talk.claimed.is_none() {
            talk.word = None;
        }
    }
}

/// Whatever comes next in any talk begins its turn.
async fn next(store: &dyn Store, talks: &mut [Talk], texts: &BTreeMap<JobId, String>) {
    for claimed in claim(store, &[(QUEUE.to_owned(), 1)]).await {
        let text = &texts[&claimed.id()];
        let of = |t: &&mut Talk| t.read_by.contains_key(text) || t.line.iter().any(|(own, _)| own == text);
        let talk = talks.iter_mut().find(of).expect("it was said somewhere");
        assert!(talk.claimed.is_none(), "one turn at a time");
        let turn = store.begin_turn(&claimed.lease).await.unwrap();
        match (talk.read_by.get(text), turn) {
            (Some(other), Turn::Joined(turn)) if *other != claimed.id() => {
                assert_eq!(turn, *other);
                assert!(matches!(store.settle(vec![ended(&claimed, done())]).await.unwrap()[0], Settled::Recorded(_)));
            }
            (None, Turn::Began(began)) => {
                let read = talk.take_up(claimed.id(), talk.busy.joins());
                assert_eq!(super::said::texts(&began.messages), read);
                talk.word = Some((claimed.id(), false, read));
                talk.claimed = Some(claimed);
            }
            (Some(_), Turn::Began(began)) => {
                let word = talk.word.as_ref().expect("it crashed before");
                assert_eq!(super::said::texts(&began.messages), word.2);
                talk.claimed = Some(claimed);
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

async fn listen(store: &dyn Store, talk: &mut Talk) {
    let Some(claimed) = talk.claimed.clone() else { return };
    let heard = store.hear(&claimed.lease, 0).await.unwrap().expect("it is its turn");
    let more = if talk.busy == Busy::Steer { talk.take_up(claimed.id(), true) } else { Vec::new() };
    let word = talk.word.as_mut().unwrap();
    word.2.extend(more);
    assert_eq!(super::said::texts(&heard), word.2);
}

async fn end(store: &dyn Store, talk: &mut Talk, rng: &mut StdRng, text: &str) {
    let Some(claimed) = talk.claimed.take() else { return };
    let (_, asked, _) = talk.word.take().unwrap();
    let end = if asked { End::HandedOver } else { done() };
    let says = rng.random_bool(0.8);
    let settle = Settle { left: says.then(|| left(talk.id, text, asked)), ..ended(&claimed, end) };
    assert!(matches!(store.settle(vec![settle]).await.unwrap()[0], Settled::Recorded(s) if s.is_terminal()));
    if says {
        talk.said.push(text.to_owned());
    }
}

/// Every worker dies. A turn that was asked to stop is over; the others go on, once only.
async fn crash(f: &impl Fixture, talks: &mut [Talk]) {
    f.advance(LEASE + SECOND).await;
    for talk in talks {
        let Some(claimed) = talk.claimed.take() else { continue };
        if claimed.attempts().crash > 0 || talk.word.as_ref().is_some_and(|word| word.1) {
            talk.word = None;
        }
    }
}

/// Everybody talks at once, from several connections, while several workers answer: nobody is left without an answer, and
/// no two turns are mixed.
pub async fn messages_at_once_are_each_answered_once(f: &impl Fixture) {
    const EACH: usize = 6;
    let stores = [f.shared_store(), f.second_store().await];
    let mut ids = Vec::new();
    for busy in Busy::ALL {
        ids.push((open(f, busy).await, busy));
        ids.push((open(f, busy).await, busy));
    }
    let talking = Arc::new(AtomicUsize::new(ids.len()));
    let mut tasks = tokio::task::JoinSet::new();
    for (n, (id, _)) in ids.iter().copied().enumerate() {
        let (store, talking) = (stores[n % 2].clone(), talking.clone());
        tasks.spawn(async move {
            for n in 0..EACH {
                let posts = vec![message(id, &format!("{n}a")), message(id, &format!("{n}b"))];
                store.post(posts).await.unwrap();
            }
            talking.fetch_sub(1, Ordering::SeqCst);
        });
    }
    for (n, store) in stores.iter().cloned().enumerate() {
        let talking = talking.clone();
        tasks.spawn(async move {
            let worker = format!("w{n}");
            loop {
                let last = talking.load(Ordering::SeqCst) == 0;
                let claimed = claim_as(&*store, &worker, &[(QUEUE.to_owned(), 20)]).await;
                if claimed.is_empty() && last && unfinished(&*store).await == 0 {
                    return;
                }
                for one in claimed {
                    work(&*store, one).await;
                }
                tokio::task::yield_now().await;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    for (id, busy) in ids {
        let mut branch = stores[0].branch(id, None, ALL).await.unwrap();
        branch.reverse();
        let entries = stores[0].entries(id, 0, 1_000).await.unwrap();
        assert_eq!(branch.len(), entries.len(), "{busy:?}: all of it is one talk");
        let messages = branch.iter().filter(|e| e.kind == EntryKind::User).count();
        assert!(if busy == Busy::Reject { messages >= 1 } else { messages == 2 * EACH }, "{busy:?}: {messages}");
        // Each turn is a piece of its own: messages, and then one answer.
        let (mut over, mut turns) = (HashSet::new(), 0);
        for pair in branch.windows(2).filter(|pair| pair[0].turn != pair[1].turn) {
            assert!(over.insert(pair[0].turn), "{busy:?}: a turn was mixed with another");
            assert_eq!(pair[0].kind, EntryKind::Assistant, "{busy:?}: a turn ends with its answer");
            turns += 1;
        }
        assert_eq!(branch.iter().filter(|e| e.kind == EntryKind::Assistant).count(), turns + 1, "{busy:?}");
    }
}

async fn unfinished(store: &dyn Store) -> u64 {
    store.queues().await.unwrap().iter().map(|q| q.pending + q.running + q.scheduled).sum()
}

async fn work(store: &dyn Store, claimed: Claimed) {
    let left = match store.begin_turn(&claimed.lease).await.unwrap() {
        Turn::Began(began) => {
            store.hear(&claimed.lease, 0).await.unwrap();
            Some(left(began.session.id, "an answer", false))
        }
        Turn::Joined(_) => None,
        other => panic!("{other:?}"),
    };
    let settle = Settle { left, ..ended(&claimed, done()) };
    assert!(matches!(store.settle(vec![settle]).await.unwrap()[0], Settled::Recorded(_)));
}
