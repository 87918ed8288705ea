//! What turns were told of is kept beside the queue: read from there, and never stale.

use crate::{place::Place, world::World};
use flotilla_jobs::{Busy, Origin, SessionId};
use flotilla_workers::{
    agents::Toolbox,
    archive::{Archive, Objects, with_archive},
    cache::{Bounds, CacheName, Keep, name_of_context},
    metrics::Metrics,
    sessions::NewSession,
};
use object_store::memory::InMemory;
use serde_json::json;
use std::{sync::Arc, time::Duration};

const AGENT: &str = r#"name = "chat"
route = "chat"
[parts.chat]
system = "You chat."
prompt = ""
max_output = 1000
"#;

async fn start(place: Place) -> World {
    let script = json!({ "rules": [{ "then": { "text": "I see." } }] });
    World::with_agent(place, script, AGENT, Toolbox::default()).await
}

async fn name(world: &World, session: SessionId) -> CacheName {
    name_of_context(&world.store.session(session).await.unwrap().expect("it is there"))
}

async fn kept(world: &World, name: CacheName) -> Option<String> {
    world.store.cached(&name).await.unwrap().map(|value| String::from_utf8(value).unwrap())
}

async fn keep(world: &World, name: CacheName, value: String) {
    let most = Bounds { entries: 100, bytes: 1 << 20 };
    let keep = Keep { name, value: value.into_bytes(), lasts: Duration::from_hours(1), most };
    assert!(world.store.keep(keep).await.unwrap());
}

/// What the model was told last.
fn told(world: &World) -> Vec<String> {
    world.asked().pop().unwrap().1
}

async fn say(world: &World, session: SessionId, text: &str) {
    let job = world.say(session, text).await;
    world.agrees(session, job).await;
}

pub async fn a_turn_reads_only_what_is_new(place: Place) {
    let world = start(place).await;
    let worker = world.start();
    let session = world.open(Busy::Enqueue).await;
    say(&world, session, "first words").await;
    let name = name(&world, session).await;
    let Some(first) = kept(&world, name).await else {
        assert!(!world.store.is_apart(), "it is kept where it is apart from the record");
        say(&world, session, "second words").await;
        assert_eq!(told(&world)[1..], ["user: first words", "assistant: I see.", "user: second words"]);
        return worker.stop().await;
    };
    assert!(world.store.is_apart());
    // Only who reads it from there can know of this.
    keep(&world, name, first.replace("first words", "FIRST WORDS")).await;
    say(&world, session, "second words").await;
    assert_eq!(told(&world)[1..], ["user: FIRST WORDS", "assistant: I see.", "user: second words"]);
    say(&world, session, "third words").await;
    assert_eq!(told(&world)[1..4], ["user: FIRST WORDS", "assistant: I see.", "user: second words"]);
    assert_eq!(told(&world)[4..], ["assistant: I see.", "user: third words"]);
    // What goes, or cannot be read, or belongs nowhere, is read from the record.
    for value in [String::new(), "{".to_owned(), first.replace("\"id\":1", "\"id\":77")] {
        keep(&world, name, value).await;
        say(&world, session, &format!("{} words", world.asked().len())).await;
        assert_eq!(told(&world)[1..4], ["user: first words", "assistant: I see.", "user: second words"]);
    }
    worker.stop().await;
}

pub async fn a_fork_is_told_of_its_own_branch(place: Place) {
    let world = start(place).await;
    let worker = world.start();
    let session = world.open(Busy::Enqueue).await;
    say(&world, session, "one").await;
    let at = world.branch(session).await.last().unwrap().id;
    say(&world, session, "two").await;
    let new = NewSession { id: SessionId::new(), tenant: "acme".to_owned(), title: None, busy: Busy::Enqueue };
    let fork = world.store.fork(Origin { session, entry: at }, new).await.unwrap().unwrap().id;
    say(&world, fork, "other two").await;
    assert_eq!(told(&world)[1..], ["user: one", "assistant: I see.", "user: other two"]);
    say(&world, session, "three").await;
    assert_eq!(told(&world)[3..], ["user: two", "assistant: I see.", "user: three"]);
    say(&world, fork, "other three").await;
    assert_eq!(told(&world)[3..], ["user: other two", "assistant: I see.", "user: other three"]);
    worker.stop().await;
}

pub async fn a_deleted_session_leaves_nothing(place: Place) {
    let world = start(place).await;
    let worker = world.start();
    let session = world.open(Busy::Enqueue).await;
    say(&world, session, "a secret").await;
    let name = name(&world, session).await;
    let before = kept(&world, name).await;
    assert!(world.store.delete_session(session).await.unwrap());
    assert_eq!(kept(&world, name).await, None);
    // As if Redis had been away just then.
    if let Some(before) = before {
        keep(&world, name, before).await;
    }
    world.advance(Duration::from_secs(1));
    let new = NewSession { id: session, tenant: "acme".to_owned(), title: None, busy: Busy::Enqueue };
    world.store.open_session(new).await.unwrap();
    say(&world, session, "hello").await;
    assert_eq!(told(&world)[1..], ["user: hello"]);
    worker.stop().await;
}

pub async fn a_changed_agent_is_heard_at_once(place: Place) {
    let mut world = start(place).await;
    let session = world.open(Busy::Enqueue).await;
    let worker = world.start();
    say(&world, session, "one").await;
    worker.stop().await;
    world.change(&AGENT.replace("You chat.", "You chat well."));
    let worker = world.start();
    say(&world, session, "two").await;
    assert_eq!(told(&world), ["system: You chat well.", "user: one", "assistant: I see.", "user: two"]);
    worker.stop().await;
}

pub async fn what_came_back_from_the_archive_is_told(place: Place) {
    let mut world = start(place).await;
    let objects = Objects::new(Arc::new(InMemory::new()), "sessions".into());
    let archive = Arc::new(Archive::new(Arc::clone(&world.store), objects, false, Metrics::new()));
    world.store = with_archive(Arc::clone(&world.store), Arc::clone(&archive));
    let worker = world.start();
    let session = world.open(Busy::Enqueue).await;
    say(&world, session, "one").await;
    let name = name(&world, session).await;
    assert!(archive.archive(session).await.unwrap().is_some());
    assert_eq!(kept(&world, name).await, None, "it goes with the entries");
    say(&world, session, "two").await;
    assert_eq!(told(&world)[1..], ["user: one", "assistant: I see.", "user: two"]);
    worker.stop().await;
}
