//! OpenAI Responses.

mod request;

pub use request::request;

use super::{Sink, lenient, said::Said};
use crate::agents::model::{Stop, refusal::Complaint};
use flotilla_jobs::Usage;
use serde_json::Value;

/// Most places within one item of the output.
const PER_ITEM: u32 = 64;

/// What the events so far say beyond what was said.
#[derive(Debug, Default)]
pub struct Reader {
    ended: bool,
}

impl Reader {
    /// Whether the response was said to be complete, or as complete as it gets.
    pub fn ended(&self) -> bool {
        self.ended
    }

    pub fn event(&mut self, name: &str, event: &Value, said: &mut Said, sink: Sink<'_>) -> Result<bool, Complaint> {
        let kind = lenient::word(event, "type").unwrap_or(name);
        let piece = || lenient::text(event, "delta").unwrap_or_default();
        match kind {
            "response.created" | "response.in_progress" | "response.queued" => {
                let response = event.get("response").unwrap_or(&Value::Null);
                said.started(lenient::word(response, "id"), lenient::word(response, "model"), sink);
            }
            "response.output_item.added" => {
                said.started(None, None, sink);
                if let Some(item) = event.get("item").filter(|item| is_call(item)) {
                    call(item, item_place(event, 0), said, sink)?;
                }
            }
            "response.output_text.delta" => said.text(item_place(event, content(event)), piece(), sink)?,
            "response.refusal.delta" => {
                said.refused = true;
                said.text(item_place(event, content(event)), piece(), sink)?;
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                said.thinking(piece(), sink)?;
            }
            "response.function_call_arguments.delta" => said.arguments(item_place(event, 0), piece(), sink)?,
            "response.function_call_arguments.done" => {
                let whole = lenient::arguments(event, "arguments").unwrap_or_default();
                said.whole_arguments(item_place(event, 0), &whole, sink)?;
            }
            "response.output_item.done" => {
                if let Some(item) = event.get("item") {
                    whole_item(item, lenient::index(event, "output_index").unwrap_or(0), said, sink)?;
                }
            }
            "response.completed"
            | "response.incomplete"
            | "response.failed"
            | "response.cancelled"
            | "response.done" => {
                let response = event.get("response").unwrap_or(&Value::Null);
                self.response(response, kind, said, sink)?;
                return Ok(true);
            }
            "error" => return Err(Complaint::in_stream(event)),
            // Of some sixty kinds of events, these say all that is needed.
            _ => {}
        }
        Ok(false)
    }

    pub fn whole(&mut self, body: &Value, said: &mut Said, sink: Sink<'_>) -> Result<(), Complaint> {
        self.response(body, "", said, sink)
    }

    /// Takes in the response as a whole; what events said of it before is not said again.
    fn response(&mut self, response: &Value, kind: &str, said: &mut Said, sink: Sink<'_>) -> Result<(), Complaint> {
        said.started(lenient::word(response, "id"), lenient::word(response, "model"), sink);
        said.usage = response.get("usage").and_then(usage).or(said.usage);
        let status = lenient::word(response, "status").unwrap_or(kind.trim_start_matches("response."));
        if response.get("error").is_some_and(|error| !error.is_null()) || status == "failed" {
            return Err(Complaint::in_stream(response));
        }
        if !matches!(status, "completed" | "done" | "incomplete" | "") {
            return Err(Complaint::cut(format!(
                "a response that is `{}`",
                status.chars().take(20).collect::<String>()
            )));
        }
        if said.is_empty() {
            for (index, item) in (0..).zip(lenient::list(response, "output")) {
                whole_item(item, index, said, sink)?;
            }
        }
        let reason = response.pointer("/incomplete_details/reason").and_then(Value::as_str);
        said.stop = match (status, reason) {
            ("incomplete", Some("max_output_tokens") | None) => Some(Stop::Length),
            ("incomplete", Some("content_filter")) => Some(Stop::Refused),
            ("incomplete", Some(other)) => Some(Stop::Other(other.to_owned())),
            _ => None,
        };
        self.ended = !status.is_empty() || !lenient::list(response, "output").is_empty();
        Ok(())
    }
}

/// An item in its final form, of which pieces may have come before.
fn whole_item(item: &Value, index: u32, said: &mut Said, sink: Sink<'_>) -> Result<(), Complaint> {
    let place = place(index, 0);
    match lenient::text(item, "type") {
        _ if is_call(item) => {
            call(item, place, said, sink)?;
            let whole = lenient::arguments(item, "arguments").unwrap_or_default();
            if whole.is_empty() { Ok(()) } else { said.whole_arguments(place, &whole, sink) }
        }
        Some("message") => {
            for (at, content) in (0..PER_ITEM).zip(lenient::list(item, "content")) {
                let refusal = lenient::text(content, "refusal");
                said.refused |= refusal.is_some();
                let text = refusal.or_else(|| lenient::text(content, "text")).unwrap_or_default();
                said.whole_text(self::place(index, at), text, sink)?;
            }
            Ok(())
        }
        Some("reasoning") => said.opaque(place, item.clone()),
        _ => Ok(()),
    }
}

fn is_call(item: &Value) -> bool {
    lenient::text(item, "type") == Some("function_call")
}

fn call(item: &Value, place: u32, said: &mut Said, sink: Sink<'_>) -> Result<(), Complaint> {
    let id = lenient::word(item, "call_id").or_else(|| lenient::word(item, "id"));
    said.call(place, id.unwrap_or_default(), lenient::text(item, "name").unwrap_or_default(), sink)
}

fn content(event: &Value) -> u32 {
    lenient::index(event, "content_index").unwrap_or(0)
}

fn item_place(event: &Value, content: u32) -> u32 {
    place(lenient::index(event, "output_index").unwrap_or(0), content)
}

fn place(item: u32, content: u32) -> u32 {
    item.saturating_mul(PER_ITEM).saturating_add(content.min(PER_ITEM - 1))
}

/// Counters that do not overlap, from ones that do: what the cache gave and took is part of the input there.
fn usage(counted: &Value) -> Option<Usage> {
    let (all, output) = (lenient::count(counted, "input_tokens"), lenient::count(counted, "output_tokens"));
    if all.is_none() && output.is_none() {
        return None;
    }
    let (all, output) = (all.unwrap_or(0), output.unwrap_or(0));
    let detail = |of: &str, key| counted.get(of).and_then(|details| lenient::count(details, key)).unwrap_or(0);
    let cache_read = detail("input_tokens_details", "cached_tokens").min(all);
    let cache_write = detail("input_tokens_details", "cache_write_tokens").min(all - cache_read);
    let reasoning = detail("output_tokens_details", "reasoning_tokens").min(output);
    Some(Usage { input: all - cache_read - cache_write, cache_read, cache_write, cache_write_1h: 0, output, reasoning })
}
