//! Counts of what was counted elsewhere, and that counting a conversation step by step is cheap.

use super::*;
use crate::agents::model::{Shape, ToolSpec};
use serde_json::json;
use std::{sync::Arc, time::Instant};

fn request(messages: Vec<Message>) -> Request {
    let tool = ToolSpec { name: "read".to_owned(), description: "Reads a file".to_owned(), parameters: json!({}) };
    Request {
        system: Arc::from("You review code."),
        messages,
        tools: Arc::from([tool]),
        max_output: 100,
        temperature: None,
        answer: None,
    }
}

fn user(text: &str) -> Message {
    Message::User { text: text.to_owned() }
}

fn model(id: &str) -> Model {
    Model {
        name: "mine".to_owned(),
        provider: "p".to_owned(),
        id: id.to_owned(),
        context: 1_000,
        max_output: 100,
        limits: crate::admission::LaneLimits::default(),
        price: None,
        temperature: None,
    }
}

#[test]
fn texts_are_counted_with_the_vocabulary() {
    // As OpenAI's own tool counts them.
    assert_eq!((count(""), count("hello world"), count("fn main() {}")), (0, 2, 4));
    assert!(count(&"a".repeat(200_000)) < 30_000);
}

#[test]
fn a_conversation_counts_the_same_at_once_and_step_by_step() {
    let assistant = Message::Assistant {
        parts: vec![
            Part::Opaque { wire: Wire::Anthropic, value: json!({ "thinking": "much of it, and more" }) },
            Part::ToolCall { id: "1".to_owned(), name: "read".to_owned(), arguments: "{\"path\":\"a\"}".to_owned() },
        ],
    };
    let all =
        vec![user("first"), assistant, Message::Tool { id: "1".to_owned(), text: "x y z".to_owned(), failed: false }];
    for wire in [Wire::Anthropic, Wire::OpenaiChat, Wire::OpenaiResponses] {
        let mut counter = Counter::default();
        let steps: Vec<u64> = (0..=3).map(|n| counter.count(wire, &request(all[..n].to_vec()))).collect();
        let at_once: Vec<u64> = (0..=3).map(|n| Counter::default().count(wire, &request(all[..n].to_vec()))).collect();
        assert_eq!(steps, at_once);
        assert!(steps.is_sorted_by(|a, b| a < b), "{steps:?}");
    }
    let mut counter = Counter::default();
    let mut on = |wire| counter.count(wire, &request(all.clone()));
    assert!(on(Wire::Anthropic) > on(Wire::OpenaiChat) + 300, "tools cost more there, and thinking goes back");
}

#[test]
fn a_conversation_that_was_made_smaller_is_counted_anew() {
    let mut counter = Counter::default();
    let long = counter.count(Wire::OpenaiChat, &request(vec![user("one two three"), user("four"), user("five")]));
    let short = request(vec![user("in short"), user("five")]);
    let less = counter.count(Wire::OpenaiChat, &short);
    assert!(less < long && less == Counter::default().count(Wire::OpenaiChat, &short));
    let mut shaped = short;
    shaped.answer = Some(Arc::new(Shape { name: "findings".to_owned(), schema: json!({ "type": "object" }) }));
    assert!(counter.count(Wire::OpenaiChat, &shaped) > less);
}

#[test]
fn five_hundred_steps_of_a_large_context_are_not_counted_again_and_again() {
    let text = "let answer = compute(&input)?; // and so on\n".repeat(30);
    let mut messages: Vec<Message> = Vec::new();
    let (mut counter, mut first) = (Counter::default(), None);
    let began = Instant::now();
    for step in 0..500 {
        messages.push(user(&text));
        let now = request(std::mem::take(&mut messages));
        let tokens = counter.count(Wire::OpenaiChat, &now);
        let each = *first.get_or_insert(tokens - Counter::default().count(Wire::OpenaiChat, &request(Vec::new())));
        assert!(tokens > each * step);
        messages = now.messages;
    }
    // Counting all of it at each step would be 250 times as much: over a minute.
    assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
}

#[test]
fn factors_are_learned_and_kept_within_bounds() {
    let estimated =
        |model: &str, estimated, counted| Estimated { model: model.to_owned(), calls: 1, estimated, counted };
    let nothing = Factors::default();
    assert_eq!(
        ["gpt-5", "o3", "openai/gpt-oss-120b", "claude-opus-5", "ollama"].map(|id| nothing.of(&model(id))),
        [1_000, 1_000, 1_000, 1_300, 1_300]
    );
    for (estimate, counted, factor) in
        [(1_000, 1_172, 1_172), (1_000, 400, 1_000), (1_000, 9_000, 2_000), (3, 4, 1_333), (0, 5, 1_300), (5, 0, 1_300)]
    {
        let factors = Factors::learned(&[estimated("mine", estimate, counted), estimated("other", 1, 2)]);
        assert_eq!(factors.of(&model("claude")), factor, "{estimate} {counted}");
    }
    let factors = Factors::learned(&[estimated("mine", 1_000, 1_172)]);
    assert_eq!(factors.corrected(&model("x"), 1_001), 1_174, "rounded up");
    assert_eq!(factors.held(&model("x"), 1_001), 1_233);
    assert_eq!(factors.held(&model("x"), u64::MAX), u64::MAX);
}
