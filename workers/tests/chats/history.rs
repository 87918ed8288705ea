//! Sessions that are longer than what a model is told.

use crate::{place::Place, world::World};
use flotilla_jobs::{Busy, EntryKind, JobState};
use flotilla_workers::agents::Toolbox;
use serde_json::json;

/// An agent that is told little.
pub const AGENT: &str = r#"name = "chat"
route = "chat"
[parts.chat]
system = "You chat."
prompt = ""
max_output = 1000
context_tokens = 300
[parts.summary]
route = "summary"
system = "You summarize between <{{ fence }}> and </{{ fence }}>."
prompt = """
<{{ fence }}>
{%- if earlier %}
EARLIER {{ earlier }}
{% endif %}
{{ talk -}}
</{{ fence }}>
"""
max_output = 500
"#;

pub async fn old_messages_are_summarized_once(place: Place) {
    let script = json!({ "rules": [
        { "when": { "model": "cheap" }, "then": { "text": "They spoke of boats." } },
        { "then": { "text": "I see." } },
    ] });
    let world = World::with_agent(place, script, AGENT, Toolbox::default()).await;
    let worker = world.start();
    let session = world.open(Busy::Enqueue).await;
    let mut summaries = Vec::new();
    for n in 0..6 {
        let job = world.say(session, &format!("{n}: {}", "boat ".repeat(100))).await;
        let reply = world.agrees(session, job).await;
        assert_eq!((reply.text.as_str(), reply.model.as_str()), ("I see.", "small"));
        summaries.push(world.asked().iter().filter(|(model, _)| model == "cheap").count());
    }
    // Two messages fit; the third makes a summary, with room for the fourth; and so on.
    assert_eq!(summaries, [0, 0, 1, 1, 2, 2]);
    let asked = world.asked();
    let (_, second) = asked.iter().filter(|(model, _)| model == "cheap").nth(1).unwrap();
    let text = &second[1];
    assert!(
        text.contains("EARLIER They spoke of boats.")
            && text.contains("2: boat")
            && text.contains("[assistant]\nI see.")
    );
    assert!(!text.contains("1: boat"), "the earlier summary stands for it");
    let (_, last) = asked.last().unwrap();
    assert_eq!(last[1], "user: What was said before, in short:\nThey spoke of boats.");
    assert!(
        last[2].starts_with("user: 4: boat") && last[3] == "assistant: I see." && last[4].starts_with("user: 5: boat")
    );
    let branch = world.branch(session).await;
    assert_eq!(branch.iter().filter(|entry| entry.kind == EntryKind::Summary).count(), 2);
    worker.stop().await;
}

pub async fn a_message_that_no_model_takes_in_fails_clearly(place: Place) {
    let world = World::new(place, json!({})).await;
    let worker = world.start();
    let session = world.open(Busy::Enqueue).await;
    let job = world.say(session, &"boat ".repeat(30_000)).await;
    let job = world.ended(job).await;
    let error = job.error.unwrap();
    assert_eq!((job.state, error.code.as_str()), (JobState::Failed, "too_long"));
    assert!(!error.message.contains("boat"), "{error}");
    assert!(world.asked().is_empty());
    worker.stop().await;
}
