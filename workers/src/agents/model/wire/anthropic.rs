//! Anthropic Messages.

mod request;

pub use request::request;

use super::{Sink, lenient, said::Said};
use crate::agents::model::{Shape, Stop, refusal::Complaint};
use flotilla_jobs::Usage;
use serde_json::Value;
use std::collections::BTreeMap;

/// What the events so far say beyond text and calls.
#[derive(Debug, Default)]
pub struct Reader {
    /// The tool whose arguments are the answer that was asked for.
    answer: Option<String>,
    ended: bool,
    usage: Value,
    open: BTreeMap<u32, Block>,
}

/// A block of the content that is not whole yet.
#[derive(Debug)]
enum Block {
    Text,
    Call {
        begun: bool,
        input: Value,
    },
    /// The answer, which is said as text.
    Answer {
        begun: bool,
        input: Value,
    },
    /// Goes back as it came: thinking with its signature, or a kind of its own.
    Opaque(Value),
}

impl Reader {
    pub fn new(answer: Option<&Shape>) -> Self {
        Self { answer: answer.map(|shape| shape.name.clone()), usage: Value::Null, ..Self::default() }
    }

    /// Whether it said that it stops.
    pub fn ended(&self) -> bool {
        self.ended
    }

    pub fn event(&mut self, name: &str, event: &Value, said: &mut Said, sink: Sink<'_>) -> Result<bool, Complaint> {
        let kind = lenient::word(event, "type").unwrap_or(name).to_owned();
        let place = lenient::index(event, "index").unwrap_or(0);
        match kind.as_str() {
            "message_start" => {
                let message = event.get("message").unwrap_or(&Value::Null);
                said.started(lenient::word(message, "id"), lenient::word(message, "model"), sink);
                self.count(message, said);
            }
            "content_block_start" => {
                self.open(place, event.get("content_block").unwrap_or(&Value::Null), said, sink)?;
            }
            "content_block_delta" => self.delta(place, event.get("delta").unwrap_or(&Value::Null), said, sink)?,
            "content_block_stop" => self.close(place, said, sink)?,
            "message_delta" => {
                self.count(event, said);
                if let Some(reason) = event.get("delta").and_then(|delta| lenient::word(delta, "stop_reason")) {
                    said.stop = Some(stop(reason));
                }
            }
            "message_stop" => {
                let open: Vec<u32> = self.open.keys().copied().collect();
                for place in open {
                    self.close(place, said, sink)?;
                }
                self.ended = true;
                return Ok(true);
            }
            "error" => return Err(Complaint::in_stream(event)),
            // `ping`, and what is yet to come.
            _ => {}
        }
        Ok(false)
    }

    pub fn whole(&mut self, body: &Value, said: &mut Said, sink: Sink<'_>) -> Result<(), Complaint> {
        if lenient::text(body, "type") == Some("error") || body.get("error").is_some_and(|error| !error.is_null()) {
            return Err(Complaint::in_stream(body));
        }
        said.started(lenient::word(body, "id"), lenient::word(body, "model"), sink);
        self.count(body, said);
        for (place, block) in (0..).zip(lenient::list(body, "content")) {
            self.open(place, block, said, sink)?;
            self.close(place, said, sink)?;
        }
        let reason = lenient::word(body, "stop_reason");
        said.stop = reason.map(stop);
        self.ended = reason.is_some() || body.get("content").is_some_and(Value::is_array);
        Ok(())
    }

    fn open(&mut self, place: u32, block: &Value, said: &mut Said, sink: Sink<'_>) -> Result<(), Complaint> {
        said.started(None, None, sink);
        if self.open.len() >= super::said::MAX_PARTS {
            return Err(Complaint::cut("too many blocks at once"));
        }
        let input = || block.get("input").filter(|input| !is_empty(input)).cloned().unwrap_or_default();
        let kind = lenient::text(block, "type").unwrap_or_default();
        let opened = match kind {
            "text" => {
                said.text(place, lenient::text(block, "text").unwrap_or_default(), sink)?;
                Block::Text
            }
            "tool_use" => {
                let name = lenient::text(block, "name").unwrap_or_default();
                if self.answer.as_deref() == Some(name) {
                    Block::Answer { begun: false, input: input() }
                } else {
                    said.call(place, lenient::text(block, "id").unwrap_or_default(), name, sink)?;
                    Block::Call { begun: false, input: input() }
                }
            }
            "" => return Ok(()),
            _ => {
                said.thinking(lenient::text(block, "thinking").unwrap_or_default(), sink)?;
                Block::Opaque(block.clone())
            }
        };
        self.open.insert(place, opened);
        Ok(())
    }

    fn delta(&mut self, place: u32, delta: &Value, said: &mut Said, sink: Sink<'_>) -> Result<(), Complaint> {
        let text = |key: &str| lenient::text(delta, key).unwrap_or_default();
        let kind = text("type");
        let piece = match kind {
            "text_delta" => text("text"),
            "input_json_delta" => text("partial_json"),
            "thinking_delta" => text("thinking"),
            "signature_delta" => text("signature"),
            _ => return Ok(()),
        };
        match (kind, self.open.get_mut(&place)) {
            // Some servers leave out the start of a text.
            ("text_delta", Some(Block::Text) | None) => said.text(place, piece, sink),
            ("input_json_delta", Some(Block::Call { begun, .. })) => {
                *begun |= !piece.is_empty();
                said.arguments(place, piece, sink)
            }
            ("input_json_delta", Some(Block::Answer { begun, .. })) => {
                *begun |= !piece.is_empty();
                said.text(place, piece, sink)
            }
            ("thinking_delta", Some(Block::Opaque(block))) => {
                append(block, "thinking", piece);
                said.thinking(piece, sink)
            }
            ("signature_delta", Some(Block::Opaque(block))) => {
                append(block, "signature", piece);
                said.room(piece.len())
            }
            ("input_json_delta", Some(Block::Opaque(block))) => {
                // Kept as text until the block is whole.
                append(block, "partial_input", piece);
                said.room(piece.len())
            }
            _ => Ok(()),
        }
    }

    fn close(&mut self, place: u32, said: &mut Said, sink: Sink<'_>) -> Result<(), Complaint> {
        match self.open.remove(&place) {
            Some(Block::Call { begun: false, input }) if !input.is_null() => {
                said.arguments(place, &input.to_string(), sink)
            }
            Some(Block::Answer { begun: false, input }) if !input.is_null() => {
                said.text(place, &input.to_string(), sink)
            }
            Some(Block::Opaque(mut block)) => {
                let partial = block.as_object_mut().and_then(|block| block.remove("partial_input"));
                if let Some(input) = partial.and_then(|text| serde_json::from_str(text.as_str()?).ok()) {
                    block["input"] = input;
                }
                said.opaque(place, block)
            }
            _ => Ok(()),
        }
    }

    /// Takes in counters; they are totals, and each time only some of them may be said.
    fn count(&mut self, of: &Value, said: &mut Said) {
        let Some(Value::Object(counted)) = of.get("usage") else { return };
        if !self.usage.is_object() {
            self.usage = Value::Object(serde_json::Map::new());
        }
        for (key, value) in counted.iter().filter(|(_, value)| !value.is_null()).take(64) {
            self.usage[key] = value.clone();
        }
        said.usage = usage(&self.usage);
    }
}

fn is_empty(input: &Value) -> bool {
    input.is_null() || input.as_object().is_some_and(serde_json::Map::is_empty)
}

fn append(block: &mut Value, key: &str, piece: &str) {
    let Some(block) = block.as_object_mut() else { return };
    match block.get_mut(key) {
        Some(Value::String(text)) => text.push_str(piece),
        _ => drop(block.insert(key.to_owned(), Value::String(piece.to_owned()))),
    }
}

fn stop(reason: &str) -> Stop {
    match reason {
        "end_turn" | "stop_sequence" => Stop::End,
        "max_tokens" | "model_context_window_exceeded" => Stop::Length,
        "tool_use" => Stop::ToolCalls,
        "refusal" => Stop::Refused,
        other => Stop::Other(other.to_owned()),
    }
}

/// The counters do not overlap here; what is written to the cache may be split by how long it is kept.
fn usage(counted: &Value) -> Option<Usage> {
    let count = |key| lenient::count(counted, key);
    let (input, output) = (count("input_tokens"), count("output_tokens"));
    if input.is_none() && output.is_none() {
        return None;
    }
    let written = count("cache_creation_input_tokens").unwrap_or(0);
    let hour = counted.get("cache_creation").and_then(|split| lenient::count(split, "ephemeral_1h_input_tokens"));
    let cache_write_1h = hour.unwrap_or(0).min(written);
    Some(Usage {
        input: input.unwrap_or(0),
        cache_read: count("cache_read_input_tokens").unwrap_or(0),
        cache_write: written - cache_write_1h,
        cache_write_1h,
        output: output.unwrap_or(0),
        reasoning: counted
            .get("output_tokens_details")
            .and_then(|details| lenient::count(details, "thinking_tokens"))
            .unwrap_or(0)
            .min(output.unwrap_or(0)),
    })
}
