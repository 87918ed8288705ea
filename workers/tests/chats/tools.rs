//! Turns in which tools are called.

use crate::{
    place::Place,
    world::{World, turn},
};
use async_trait::async_trait;
use flotilla_jobs::{Busy, JobState};
use flotilla_workers::{
    agents::{
        Tool, Toolbox,
        model::ToolSpec,
        tool::{Arguments, Pure, ToolError},
    },
    sessions::Posted,
};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// An agent with a tool.
pub const AGENT: &str = r#"name = "chat"
route = "chat"
[parts.chat]
system = "You chat."
prompt = ""
tools = ["look"]
max_output = 1000
"#;

/// Says a color, once it may.
struct Look {
    called: Semaphore,
    may: Option<Semaphore>,
}

#[async_trait]
impl Pure for Look {
    fn spec(&self) -> ToolSpec {
        ToolSpec { name: "look".into(), description: "Looks.".into(), parameters: json!({ "type": "object" }) }
    }

    async fn call(&self, _: &Arguments) -> Result<Vec<u8>, ToolError> {
        self.called.add_permits(1);
        if let Some(may) = &self.may {
            may.acquire().await.unwrap().forget();
        }
        Ok(b"blue".to_vec())
    }
}

pub fn tools() -> Toolbox {
    Toolbox::default().with(Tool::Pure(Arc::new(Look { called: Semaphore::new(0), may: None })))
}

/// Looks first and then answers.
pub fn looks(answer: &str) -> Value {
    json!({ "rules": [
        { "when": { "tool_results": 0 }, "then": { "text": "I look.", "tools": [{ "name": "look" }] } },
        { "then": { "text": answer } },
    ] })
}

pub async fn what_tools_said_is_told_in_the_next_turn(place: Place) {
    let world = World::with_agent(place, looks("It is blue."), AGENT, tools()).await;
    let worker = world.start();
    let session = world.open(Busy::Enqueue).await;
    let first = world.say(session, "Which color?").await;
    let reply = world.agrees(session, first).await;
    assert_eq!((reply.text.as_str(), reply.steps), ("It is blue.", 3));
    let second = world.say(session, "Sure?").await;
    world.agrees(session, second).await;
    let before = ["user: Which color?", "assistant: I look.", "tool: blue", "assistant: It is blue.", "user: Sure?"];
    assert_eq!(world.talk(session).await[..5], before);
    let asked = world.asked();
    assert_eq!(asked.len(), 3);
    let told =
        ["user: Which color?", "assistant: I look.[1 calls]", "tool: blue", "assistant: It is blue.", "user: Sure?"];
    assert_eq!(asked[2].1[1..], told);
    worker.stop().await;
}

pub async fn a_steered_turn_hears_before_its_next_call(place: Place) {
    let look = Arc::new(Look { called: Semaphore::new(0), may: Some(Semaphore::new(0)) });
    let tools = Toolbox::default().with(Tool::Pure(look.clone()));
    let world = World::with_agent(place, looks("It is blue."), AGENT, tools).await;
    let worker = world.start();
    let session = world.open(Busy::Steer).await;
    let first = world.say(session, "Which color?").await;
    look.called.acquire().await.unwrap().forget();
    let Posted::Accepted { job: second, .. } = world.post(vec![turn(session, "In French.")]).await[0] else { panic!() };
    look.may.as_ref().unwrap().add_permits(10);
    let reply = world.agrees(session, first).await;
    assert_eq!(reply.messages, [1, 2]);
    assert_eq!(world.reply(second).await.joined, Some(first));
    let asked = world.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[1].1[2..], ["assistant: I look.[1 calls]", "tool: blue", "user: In French."]);
    // On record the message comes before what was said while it came.
    let talk = world.talk(session).await;
    assert_eq!(talk[..2], ["user: Which color?", "user: In French."]);
    worker.stop().await;
}

pub async fn a_turn_that_fails_keeps_what_was_said(place: Place) {
    let script = json!({ "rules": [
        { "when": { "contains": "go on" }, "then": { "text": "Yes." } },
        { "when": { "tool_results": 0 }, "then": { "text": "I look.", "tools": [{ "name": "look" }] } },
        { "then": { "error": { "kind": "invalid" } } },
    ] });
    let world = World::with_agent(place, script, AGENT, tools()).await;
    let worker = world.start();
    let session = world.open(Busy::Enqueue).await;
    let first = world.say(session, "Which color?").await;
    assert_eq!(world.ended(first).await.state, JobState::Failed);
    assert_eq!(world.talk(session).await, ["user: Which color?", "assistant: I look.", "tool: blue"]);
    let second = world.say(session, "Please go on").await;
    world.agrees(session, second).await;
    let asked = world.asked();
    assert_eq!(asked.last().unwrap().1[1..].len(), 4, "{asked:?}");
    worker.stop().await;
}
