//! What an object looks like, and what is refused.

use super::format;
use crate::sessions::{Busy, EntryKind, Session, SessionEntry, SessionId};
use flotilla_jobs::JobId;
use jiff::Timestamp;
use serde_json::value::RawValue;

fn session() -> Session {
    Session {
        id: SessionId::new(),
        tenant: "acme".to_owned(),
        title: Some("two\u{2028}lines".to_owned()),
        busy: Busy::Steer,
        head: Some(2),
        turn: None,
        version: 7,
        forked_from: None,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
        archived_at: None,
    }
}

fn entry(id: u64, content: &str) -> SessionEntry {
    SessionEntry {
        id,
        parent: id.checked_sub(1).filter(|parent| *parent > 0),
        kind: EntryKind::User,
        waiting: id == 3,
        partial: false,
        client_id: Some(format!("c{id}")),
        job: Some(JobId::new()),
        turn: None,
        created_at: Timestamp::from_millisecond(1_700_000_000_123).unwrap(),
        content: RawValue::from_string(content.to_owned()).unwrap(),
    }
}

fn entries() -> Vec<SessionEntry> {
    vec![entry(1, r#"{"text":"a\nb"}"#), entry(2, "{\n \"text\" : \"\u{1F600}\"\r\n}"), entry(3, "{}")]
}

#[test]
fn what_is_written_is_read_to_the_byte_line_by_line() {
    let (session, entries) = (session(), entries());
    let object = format::write(&session, &entries).unwrap();
    assert_eq!(str::from_utf8(&object).unwrap().lines().count(), 1 + entries.len());
    let text = |entries: &[SessionEntry]| serde_json::to_string(entries).unwrap();
    assert_eq!(text(&format::read(&object).unwrap()), text(&entries));
    // The same session is the same object.
    assert_eq!(format::write(&session, &entries).unwrap(), object);
    assert_eq!(format::hash(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[test]
fn what_is_cut_or_of_another_kind_is_refused() {
    let object = format::write(&session(), &entries()).unwrap();
    for end in 0..object.len() - 1 {
        let read = format::read(&object[..end]);
        // Without the last line feed it is whole; a line less and it is not what its head says.
        assert!(read.is_err(), "{end} of {}", object.len());
    }
    let text = String::from_utf8(object).unwrap();
    for (from, to) in
        [("flotilla-session", "other"), ("\"version\":1", "\"version\":2"), ("\"entries\":3", "\"entries\":4")]
    {
        assert!(format::read(text.replacen(from, to, 1).as_bytes()).is_err(), "{from}");
    }
    let secret = text.replacen("\"kind\":\"user\"", "\"kind\":\"SECRET\"", 1);
    let why = format::read(secret.as_bytes()).unwrap_err();
    assert!(why.contains("line 2") && !why.contains("SECRET"), "{why}");
}
