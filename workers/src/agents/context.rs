//! What a model is told of a session: as much of its branch as fits in so many tokens.
//!
//! Pure: a branch in, messages out. The system's words and the newest summary always go in, then entries from the newest
//! one back. What is left out is named, so that it can be summarised.

#[cfg(test)]
mod tests;

use super::model::{Message, Part};
use crate::sessions::{EntryKind, SessionEntry};
use serde::Deserialize;

/// What goes around each message, in tokens.
const PER_MESSAGE: u64 = 4;
/// Stands for the rest of an answer that was cut short.
const INTERRUPTED: &str = "\n[interrupted]";
/// Stands for the middle of a tool's result.
const TRIMMED: &str = "\n[… trimmed …]\n";

/// How much may be told.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Of all together.
    pub tokens: u64,
    /// Of one tool's result; of a longer one the head and the tail are told.
    pub tool_tokens: u64,
}

/// What a model is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Every system entry, in order.
    pub system: String,
    /// In order, beginning with a user's.
    pub messages: Vec<Message>,
    #[allow(missing_docs)]
    pub tokens: u64,
    /// The oldest entry that is told as it is.
    pub from: Option<u64>,
    /// The newest entry that a summary stands for.
    pub upto: Option<u64>,
    /// The newest entry that is not told and that no summary stands for.
    pub left_out: Option<u64>,
}

/// Why a context cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// What must be told is too long.
    #[error(
        "the session needs {needs} tokens for its system text, its summary and its newest entry; {tokens} are allowed"
    )]
    TooLong {
        #[allow(missing_docs)]
        needs: u64,
        #[allow(missing_docs)]
        tokens: u64,
    },
    /// An entry has not the content of its kind.
    #[error("entry {entry} of the session cannot be read: {detail}")]
    Entry {
        #[allow(missing_docs)]
        entry: u64,
        #[allow(missing_docs)]
        detail: String,
    },
}

/// What entries hold.
#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    text: String,
    /// Of an answer that is more than its text.
    #[serde(default)]
    parts: Vec<Part>,
    /// Of a tool's result: the call's.
    #[serde(default)]
    id: String,
    #[serde(default)]
    failed: bool,
    /// Of a summary: the newest entry it stands for.
    upto: Option<u64>,
}

/// Tells as much of `branch`, which is the newest first, as fits. `count` says how many tokens a text is.
pub fn tell(branch: &[SessionEntry], budget: Budget, count: impl Fn(&str) -> u64) -> Result<Told, Unfit> {
    let mut must = Must::default();
    let mut open: Vec<(u64, Message)> = Vec::new();
    let mut covered = false;
    for entry in branch {
        let content = read(entry)?;
        covered |= must.upto == Some(entry.id);
        match entry.kind {
            EntryKind::System => must.system.insert(0, content.text),
            EntryKind::Summary if must.upto.is_none() && content.upto.is_some() => {
                (must.upto, must.summary) = (content.upto, Some(summary(&content.text)));
            }
            EntryKind::Summary => {}
            _ if covered => {}
            kind => open.push((entry.id, message(kind, entry.partial, content, budget, &count))),
        }
    }
    let system = must.system.join("\n\n");
    let mut tokens = count(&system) + must.summary.as_ref().map_or(0, |message| size(message, &count));
    let (mut messages, mut left_out) = (Vec::new(), None);
    for (n, (entry, message)) in open.into_iter().enumerate() {
        let more = size(&message, &count);
        if tokens + more > budget.tokens {
            if n == 0 {
                return Err(Unfit::TooLong { needs: tokens + more, tokens: budget.tokens });
            }
            left_out = Some(entry);
            break;
        }
        tokens += more;
        messages.push((entry, message));
    }
    messages.reverse();
    if must.summary.is_none() {
        let first = messages.iter().position(|(_, message)| matches!(message, Message::User { .. }));
        left_out = messages.drain(..first.unwrap_or(0)).next_back().map(|(entry, _)| entry).or(left_out);
    }
    let from = messages.first().map(|(entry, _)| *entry);
    let messages = in_order(must.summary, messages.into_iter().map(|(_, message)| message).collect());
    Ok(Told { system, messages, tokens, from, upto: must.upto, left_out })
}

/// What was decided to be told of a branch, which is the newest first: a summary, and the entries from one on.
pub fn retell(
    branch: &[SessionEntry],
    from: u64,
    summary: Option<&str>,
    budget: Budget,
    count: impl Fn(&str) -> u64,
) -> Result<Told, Unfit> {
    let (mut systems, mut messages) = (Vec::new(), Vec::new());
    let mut before = false;
    for entry in branch {
        match entry.kind {
            EntryKind::System => systems.insert(0, read(entry)?.text),
            EntryKind::Summary => {}
            kind if !before => messages.push(message(kind, entry.partial, read(entry)?, budget, &count)),
            _ => {}
        }
        before |= entry.id == from;
    }
    messages.reverse();
    let messages = in_order(summary.map(self::summary), messages);
    Ok(Told { system: systems.join("\n\n"), messages, tokens: 0, from: Some(from), upto: None, left_out: None })
}

/// The words of the newest summary of a branch, which is the newest first, and the newest entry that it stands for.
pub fn newest_summary(branch: &[SessionEntry]) -> Result<Option<(u64, String)>, Unfit> {
    for entry in branch.iter().filter(|entry| entry.kind == EntryKind::Summary) {
        let Content { text, upto, .. } = read(entry)?;
        if let Some(upto) = upto {
            return Ok(Some((upto, text)));
        }
    }
    Ok(None)
}

/// What an entry says, for a summary to be made of it: who, and in which words.
pub fn plain(
    entry: &SessionEntry,
    budget: Budget,
    count: impl Fn(&str) -> u64,
) -> Result<Option<(&'static str, String)>, Unfit> {
    let who = match entry.kind {
        EntryKind::System | EntryKind::Summary => return Ok(None),
        EntryKind::User => "user",
        EntryKind::Assistant => "assistant",
        EntryKind::Tool => "tool",
    };
    let Content { text, parts, .. } = read(entry)?;
    let said = |part: &Part| match part {
        Part::Text { text } => text.clone(),
        Part::ToolCall { name, arguments, .. } => format!("[calls {name} with {arguments}]"),
        Part::Opaque { .. } => String::new(),
    };
    let words = if parts.is_empty() { text } else { parts.iter().map(said).collect() };
    let words = if entry.kind == EntryKind::Tool { trim(&words, budget.tool_tokens, &count) } else { words };
    Ok((!words.trim().is_empty()).then_some((who, words)))
}

fn in_order(summary: Option<Message>, mut messages: Vec<Message>) -> Vec<Message> {
    pair(&mut messages);
    messages.splice(0..0, summary);
    messages
}

/// What is told in any case.
#[derive(Default)]
struct Must {
    system: Vec<String>,
    summary: Option<Message>,
    upto: Option<u64>,
}

fn read(entry: &SessionEntry) -> Result<Content, Unfit> {
    // What is wrong is said without the words around it.
    let wrong = |e: serde_json::Error| Unfit::Entry { entry: entry.id, detail: format!("{:?} error", e.classify()) };
    serde_json::from_str(entry.content.get()).map_err(wrong)
}

fn summary(text: &str) -> Message {
    Message::User { text: format!("What was said before, in short:\n{text}") }
}

fn message(kind: EntryKind, partial: bool, content: Content, budget: Budget, count: &impl Fn(&str) -> u64) -> Message {
    let Content { mut text, mut parts, id, failed, .. } = content;
    match kind {
        EntryKind::Tool => Message::Tool { id, text: trim(&text, budget.tool_tokens, count), failed },
        EntryKind::Assistant => {
            if partial {
                text.push_str(INTERRUPTED);
                // What was thought of an answer that never came is of no use, and may be refused.
                parts.retain(|part| matches!(part, Part::Text { .. }));
            }
            if parts.is_empty() || partial {
                parts.push(Part::Text { text });
            }
            Message::Assistant { parts }
        }
        _ => Message::User { text },
    }
}

/// Head and tail of a text, in about so many tokens.
pub fn trim(text: &str, tokens: u64, count: &impl Fn(&str) -> u64) -> String {
    let all = count(text);
    if all <= tokens {
        return text.to_owned();
    }
    // As many bytes as would be so many tokens if all parts of the text were alike.
    let keep = (text.len() as u64 * tokens / all.max(1)) as usize / 2;
    let (head, tail) = (text.floor_char_boundary(keep), text.ceil_char_boundary(text.len() - keep));
    format!("{}{TRIMMED}{}", &text[..head], &text[tail..])
}

fn size(message: &Message, count: &impl Fn(&str) -> u64) -> u64 {
    PER_MESSAGE
        + match message {
            Message::User { text } | Message::Tool { text, .. } => count(text),
            Message::Assistant { parts } => parts
                .iter()
                .map(|part| match part {
                    Part::Text { text } => count(text),
                    Part::ToolCall { name, arguments, .. } => count(name) + count(arguments),
                    Part::Opaque { value, .. } => count(&value.to_string()),
                })
                .sum(),
        }
}

/// Leaves out results without their calls, and calls without their results: providers refuse both.
fn pair(messages: &mut Vec<Message>) {
    let called: Vec<String> = messages.iter().flat_map(calls).map(str::to_owned).collect();
    messages.retain(|message| !matches!(message, Message::Tool { id, .. } if !called.contains(id)));
    let answered: Vec<String> = messages
        .iter()
        .filter_map(|message| if let Message::Tool { id, .. } = message { Some(id.clone()) } else { None })
        .collect();
    for message in messages.iter_mut() {
        if let Message::Assistant { parts } = message {
            parts.retain(|part| !matches!(part, Part::ToolCall { id, .. } if !answered.contains(id)));
        }
    }
    messages.retain(|message| !matches!(message, Message::Assistant { parts } if parts.is_empty()));
}

fn calls(message: &Message) -> impl Iterator<Item = &str> {
    let parts = if let Message::Assistant { parts } = message { parts.as_slice() } else { &[] };
    parts.iter().filter_map(|part| if let Part::ToolCall { id, .. } = part { Some(id.as_str()) } else { None })
}
