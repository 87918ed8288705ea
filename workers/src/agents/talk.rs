//! A conversation as the next call sends it.

use super::{
    definition::PartDefinition,
    model::{Message, Request, ToolSpec, Wire, tokens::Counter},
    record::{History, Opening},
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

/// Results of tools that are never dropped: the newest ones, which the model has not answered to yet or only just.
const KEPT: usize = 2;

/// A conversation.
pub(super) struct Talk {
    pub request: Request,
    /// Of the part, where it has one of its own.
    pub route: Option<String>,
    /// Names of tools that only read and wait for nobody: a call of one may be repeated.
    pub reads: BTreeSet<String>,
    /// Each wire counts differently; messages that were counted are not counted again.
    counters: Mutex<HashMap<Wire, Counted>>,
}

#[derive(Default)]
struct Counted {
    counter: Counter,
    /// As long as nothing more is said.
    tokens: Option<u64>,
}

impl Talk {
    /// Begins one.
    pub fn open(part: &PartDefinition, system: String, prompt: String, tools: Vec<ToolSpec>) -> (Self, Opening) {
        let request = Request {
            system: system.as_str().into(),
            messages: vec![Message::User { text: prompt.clone() }],
            tools: tools.clone().into(),
            max_output: part.max_output,
            temperature: part.temperature,
            answer: part.answer.clone().map(Arc::new),
        };
        let opening = Opening {
            system,
            prompt,
            tools,
            max_output: part.max_output,
            temperature: part.temperature,
            answer: part.answer.clone(),
            history: None,
        };
        (Self { request, route: part.route.clone(), reads: BTreeSet::new(), counters: Mutex::default() }, opening)
    }

    /// Goes on with a history, which is not put on record again: `history` says where it is.
    pub fn resume(
        part: &PartDefinition,
        system: String,
        messages: Vec<Message>,
        tools: Vec<ToolSpec>,
        history: History,
    ) -> (Self, Opening) {
        let (mut talk, mut opening) = Self::open(part, system, String::new(), tools);
        talk.request.messages = messages;
        opening.history = Some(history);
        (talk, opening)
    }

    /// Something more was said.
    pub fn say(&mut self, message: Message) {
        self.request.messages.push(message);
        self.changed();
    }

    fn changed(&mut self) {
        let counters = self.counters.get_mut().unwrap_or_else(PoisonError::into_inner);
        for counted in counters.values_mut() {
            counted.tokens = None;
        }
    }

    /// Tokens of the next call on a wire, uncorrected.
    pub fn tokens(&self, wire: Wire) -> u64 {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let Counted { counter, tokens } = counters.entry(wire).or_default();
        *tokens.get_or_insert_with(|| counter.count(wire, &self.request))
    }

    /// Which messages to empty so that the context is much smaller: the oldest results of tools, until half of what
    /// tools said is gone. None where that would not help.
    pub fn too_much(&self) -> Vec<usize> {
        let bodies: Vec<(usize, usize)> = self.request.messages.iter().enumerate().filter_map(body).collect();
        let half = bodies.iter().map(|(_, size)| size).sum::<usize>() / 2;
        let droppable = bodies.len().saturating_sub(KEPT);
        let mut dropped = 0;
        let mut messages = Vec::new();
        for (at, size) in bodies.into_iter().take(droppable) {
            if dropped >= half {
                break;
            }
            dropped += size;
            messages.push(at);
        }
        messages
    }

    /// Empties messages.
    pub fn empty(&mut self, messages: &[usize]) {
        for at in messages {
            if let Some(Message::Tool { text, .. }) = self.request.messages.get_mut(*at) {
                *text = gone(text.len());
            }
        }
        self.changed();
    }
}

/// What stands in the place of a result.
fn gone(bytes: usize) -> String {
    format!("[{bytes} bytes dropped to make room; call the tool again if they are needed]")
}

/// A tool's result that is worth dropping: its place and size.
fn body((at, message): (usize, &Message)) -> Option<(usize, usize)> {
    match message {
        Message::Tool { text, .. } if text.len() > gone(0).len() + 20 => Some((at, text.len())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk(sizes: &[usize]) -> Talk {
        let part = PartDefinition {
            route: None,
            context_tokens: None,
            system: None,
            prompt: String::new(),
            tools: Vec::new(),
            max_output: 1,
            temperature: None,
            answer: None,
        };
        let (mut talk, _) = Talk::open(&part, String::new(), "x".into(), Vec::new());
        for size in sizes {
            let message = Message::Tool { id: "1".into(), text: "a".repeat(*size), failed: false };
            talk.request.messages.push(message);
        }
        talk
    }

    #[test]
    fn the_oldest_half_goes_and_the_newest_stay() {
        assert_eq!(talk(&[1_000, 1_000, 1_000, 1_000]).too_much(), [1, 2]);
        assert_eq!(talk(&[10, 5_000, 1_000, 1_000]).too_much(), [2]);
        assert_eq!(talk(&[1_000, 9_000, 9_000]).too_much(), [1]);
        assert!(talk(&[9_000, 9_000]).too_much().is_empty());

        let mut talk = talk(&[1_000, 1_000, 1_000]);
        talk.empty(&[1]);
        let Message::Tool { text, .. } = &talk.request.messages[1] else { panic!("not a tool") };
        assert!(text.contains("1000 bytes dropped"));
        assert_eq!(talk.too_much(), Vec::<usize>::new(), "what is empty is not emptied again");
    }
}
