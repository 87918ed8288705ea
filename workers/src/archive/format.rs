//! An object: JSON lines. The first says what it is and has the session; each of the others has an entry, as it is on
//! record to the byte.

use crate::{
    hex::hex,
    sessions::{Session, SessionEntry},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What the first line says that the others are.
const FORMAT: &str = "flotilla-session";
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Head {
    format: String,
    version: u32,
    session: Session,
    entries: u64,
}

/// A session as an object.
pub(super) fn write(session: &Session, entries: &[SessionEntry]) -> Result<Vec<u8>, String> {
    let head =
        Head { format: FORMAT.to_owned(), version: VERSION, session: session.clone(), entries: entries.len() as u64 };
    let mut object = serde_json::to_vec(&head).map_err(|e| e.to_string())?;
    object.push(b'\n');
    for entry in entries {
        let text = serde_json::to_string(entry).map_err(|e| e.to_string())?;
        if text.contains(['\n', '\r']) {
            // Between the tokens of its content there may be line ends, which are kept: as a text that is one line.
            serde_json::to_writer(&mut object, &text).map_err(|e| e.to_string())?;
        } else {
            object.extend_from_slice(text.as_bytes());
        }
        object.push(b'\n');
    }
    Ok(object)
}

/// The entries of an object; an error says what is wrong with it, and nothing of what was said.
pub(super) fn read(object: &[u8]) -> Result<Vec<SessionEntry>, String> {
    let mut lines = object.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let head = lines.next().ok_or("it is empty")?;
    let head: Head = serde_json::from_slice(head).map_err(|e| place(1, &e))?;
    if head.format != FORMAT || head.version != VERSION {
        return Err(format!("it is no {FORMAT} of version {VERSION}"));
    }
    let entries =
        lines.zip(2..).map(|(line, n)| entry(line).map_err(|e| place(n, &e))).collect::<Result<Vec<_>, _>>()?;
    if entries.len() as u64 != head.entries {
        return Err(format!("it has {} entries and says that it has {}", entries.len(), head.entries));
    }
    Ok(entries)
}

fn entry(line: &[u8]) -> serde_json::Result<SessionEntry> {
    if line.first() == Some(&b'"') {
        let text: String = serde_json::from_slice(line)?;
        return serde_json::from_str(&text);
    }
    serde_json::from_slice(line)
}

fn place(line: usize, error: &serde_json::Error) -> String {
    format!("line {line} cannot be read at column {}", error.column())
}

/// SHA-256 in hex.
pub(super) fn hash(object: &[u8]) -> String {
    hex(&Sha256::digest(object))
}
