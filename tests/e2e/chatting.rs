//! Chats in real processes: a worker is killed in the middle of answers, and readers have what is on record.

use crate::{
    fleet::{Fleet, until},
    models::{configure, provider},
};
use flotilla_jobs::{
    Busy, EntryKind, Job as _, JobId, JobState, NewJob, SessionId,
    kinds::{ChatReply, ChatTurn},
};
use flotilla_workers::{
    clock::Clock,
    sessions::{NewSession, Post, Posted, Room},
    store::{LiveEvent, Store, Submission, remote, sqlite},
};
use serde_json::{Value, json, value::to_raw_value};
use std::{collections::BTreeMap, sync::Arc};

/// Chats at once; the worker has room for all.
const CHATS: usize = 6;
/// What is said, and how much of it before the worker dies.
const STORY: &str =
    "Once upon a time there was a small boat that wanted to see the sea, and nobody would take it there.";
const PIECES: u64 = 8;

/// The first call for each chat says a part of the story and no more.
fn stalls() -> Value {
    let stall = json!({ "text": STORY, "stall": { "after": PIECES, "ms": 600_000 } });
    let rules = (0..CHATS).map(|n| json!({ "when": { "contains": words(n), "call": 1 }, "then": stall }));
    let rest = json!({ "then": { "text": STORY } });
    json!({ "rules": rules.chain([rest]).collect::<Vec<_>>() })
}

fn words(n: usize) -> String {
    format!("chat number {n:02}")
}

/// The store of the fleet, as a process of it sees it.
async fn open(fleet: &Fleet) -> Arc<dyn Store> {
    if let Some(name) = fleet.place.shared() {
        let (redis, postgres) = (fleet.place.redis().url(), fleet.place.postgres().url());
        let options = remote::Options::new(redis.into(), postgres.into());
        let (prefix, schema) = (name.to_owned(), Some(name.to_owned()));
        return remote::open(remote::Options { prefix, schema, pool: 2, ..options }).await.unwrap();
    }
    let path = fleet.home.path().join(".local/share/flotilla/flotilla.db");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    sqlite::open(sqlite::Options { path, clock: Clock::Store }).await.unwrap()
}

async fn say(store: &dyn Store, n: usize) -> (SessionId, JobId) {
    let id = SessionId::new();
    let new = NewSession { id, tenant: "default".to_owned(), title: None, busy: Busy::Enqueue };
    store.open_session(new).await.unwrap();
    let message = words(n);
    let turn = ChatTurn { session: id.to_string(), message, user: "someone".to_owned(), model: None, stream: true };
    let post = Post {
        session: id,
        client_id: "one".to_owned(),
        content: to_raw_value(&json!({ "text": turn.message })).unwrap(),
        job: Submission::new(NewJob::of(&turn).unwrap(), ChatTurn::defaults()).unwrap(),
    };
    match store.post(vec![post]).await.unwrap()[0] {
        Posted::Accepted { job, .. } => (id, job),
        other => panic!("{other:?}"),
    }
}

/// What a reader puts together, and how often it was told to begin again.
async fn heard(store: &dyn Store, job: JobId) -> (String, usize) {
    let (mut steps, mut resets): (BTreeMap<u32, String>, usize) = (BTreeMap::new(), 0);
    for (numbered, n) in store.read(job, 0, 1_000).await.unwrap().into_iter().zip(1..) {
        assert_eq!(numbered.seq, n, "numbers have no gap");
        match numbered.event {
            LiveEvent::Text { step, text, .. } => steps.entry(step).or_default().push_str(&text),
            LiveEvent::Reset { step, .. } => {
                steps.split_off(&step);
                resets += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    (steps.into_values().next_back().unwrap_or_default(), resets)
}

fn models(provider: &str) -> String {
    format!(
        "[providers.dev]\nwire = \"anthropic\"\nbase_url = \"{provider}\"\nkey = \"any\"\n[models.scripted]\n\
         provider = \"dev\"\ncontext = 100000\nmax_output = 4000\nprice = {{ input = \"1.00\", output = \"5.00\" }}\n"
    )
}

async fn answers_survive_their_worker(fleet: Fleet) {
    let provider = provider(stalls()).await;
    configure(&fleet, &models(&provider.url()));
    let store = open(&fleet).await;
    let (mut first, _) = fleet.start(&["work"]);
    let mut chats = Vec::new();
    for n in 0..CHATS {
        chats.push(say(&*store, n).await);
    }
    for (_, job) in &chats {
        until("the beginning is heard", async || {
            let (text, _) = heard(&*store, *job).await;
            if text.len() >= 10 { Ok(()) } else { Err(text) }
        })
        .await;
    }
    first.signal("KILL");
    first.wait();
    let (mut second, _) = fleet.start(&["work"]);
    for (session, job) in &chats {
        let record = until("it is answered", async || {
            let record = store.get(*job).await.unwrap().unwrap();
            if record.state.is_terminal() { Ok(record) } else { Err(format!("{record:?}")) }
        })
        .await;
        assert_eq!(record.state, JobState::Completed, "{record:?}");
        assert_eq!(record.attempts.crash, 1);
        let reply: ChatReply = serde_json::from_str(record.output.unwrap().get()).unwrap();
        let branch = store.branch(*session, None, Room { entries: 100, bytes: 1 << 20 }).await.unwrap();
        let said: Value = serde_json::from_str(branch[0].content.get()).unwrap();
        assert_eq!((branch.len(), branch[0].kind, branch[0].partial), (2, EntryKind::Assistant, false));
        let (text, resets) = heard(&*store, *job).await;
        assert_eq!([text.as_str(), reply.text.as_str(), said["text"].as_str().unwrap()], [STORY; 3]);
        assert_eq!(resets, 1);
    }
    assert_eq!(provider.calls().len(), 2 * CHATS, "steps and crashes");
    second.signal("TERM");
    second.wait();
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_survive_their_worker_on_servers() {
    answers_survive_their_worker(Fleet::remote()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_survive_their_worker_on_a_file() {
    answers_survive_their_worker(Fleet::file()).await;
}

/// The worker is killed in the middle of the answer, and then the process that has the turn alone.
#[cfg(target_os = "linux")]
async fn a_turn_that_is_quarantined_leaves_what_it_said(fleet: Fleet) {
    let stall = json!({ "text": STORY, "stall": { "after": PIECES, "ms": 600_000 } });
    let provider = provider(json!({ "rules": [{ "then": stall }] })).await;
    configure(&fleet, &models(&provider.url()));
    let store = open(&fleet).await;
    let (mut first, _) = fleet.start(&["work"]);
    let (session, job) = say(&*store, 0).await;
    let is_heard = async |times: usize| {
        until("the beginning is heard", async || {
            let (text, resets) = heard(&*store, job).await;
            if text.len() >= 10 && resets == times { Ok(()) } else { Err(text) }
        })
        .await;
    };
    is_heard(0).await;
    first.signal("KILL");
    first.wait();
    let (mut second, _) = fleet.start(&["work"]);
    is_heard(1).await;
    let alone = crate::servers::children(second.pid());
    let [alone] = alone[..] else { panic!("one process has the turn: {alone:?}") };
    let killed = std::process::Command::new("kill").arg("-KILL").arg(alone.to_string()).status().unwrap();
    assert!(killed.success());
    let record = until("it is quarantined", async || {
        let record = store.get(job).await.unwrap().unwrap();
        if record.state.is_terminal() { Ok(record) } else { Err(format!("{record:?}")) }
    })
    .await;
    assert_eq!(record.state, JobState::Quarantined, "{record:?}");
    let branch = store.branch(session, None, Room { entries: 100, bytes: 1 << 20 }).await.unwrap();
    assert_eq!((branch.len(), branch[0].kind, branch[0].partial), (2, EntryKind::Assistant, true), "{branch:?}");
    let said: Value = serde_json::from_str(branch[0].content.get()).unwrap();
    let said = said["text"].as_str().unwrap();
    assert!(STORY.starts_with(said) && said.len() >= 10, "{said}");
    second.signal("TERM");
    second.wait();
    store.close().await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_is_quarantined_leaves_what_it_said_on_servers() {
    a_turn_that_is_quarantined_leaves_what_it_said(Fleet::remote()).await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_is_quarantined_leaves_what_it_said_on_a_file() {
    a_turn_that_is_quarantined_leaves_what_it_said(Fleet::file()).await;
}
