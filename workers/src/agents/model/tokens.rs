//! How many tokens a request is: counted with OpenAI's vocabulary, corrected by what providers counted.
//!
//! No vendor says exactly how a request becomes tokens. The count is close for OpenAI; for others the ledger's past calls
//! say by how much it is off ([`Factors`]).

use super::{Message, Model, Part, Request, Wire};
use crate::ledger::Estimated;
use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

/// What goes around each message, and around each call in one.
const PER_MESSAGE: u64 = 4;
/// What goes around each tool.
const PER_TOOL: u64 = 8;
/// What the start of an answer takes.
const PER_REQUEST: u64 = 3;
/// What Anthropic tells its models of tools, where there are any.
const ANTHROPIC_TOOLS: u64 = 346;

/// A factor of 1, in thousandths.
const ONE: u64 = 1_000;
/// Estimates are never made smaller, and never more than doubled.
const MOST: u64 = 2_000;
/// For models of others than OpenAI of which nothing is known yet.
const UNKNOWN: u64 = 1_300;
/// What a hold has on top of an estimate, in thousandths.
const MARGIN: u64 = 50;

/// Builds the vocabulary, which takes some 100 ms of a core; otherwise the first runs wait for it, each on its thread.
pub fn prepare() {
    bpe_openai::o200k_base();
}

/// Tokens of a text.
pub fn count(text: &str) -> u64 {
    bpe_openai::o200k_base().count(text) as u64
}

/// Counts the requests of one conversation. What was counted before is not counted again, as long as messages are only
/// added; otherwise counting starts again where they differ.
#[derive(Debug, Default)]
pub struct Counter {
    fixed: Option<(u64, u64)>,
    messages: Vec<(u64, u64)>,
}

impl Counter {
    /// Tokens of a request, uncorrected.
    pub fn count(&mut self, wire: Wire, request: &Request) -> u64 {
        let print = fingerprint(|hash| {
            (wire, &request.system).hash(hash);
            for tool in &*request.tools {
                (&tool.name, &tool.description, tool.parameters.to_string()).hash(hash);
            }
            request.answer.as_ref().map(|shape| (&shape.name, shape.schema.to_string())).hash(hash);
        });
        let fixed = match self.fixed {
            Some((known, tokens)) if known == print => tokens,
            _ => fixed(wire, request),
        };
        if self.fixed.is_none_or(|(known, _)| known != print) {
            // Another wire counts messages differently.
            self.messages.clear();
            self.fixed = Some((print, fixed));
        }
        self.messages.truncate(request.messages.len());
        for (at, message) in request.messages.iter().enumerate() {
            let print = fingerprint(|hash| of_message(message, hash));
            if self.messages.get(at).is_some_and(|(known, _)| *known == print) {
                continue;
            }
            self.messages.truncate(at);
            self.messages.push((print, message_tokens(wire, message)));
        }
        fixed + self.messages.iter().map(|(_, tokens)| tokens).sum::<u64>()
    }
}

fn fixed(wire: Wire, request: &Request) -> u64 {
    let mut tokens = PER_REQUEST;
    if !request.system.is_empty() {
        tokens += PER_MESSAGE + count(&request.system);
    }
    for tool in &*request.tools {
        tokens += PER_TOOL + count(&tool.name) + count(&tool.description) + count(&tool.parameters.to_string());
    }
    if let Some(shape) = &request.answer {
        tokens += PER_TOOL + count(&shape.name) + count(&shape.schema.to_string());
    }
    if wire == Wire::Anthropic && !(request.tools.is_empty() && request.answer.is_none()) {
        tokens += ANTHROPIC_TOOLS;
    }
    tokens
}

fn message_tokens(wire: Wire, message: &Message) -> u64 {
    PER_MESSAGE
        + match message {
            Message::User { text } => count(text),
            Message::Tool { text, .. } => PER_MESSAGE + count(text),
            Message::Assistant { parts } => parts.iter().map(|part| part_tokens(wire, part)).sum(),
        }
}

fn part_tokens(wire: Wire, part: &Part) -> u64 {
    match part {
        Part::Text { text } => count(text),
        Part::ToolCall { name, arguments, .. } => PER_TOOL + count(name) + count(arguments),
        // Goes back to those it came from, and to nobody else.
        Part::Opaque { wire: own, value } if *own == wire => count(&value.to_string()),
        Part::Opaque { .. } => 0,
    }
}

fn of_message(message: &Message, hash: &mut DefaultHasher) {
    match message {
        Message::User { text } => (0u8, text).hash(hash),
        Message::Tool { text, .. } => (1u8, text).hash(hash),
        Message::Assistant { parts } => {
            2u8.hash(hash);
            for part in parts {
                match part {
                    Part::Text { text } => (0u8, text).hash(hash),
                    Part::ToolCall { name, arguments, .. } => (1u8, name, arguments).hash(hash),
                    Part::Opaque { wire, value } => (2u8, wire, value).hash(hash),
                }
            }
        }
    }
}

fn fingerprint(write: impl FnOnce(&mut DefaultHasher)) -> u64 {
    let mut hash = DefaultHasher::new();
    write(&mut hash);
    hash.finish()
}

/// By how much the count is off, for each model, in thousandths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Factors {
    learned: BTreeMap<String, u64>,
}

impl Factors {
    /// What the ledger's calls say. [`Estimated::model`] is a model's name here, as calls are put on record.
    pub fn learned(estimates: &[Estimated]) -> Self {
        let factor = |one: &Estimated| {
            let exact = u128::from(one.counted) * u128::from(ONE) / u128::from(one.estimated);
            (one.model.clone(), u64::try_from(exact).unwrap_or(MOST).clamp(ONE, MOST))
        };
        Self { learned: estimates.iter().filter(|one| one.estimated > 0 && one.counted > 0).map(factor).collect() }
    }

    /// The factor of a model, in thousandths: 1,000 to 2,000.
    pub fn of(&self, model: &Model) -> u64 {
        let before = || if is_openai(&model.id) { ONE } else { UNKNOWN };
        self.learned.get(&model.name).copied().unwrap_or_else(before)
    }

    /// A count, corrected.
    pub fn corrected(&self, model: &Model, counted: u64) -> u64 {
        scaled(counted, self.of(model))
    }

    /// What to hold on a budget for a count: corrected, and 5 % more.
    pub fn held(&self, model: &Model, counted: u64) -> u64 {
        scaled(self.corrected(model, counted), ONE + MARGIN)
    }
}

/// Rounded up: estimates err on the dear side.
fn scaled(tokens: u64, thousandths: u64) -> u64 {
    let exact = (u128::from(tokens) * u128::from(thousandths)).div_ceil(u128::from(ONE));
    u64::try_from(exact).unwrap_or(u64::MAX)
}

/// Whether a model's vocabulary is the one that is counted with.
fn is_openai(id: &str) -> bool {
    let name = id.strip_prefix("openai/").unwrap_or(id);
    let thinks = name.strip_prefix('o').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    thinks || ["gpt-", "chatgpt-", "codex"].iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests;
