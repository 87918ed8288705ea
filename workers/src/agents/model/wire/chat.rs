//! OpenAI Chat Completions, and everything that calls itself compatible with it.

mod request;

pub use request::request;

use super::{Sink, lenient, said::Said};
use crate::agents::model::{Stop, refusal::Complaint};
use flotilla_jobs::Usage;
use serde_json::{Value, json};

/// The place of text; calls come after it.
const TEXT: u32 = 0;
/// The place of thinking that must be sent back with the calls it led to.
const THINKING: u32 = u32::MAX;

/// What the chunks so far say beyond text and calls.
#[derive(Debug, Default)]
pub struct Reader {
    ended: bool,
    thinking: String,
    /// The calls so far, in order: the server's index and id.
    calls: Vec<(Option<u32>, String)>,
}

impl Reader {
    /// `[DONE]`.
    pub fn done(&mut self, said: &mut Said) -> Result<bool, Complaint> {
        self.end(said)?;
        Ok(true)
    }

    /// A finish reason counts as an end: many servers leave out `[DONE]`, or are cut before it.
    pub fn ended(&self) -> bool {
        self.ended
    }

    pub fn chunk(&mut self, chunk: &Value, said: &mut Said, sink: Sink<'_>) -> Result<bool, Complaint> {
        if chunk.get("error").is_some_and(|error| !error.is_null()) {
            return Err(Complaint::in_stream(chunk));
        }
        said.started(lenient::word(chunk, "id"), lenient::word(chunk, "model"), sink);
        let choice = lenient::list(chunk, "choices").iter().find(|c| lenient::index(c, "index").unwrap_or(0) == 0);
        let elsewhere = choice.and_then(|choice| choice.get("usage")).or_else(|| chunk.pointer("/x_groq/usage"));
        for counted in [chunk.get("usage"), elsewhere].into_iter().flatten() {
            said.usage = usage(counted).or(said.usage);
        }
        let Some(choice) = choice else { return Ok(false) };
        if let Some(delta) = choice.get("delta").or_else(|| choice.get("message")) {
            self.delta(delta, said, sink)?;
        }
        if let Some(reason) = lenient::word(choice, "finish_reason") {
            said.stop = Some(stop(reason));
            self.end(said)?;
        }
        // What was used may come in a chunk of its own after this one.
        Ok(false)
    }

    pub fn whole(&mut self, body: &Value, said: &mut Said, sink: Sink<'_>) -> Result<(), Complaint> {
        if lenient::text(body, "object") == Some("error") {
            return Err(Complaint::in_stream(body));
        }
        let answers = !lenient::list(body, "choices").is_empty();
        self.chunk(body, said, sink)?;
        self.end(said)?;
        self.ended = answers;
        Ok(())
    }

    fn end(&mut self, said: &mut Said) -> Result<(), Complaint> {
        self.ended = true;
        if !self.thinking.is_empty() && said.has_calls() {
            let thinking = std::mem::take(&mut self.thinking);
            said.opaque(THINKING, json!({ "reasoning_content": thinking }))?;
        }
        Ok(())
    }

    fn delta(&mut self, delta: &Value, said: &mut Said, sink: Sink<'_>) -> Result<(), Complaint> {
        for key in ["reasoning_content", "reasoning"] {
            if let Some(piece) = lenient::word(delta, key) {
                said.thinking(piece, sink)?;
                if key == "reasoning_content" {
                    self.thinking.push_str(piece);
                }
                break;
            }
        }
        match delta.get("content") {
            Some(Value::String(piece)) => said.text(TEXT, piece, sink)?,
            Some(Value::Array(parts)) => {
                for piece in parts.iter().filter_map(|part| lenient::text(part, "text")) {
                    said.text(TEXT, piece, sink)?;
                }
            }
            _ => {}
        }
        if let Some(refusal) = lenient::word(delta, "refusal") {
            said.refused = true;
            said.text(TEXT, refusal, sink)?;
        }
        for call in lenient::list(delta, "tool_calls") {
            let place = self.place(call);
            let function = call.get("function").unwrap_or(call);
            let (id, name) = (lenient::text(call, "id"), lenient::text(function, "name"));
            said.call(place, id.unwrap_or_default(), name.unwrap_or_default(), sink)?;
            said.arguments(place, &lenient::arguments(function, "arguments").unwrap_or_default(), sink)?;
        }
        // What calls were before there could be several.
        if let Some(function) = delta.get("function_call").filter(|call| call.is_object()) {
            said.call(TEXT + 1, "", lenient::text(function, "name").unwrap_or_default(), sink)?;
            said.arguments(TEXT + 1, &lenient::arguments(function, "arguments").unwrap_or_default(), sink)?;
        }
        Ok(())
    }

    /// Which call a piece belongs to. Only the index is promised, and not by all: some leave it out, some give every call
    /// the same and another id.
    fn place(&mut self, call: &Value) -> u32 {
        let (index, id) = (lenient::index(call, "index"), lenient::text(call, "id").unwrap_or_default());
        let named = call.get("function").and_then(|f| lenient::word(f, "name")).is_some();
        let same_id = |known: &str| id.is_empty() || known.is_empty() || known == id;
        let found = match index {
            Some(_) => self.calls.iter().rposition(|(i, known)| *i == index && same_id(known)),
            None if id.is_empty() && named => None,
            None if id.is_empty() => self.calls.len().checked_sub(1),
            None => self.calls.iter().rposition(|(_, known)| known == id),
        };
        let at = found.unwrap_or_else(|| {
            // More than an answer may have are refused where they are kept.
            self.calls.push((index, String::new()));
            self.calls.len() - 1
        });
        if let Some((_, known)) = self.calls.get_mut(at).filter(|(_, known)| known.is_empty()) {
            id.clone_into(known);
        }
        TEXT + 1 + at as u32
    }
}

fn stop(reason: &str) -> Stop {
    match reason {
        "stop" | "eos" | "eos_token" | "end_turn" | "stop_sequence" => Stop::End,
        "length" | "max_tokens" | "model_length" => Stop::Length,
        "tool_calls" | "function_call" | "tool_use" => Stop::ToolCalls,
        "content_filter" | "safety" | "refusal" => Stop::Refused,
        other => Stop::Other(other.to_owned()),
    }
}

/// Counters that do not overlap, from ones that do: what a cache gave is part of the prompt there.
fn usage(counted: &Value) -> Option<Usage> {
    let count = |key| lenient::count(counted, key);
    let detail = |of: &str, key| counted.get(of).and_then(|details| lenient::count(details, key));
    let (prompt, output) = (count("prompt_tokens"), count("completion_tokens"));
    if prompt.is_none() && output.is_none() {
        return None;
    }
    let (prompt, mut output) = (prompt.unwrap_or(0), output.unwrap_or(0));
    let read = detail("prompt_tokens_details", "cached_tokens");
    let read = read.or_else(|| count("prompt_cache_hit_tokens")).or_else(|| count("cached_tokens")).unwrap_or(0);
    let cache_read = read.min(prompt);
    let written = detail("prompt_tokens_details", "cache_write_tokens").unwrap_or(0);
    let cache_write = written.min(prompt - cache_read);
    let reasoning = detail("completion_tokens_details", "reasoning_tokens").unwrap_or(0);
    // Where thinking is not part of what was given out, the total shows it.
    let apart = prompt.saturating_add(output).saturating_add(reasoning);
    if reasoning > 0 && count("total_tokens") == Some(apart) {
        output = output.saturating_add(reasoning);
    }
    let input = prompt - cache_read - cache_write;
    Some(Usage { input, cache_read, cache_write, cache_write_1h: 0, output, reasoning: reasoning.min(output) })
}
