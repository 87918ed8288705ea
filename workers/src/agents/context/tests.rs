//! What is told of a session, and what is not.

use super::{Budget, Told, Unfit, tell};
use crate::{
    agents::model::{Message, Part},
    clock::timestamp,
    sessions::{EntryKind, SessionEntry},
};
use serde_json::{Value, json, value::to_raw_value};

/// Words are tokens here.
fn words(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

fn entry(id: u64, kind: EntryKind, content: &Value) -> SessionEntry {
    SessionEntry {
        id,
        parent: None,
        kind,
        waiting: false,
        partial: false,
        client_id: None,
        job: None,
        turn: None,
        created_at: timestamp(0),
        content: to_raw_value(content).unwrap(),
    }
}

fn said(id: u64, kind: EntryKind, text: &str) -> SessionEntry {
    entry(id, kind, &json!({ "text": text }))
}

fn budget(tokens: u64) -> Budget {
    Budget { tokens, tool_tokens: 4 }
}

/// Tells entries that are given in the order they were said.
fn told(mut entries: Vec<SessionEntry>, tokens: u64) -> Result<Told, Unfit> {
    entries.reverse();
    tell(&entries, budget(tokens), words)
}

fn texts(told: &Told) -> Vec<String> {
    let text = |message: &Message| match message {
        Message::User { text } | Message::Tool { text, .. } => text.clone(),
        Message::Assistant { parts } => match parts.first() {
            Some(Part::Text { text }) => text.clone(),
            other => format!("{other:?}"),
        },
    };
    told.messages.iter().map(text).collect()
}

fn talk() -> Vec<SessionEntry> {
    vec![
        said(1, EntryKind::System, "be kind"),
        said(2, EntryKind::User, "one"),
        said(3, EntryKind::Assistant, "1"),
        said(4, EntryKind::User, "two"),
        said(5, EntryKind::Assistant, "2"),
        said(6, EntryKind::User, "three"),
    ]
}

#[test]
fn all_of_a_short_session_is_told() {
    let told = told(talk(), 1_000).unwrap();
    assert_eq!(told.system, "be kind");
    assert_eq!(texts(&told), ["one", "1", "two", "2", "three"]);
    assert_eq!((told.tokens, told.left_out), (2 + 5 * 5, None));
}

#[test]
fn of_a_long_one_the_newest_entries_are() {
    // Room for the system and three messages.
    let some = told(talk(), 2 + 3 * 5 + 1).unwrap();
    assert_eq!(texts(&some), ["two", "2", "three"]);
    assert_eq!((some.left_out, some.system.as_str()), (Some(3), "be kind"));
    // It begins with a user's, so an answer at the border is not told either.
    let one = told(talk(), 2 + 2 * 5).unwrap();
    assert_eq!((texts(&one), one.left_out), (vec!["three".to_owned()], Some(5)));
}

#[test]
fn what_must_be_told_has_to_fit() {
    let refused = told(talk(), 6).unwrap_err();
    assert_eq!(refused, Unfit::TooLong { needs: 7, tokens: 6 });
    assert!(!refused.to_string().contains("three"));
}

#[test]
fn a_summary_stands_for_what_it_covers() {
    let mut talk = talk();
    talk.insert(5, entry(7, EntryKind::Summary, &json!({"text": "old things", "upto": 3})));
    let some = told(talk.clone(), 1_000).unwrap();
    assert_eq!(texts(&some), ["What was said before, in short:\nold things", "two", "2", "three"]);
    assert_eq!(some.left_out, None);
    // A newer one takes the place of the older.
    talk.push(entry(8, EntryKind::Summary, &json!({"text": "all", "upto": 5})));
    assert_eq!(texts(&told(talk, 1_000).unwrap()), ["What was said before, in short:\nall", "three"]);
}

#[test]
fn a_tools_result_is_trimmed_and_goes_with_its_call() {
    let call = json!({"parts": [{"type": "tool_call", "id": "c", "name": "read", "arguments": "{}"}]});
    let long = (0..100).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
    let entries = vec![
        said(1, EntryKind::User, "read it"),
        entry(2, EntryKind::Assistant, &call),
        entry(3, EntryKind::Tool, &json!({"id": "c", "text": long})),
        said(4, EntryKind::Assistant, "done"),
        said(5, EntryKind::User, "thanks"),
    ];
    let all = told(entries.clone(), 1_000).unwrap();
    assert_eq!(all.messages.len(), 5);
    let Message::Tool { id, text, .. } = &all.messages[2] else { panic!("{all:?}") };
    assert!(id == "c" && text.starts_with("0 1") && text.ends_with("99") && text.len() < 50, "{text}");
    // Where its call is left out, so is the result.
    let some = told(entries.clone(), 5 + 5 + 12).unwrap();
    assert_eq!(texts(&some), ["thanks"]);
    let some = told(entries[2..].to_vec(), 1_000).unwrap();
    assert_eq!(texts(&some), ["thanks"]);
    // A call that was never answered is not told.
    let some = told(vec![entries[0].clone(), entries[1].clone(), entries[4].clone()], 1_000).unwrap();
    assert_eq!(texts(&some), ["read it", "thanks"]);
}

#[test]
fn an_answer_that_was_cut_short_says_so() {
    let mut cut = said(2, EntryKind::Assistant, "on the one ha");
    cut.partial = true;
    let entries = vec![said(1, EntryKind::User, "well?"), cut, said(3, EntryKind::User, "never mind")];
    assert_eq!(texts(&told(entries, 1_000).unwrap()), ["well?", "on the one ha\n[interrupted]", "never mind"]);
}

#[test]
fn an_entry_that_cannot_be_read_is_named_without_its_words() {
    let refused = told(vec![entry(9, EntryKind::User, &json!({"text": 5, "secret": "x"}))], 1_000).unwrap_err();
    assert_eq!(refused.to_string(), "entry 9 of the session cannot be read: Data error");
    assert_eq!(told(Vec::new(), 10).unwrap().messages, []);
}

/// Whatever is said, what is told is within the budget, or refused.
#[test]
fn the_budget_holds() {
    for tokens in 0..60 {
        for n in 1..=talk().len() {
            match told(talk()[..n].to_vec(), tokens) {
                Ok(told) => assert!(told.tokens <= tokens || told.messages.is_empty(), "{tokens}: {told:?}"),
                Err(refused) => assert!(matches!(refused, Unfit::TooLong { needs, .. } if needs > tokens)),
            }
        }
    }
}
