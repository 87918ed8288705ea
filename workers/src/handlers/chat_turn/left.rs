//! What a turn leaves in its session, as entries.

use crate::{
    agents::model::{Message, Part, text_of},
    sessions::{EntryKind, Left, MAX_ENTRY, NewEntry, SessionId},
};
use serde_json::{
    Value, json,
    value::{RawValue, to_raw_value},
};

/// Most bytes of text of an entry that would be too long otherwise; escapes may make six of each.
const MAX_TEXT: usize = MAX_ENTRY / 8;

/// What a model or a tool said; none where it said nothing.
pub(super) fn entry(by: Option<&str>, message: &Message) -> Option<NewEntry> {
    match message {
        Message::User { .. } => None,
        Message::Assistant { parts } => {
            let text = text_of(parts);
            let is_plain = parts.iter().all(|part| matches!(part, Part::Text { .. }));
            if is_plain && text.trim().is_empty() {
                return None;
            }
            let mut content = json!({ "text": text });
            if let Some(by) = by {
                content["model"] = by.into();
            }
            if !is_plain {
                content["parts"] = json!(parts);
            }
            Some(new(EntryKind::Assistant, false, &content))
        }
        Message::Tool { id, text, failed } => {
            Some(new(EntryKind::Tool, false, &json!({ "id": id, "text": text, "failed": failed })))
        }
    }
}

/// An answer that was cut short.
pub(super) fn partial(text: &str) -> NewEntry {
    new(EntryKind::Assistant, true, &json!({ "text": text }))
}

/// Stands for all entries up to one.
pub(super) fn summary(text: &str, upto: u64, by: &str) -> NewEntry {
    new(EntryKind::Summary, false, &json!({ "text": text, "upto": upto, "model": by }))
}

/// What a session takes: where all of it is too much, the answer without what led to it.
pub(super) fn within_limits(session: SessionId, summary: Option<&NewEntry>, entries: Vec<NewEntry>) -> Left {
    let all = |entries: Vec<NewEntry>| Left { session, entries: summary.cloned().into_iter().chain(entries).collect() };
    let left = all(entries.clone());
    if left.check().is_ok() {
        return left;
    }
    all(entries.into_iter().next_back().map(shorter).into_iter().collect())
}

/// An entry that is too long, without its end.
fn shorter(entry: NewEntry) -> NewEntry {
    if entry.content.get().len() <= MAX_ENTRY {
        return entry;
    }
    let content: Value = serde_json::from_str(entry.content.get()).unwrap_or_default();
    let text = content["text"].as_str().unwrap_or_default();
    let kept = &text[..text.floor_char_boundary(MAX_TEXT)];
    new(entry.kind, entry.partial, &json!({ "text": kept, "model": content["model"], "cut": text.len() - kept.len() }))
}

/// The same answer with another text, in the place of its first one.
pub(super) fn with_text(parts: &[Part], text: String) -> Vec<Part> {
    let mut text = Some(text);
    let other = |part: &Part| match part {
        Part::Text { .. } => text.take().map(|text| Part::Text { text }),
        part => Some(part.clone()),
    };
    parts.iter().filter_map(other).collect()
}

fn new(kind: EntryKind, partial: bool, content: &Value) -> NewEntry {
    // A value is JSON.
    let content = to_raw_value(content).unwrap_or_else(|_| RawValue::NULL.to_owned());
    NewEntry { kind, partial, content }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_calls_nothing_is_its_text() {
        let said = |parts| entry(Some("small"), &Message::Assistant { parts }).map(|one| one.content.get().to_owned());
        let text = |text: &str| Part::Text { text: text.to_owned() };
        assert_eq!(said(vec![text("a"), text("b")]).unwrap(), r#"{"model":"small","text":"ab"}"#);
        assert_eq!(said(vec![text(" ")]), None);
        let call = Part::ToolCall { id: "1".into(), name: "look".into(), arguments: "{}".into() };
        assert!(said(vec![text("a"), call]).unwrap().contains(r#""parts":[{"#));
        let tool = entry(None, &Message::Tool { id: "1".into(), text: "b".into(), failed: false }).unwrap();
        assert_eq!((tool.kind, tool.content.get()), (EntryKind::Tool, r#"{"failed":false,"id":"1","text":"b"}"#));
    }

    #[test]
    fn what_is_too_much_is_the_answer_alone() {
        let session = SessionId::new();
        let many = vec![partial("x"); 1_500];
        assert_eq!(within_limits(session, Some(&summary("s", 1, "m")), many).entries.len(), 2);
        let long = vec![partial(&"\u{1}".repeat(MAX_ENTRY))];
        let left = within_limits(session, None, long);
        assert!(left.check().is_ok() && left.entries[0].content.get().contains("\"cut\":"));
    }
}
