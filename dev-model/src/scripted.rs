//! What is said: by the script where it says so, else by simple rules, the same every time.

mod findings;
mod instance;
mod verdict;

use crate::{
    answer::{Answer, Part, Stop},
    ask::{Asked, Turn},
    fingerprint::fingerprint,
    script::{Then, Thinking, ToolCall},
};
use serde_json::{Value, json};

/// Names of answers that are more than the smallest that fits.
const FINDINGS: &str = "review_findings";
const VERDICT: &str = "verify_finding";
/// The user's words that make the first tool be called.
const USE_A_TOOL: &str = "use a tool";
/// How many of the last words are said again.
const LAST_WORDS: usize = 12;

/// Whether an answer may come as a call of the tool of this name.
pub(crate) fn is_answer(tool: &str) -> bool {
    [FINDINGS, VERDICT].contains(&tool)
}

/// The answer to a call, which has this number.
pub(crate) fn answer(asked: &Asked, then: &Then, number: usize) -> Answer {
    let mut parts: Vec<Part> = then.thinking.iter().map(thought).collect();
    let tools = if then.says_nothing() { own(asked, &mut parts) } else { told(asked, then, &mut parts) };
    let stop = if tools.is_empty() { Stop::End } else { Stop::Tools };
    // The length of the conversation keeps ids apart when the numbers start again.
    let ids = format!("{number}_{}", asked.turns.len());
    parts.extend(tools.into_iter().enumerate().map(|(n, call)| Part::Tool {
        id: call.id.unwrap_or_else(|| format!("call_scripted_{ids}_{n}")),
        name: call.name,
        arguments: text_of(&call.arguments),
    }));
    Answer { parts, stop }
}

/// What the script says; returns the tools it calls.
fn told(asked: &Asked, then: &Then, parts: &mut Vec<Part>) -> Vec<ToolCall> {
    let mut tools = Vec::new();
    parts.extend(then.text.iter().cloned().map(Part::Text));
    if let Some(json) = &then.json {
        say(asked, json.clone(), parts, &mut tools);
    }
    tools.extend(then.tools.iter().cloned());
    tools
}

/// What is said by itself; returns the tools it calls.
fn own(asked: &Asked, parts: &mut Vec<Part>) -> Vec<ToolCall> {
    let mut tools = Vec::new();
    if let Some(shape) = &asked.shape {
        let value = match shape.name.as_str() {
            FINDINGS => findings::of(&prompt(asked)),
            VERDICT => verdict::of(&prompt(asked)),
            _ => instance::smallest(&shape.schema),
        };
        say(asked, value, parts, &mut tools);
        return tools;
    }
    let first = asked.tools.first();
    let wanted = asked.must_call || (asked.tool_results == 0 && asked.last_user.contains(USE_A_TOOL));
    match first.filter(|_| wanted) {
        Some(tool) => {
            let arguments = instance::smallest(&tool.parameters);
            tools.push(ToolCall { name: tool.name.clone(), arguments, id: None });
        }
        None => parts.push(Part::Text(echo(&asked.last_user))),
    }
    tools
}

/// Says JSON the way that was asked for.
fn say(asked: &Asked, value: Value, parts: &mut Vec<Part>, tools: &mut Vec<ToolCall>) {
    match asked.shape.as_ref().filter(|shape| shape.by_tool) {
        Some(shape) => tools.push(ToolCall { name: shape.name.clone(), arguments: value, id: None }),
        None => parts.push(Part::Text(value.to_string())),
    }
}

fn thought(thinking: &Thinking) -> Part {
    let Thinking { text, signature } = thinking;
    let signature = if signature.is_empty() { format!("scripted-{}", fingerprint(text)) } else { signature.clone() };
    Part::Thinking { text: text.clone(), signature }
}

/// Arguments as a model writes them; text stays as it is, and nothing is an empty object.
fn text_of(arguments: &Value) -> String {
    match arguments {
        Value::String(text) => text.clone(),
        Value::Null => json!({}).to_string(),
        other => other.to_string(),
    }
}

fn echo(asked: &str) -> String {
    let words: Vec<&str> = asked.split_whitespace().collect();
    let last = words[words.len().saturating_sub(LAST_WORDS)..].join(" ");
    format!("This is a scripted answer; no model wrote it. You asked: {last}")
}

/// All that is to be worked on.
fn prompt(asked: &Asked) -> String {
    let said =
        asked.turns.iter().filter_map(|turn| if let Turn::User(text) = turn { Some(text.as_str()) } else { None });
    said.collect::<Vec<_>>().join("\n")
}
