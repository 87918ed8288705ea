//! What a model has said so far, whatever the format.

use super::Sink;
use crate::agents::model::{Event, Part, Reply, Stop, Wire, refusal::Complaint};
use flotilla_jobs::Usage;
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

/// Most bytes of one answer.
pub const MAX_REPLY: usize = 16 * 1024 * 1024;
/// Most texts and calls of one answer.
pub const MAX_PARTS: usize = 1_024;

/// An answer in the making.
#[derive(Debug, Default)]
pub struct Said {
    pub id: Option<String>,
    pub usage: Option<Usage>,
    pub stop: Option<Stop>,
    /// The provider withholds something.
    pub refused: bool,
    model: Option<String>,
    started: bool,
    bytes: usize,
    /// By their place in the answer.
    parts: BTreeMap<u32, Slot>,
}

#[derive(Debug)]
enum Slot {
    Text(String),
    Call { id: String, name: String, arguments: String },
    Opaque(Value),
}

impl Said {
    /// The provider names the call and the model.
    pub fn started(&mut self, id: Option<&str>, model: Option<&str>, sink: Sink<'_>) {
        if let Some(id) = id.filter(|_| self.id.is_none()) {
            self.id = Some(id.to_owned());
        }
        if let Some(model) = model.filter(|_| self.model.is_none()) {
            self.model = Some(model.to_owned());
        }
        if !self.started {
            self.started = true;
            sink(Event::Started { id: self.id.clone(), model: self.model.clone() });
        }
    }

    /// Whether anything came.
    pub fn begun(&self) -> bool {
        self.started
    }

    /// A piece of the text at a place.
    pub fn text(&mut self, place: u32, piece: &str, sink: Sink<'_>) -> Result<(), Complaint> {
        if piece.is_empty() {
            return Ok(());
        }
        self.room(piece.len())?;
        match self.slot(place, || Slot::Text(String::new()))? {
            Slot::Text(text) => text.push_str(piece),
            // Something else is at this place already; what is said twice is not said better.
            Slot::Call { .. } | Slot::Opaque(_) => return Ok(()),
        }
        sink(Event::Text(piece.to_owned()));
        Ok(())
    }

    /// What the text at a place is in the end; what of it was not said yet is said now.
    pub fn whole_text(&mut self, place: u32, whole: &str, sink: Sink<'_>) -> Result<(), Complaint> {
        let rest = match self.parts.get(&place) {
            Some(Slot::Text(said)) => whole.strip_prefix(said.as_str()).unwrap_or_default().to_owned(),
            _ => whole.to_owned(),
        };
        self.text(place, &rest, sink)
    }

    /// Thinking, for people to see.
    pub fn thinking(&mut self, piece: &str, sink: Sink<'_>) -> Result<(), Complaint> {
        if !piece.is_empty() {
            self.room(piece.len())?;
            sink(Event::Thinking(piece.to_owned()));
        }
        Ok(())
    }

    /// What is known of a call, of which pieces may come later; it is told of once it has a name.
    pub fn call(&mut self, place: u32, id: &str, name: &str, sink: Sink<'_>) -> Result<(), Complaint> {
        self.room(id.len() + name.len())?;
        let empty = || Slot::Call { id: String::new(), name: String::new(), arguments: String::new() };
        let Slot::Call { id: has_id, name: has_name, arguments } = self.slot(place, empty)? else { return Ok(()) };
        if has_id.is_empty() {
            id.clone_into(has_id);
        }
        if has_name.is_empty() && !name.is_empty() {
            name.clone_into(has_name);
            sink(Event::ToolStart { index: place, id: has_id.clone(), name: name.to_owned() });
            if !arguments.is_empty() {
                sink(Event::ToolArguments { index: place, piece: arguments.clone() });
            }
        }
        Ok(())
    }

    /// A piece of a call's arguments.
    pub fn arguments(&mut self, place: u32, piece: &str, sink: Sink<'_>) -> Result<(), Complaint> {
        if piece.is_empty() {
            return Ok(());
        }
        self.room(piece.len())?;
        let empty = || Slot::Call { id: String::new(), name: String::new(), arguments: String::new() };
        let Slot::Call { name, arguments, .. } = self.slot(place, empty)? else { return Ok(()) };
        arguments.push_str(piece);
        if !name.is_empty() {
            sink(Event::ToolArguments { index: place, piece: piece.to_owned() });
        }
        Ok(())
    }

    /// What a call's arguments are in the end; they are told where no piece of them came.
    pub fn whole_arguments(&mut self, place: u32, whole: &str, sink: Sink<'_>) -> Result<(), Complaint> {
        match self.parts.get_mut(&place) {
            Some(Slot::Call { arguments, .. }) if !arguments.is_empty() => {
                let longer = whole.len().saturating_sub(arguments.len());
                whole.clone_into(arguments);
                self.room(longer)
            }
            _ => self.arguments(place, whole, sink),
        }
    }

    /// Something that only its provider understands.
    pub fn opaque(&mut self, place: u32, value: Value) -> Result<(), Complaint> {
        self.room(value.to_string().len())?;
        let slot = self.slot(place, || Slot::Opaque(Value::Null))?;
        *slot = Slot::Opaque(value);
        Ok(())
    }

    /// Counts what is kept of an answer elsewhere too.
    pub fn room(&mut self, more: usize) -> Result<(), Complaint> {
        self.bytes = self.bytes.saturating_add(more);
        if self.bytes > MAX_REPLY {
            return Err(Complaint::cut(format!("an answer of more than {MAX_REPLY} bytes")));
        }
        Ok(())
    }

    /// Whether a tool is to be called.
    pub fn has_calls(&self) -> bool {
        self.parts.values().any(|slot| matches!(slot, Slot::Call { .. }))
    }

    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The whole of it.
    pub fn reply(self, wire: Wire) -> Reply {
        let call_id = self.id.clone().unwrap_or_default();
        let parts: Vec<Part> =
            self.parts.into_iter().filter_map(|(place, slot)| slot.part(wire, place, &call_id)).collect();
        let calls = parts.iter().any(|part| matches!(part, Part::ToolCall { .. }));
        let stop = match self.stop {
            _ if self.refused => Stop::Refused,
            // Servers disagree on what they say when tools are wanted; what they want is plain.
            None | Some(Stop::End | Stop::ToolCalls) if calls => Stop::ToolCalls,
            None | Some(Stop::ToolCalls) => Stop::End,
            Some(stop) => stop,
        };
        Reply { parts, stop, usage: self.usage, model: self.model, id: self.id, first_token: Duration::ZERO }
    }

    fn slot(&mut self, place: u32, empty: impl FnOnce() -> Slot) -> Result<&mut Slot, Complaint> {
        if self.parts.len() >= MAX_PARTS && !self.parts.contains_key(&place) {
            return Err(Complaint::cut(format!("an answer of more than {MAX_PARTS} parts")));
        }
        Ok(self.parts.entry(place).or_insert_with(empty))
    }
}

impl Slot {
    fn part(self, wire: Wire, place: u32, call_id: &str) -> Option<Part> {
        match self {
            Self::Text(text) => (!text.is_empty()).then_some(Part::Text { text }),
            Self::Call { name, arguments, .. } if name.is_empty() && arguments.is_empty() => None,
            Self::Call { id, name, arguments } => {
                // Without one its answer could not be told from others.
                let id = if id.is_empty() { format!("call_{call_id}_{place}") } else { id };
                let arguments = if arguments.trim().is_empty() { "{}".to_owned() } else { arguments };
                Some(Part::ToolCall { id, name, arguments })
            }
            Self::Opaque(value) => (!value.is_null()).then_some(Part::Opaque { wire, value }),
        }
    }
}
