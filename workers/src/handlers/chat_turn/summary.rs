//! Older entries in short: made by the agent's part `summary` when there is no room for them any more, step by step.

use super::{branch, left, turn::Turn};
use crate::{
    agents::{
        Halt, Run, Toolbox,
        context::{self, Budget},
        history::count,
    },
    hex::hex,
    sessions::SessionEntry,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// The part of the agent that makes it.
pub(super) const PART: &str = "summary";
/// The thread of the first piece.
const FIRST: u32 = 1;
/// Most tokens of one piece, where the model takes in as many.
const PIECE: u64 = 24_000;
/// Most pieces; where there are more, the oldest are as if they had not been said.
const MAX_PIECES: usize = 64;
/// Of one earlier result of a tool, and of one long message.
const TOOL: u64 = 500;

/// A summary of all entries up to one, on the ground of the one there is. It is left with the answer.
pub(super) async fn make(
    run: &Run,
    turn: &Turn,
    branch: &[SessionEntry],
    earlier: Option<(u64, String)>,
    upto: u64,
) -> Result<String, Halt> {
    turn.cx.progress(0, None, "summarizing what was said before");
    let room = run.room(PART, &json!({ "fence": "", "earlier": "", "talk": "" }), &Toolbox::default())?;
    // The earlier summary goes in as well.
    let piece = (room.most / 2).min(PIECE);
    let (covered, mut text) = earlier.map_or((None, String::new()), |(covered, text)| (Some(covered), text));
    let mut model = String::new();
    for (n, talk) in pieces(&between(branch, covered, upto), piece)?.into_iter().enumerate() {
        let vars = json!({ "fence": fence(&text, &talk), "earlier": text, "talk": talk });
        let answer = run.converse(FIRST + n as u32, PART, &vars, &Toolbox::default()).await?;
        // It goes on record, and what comes after it repeats what it says.
        (text, model) = (turn.fit(answer.text.trim()), answer.model);
    }
    turn.summarized(left::summary(&text, upto, &model));
    Ok(text)
}

/// The entries of a branch, which is the newest first, from `upto` back to the one that is covered; in the order they
/// were said.
fn between(branch: &[SessionEntry], covered: Option<u64>, upto: u64) -> Vec<&SessionEntry> {
    let older = branch.iter().skip_while(|entry| entry.id != upto);
    let mut entries: Vec<_> = older.take_while(|entry| Some(entry.id) != covered).collect();
    entries.reverse();
    entries
}

/// What they say, in pieces of about so many tokens.
fn pieces(entries: &[&SessionEntry], tokens: u64) -> Result<Vec<String>, Halt> {
    let budget = Budget { tokens, tool_tokens: TOOL.min(tokens) };
    let (mut pieces, mut piece, mut size) = (Vec::new(), String::new(), 0);
    for entry in entries {
        let Some((who, words)) = context::plain(entry, budget, count).map_err(branch::unfit)? else { continue };
        let words = context::trim(&words, tokens, &count);
        let line = format!("[{who}]\n{words}\n\n");
        let more = count(&line);
        if size + more > tokens && !piece.is_empty() {
            pieces.push(std::mem::take(&mut piece));
            size = 0;
        }
        piece.push_str(&line);
        size += more;
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    let old = pieces.len().saturating_sub(MAX_PIECES);
    Ok(pieces.split_off(old))
}

/// A mark that what stands between two of it does not hold: it follows from all of it.
fn fence(earlier: &str, talk: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(earlier);
    hash.update([0]);
    hash.update(talk);
    format!("data-{}", hex(&hash.finalize()[..8]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::timestamp, sessions::EntryKind};
    use serde_json::value::to_raw_value;

    fn entry(id: u64, kind: EntryKind, text: &str) -> SessionEntry {
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
            content: to_raw_value(&json!({ "text": text })).unwrap(),
        }
    }

    #[test]
    fn what_is_between_two_entries_is_a_matter_of_places_and_not_of_numbers() {
        // A message that waited has a lower number than the answer it follows.
        let branch = [(7, "d"), (5, "c"), (6, "b"), (4, "a")].map(|(id, text)| entry(id, EntryKind::User, text));
        let ids = |covered, upto| between(&branch, covered, upto).iter().map(|e| e.id).collect::<Vec<_>>();
        assert_eq!(ids(None, 5), [4, 6, 5]);
        assert_eq!(ids(Some(4), 5), [6, 5]);
        assert_eq!(ids(Some(6), 7), [5, 7]);
    }

    #[test]
    fn long_talk_is_told_in_pieces() {
        let long = "word ".repeat(400);
        let entries: Vec<_> = (0..6).map(|n| entry(n, EntryKind::User, &long)).collect();
        let all: Vec<&SessionEntry> = entries.iter().collect();
        let pieces = pieces(&all, 1_000).unwrap();
        assert_eq!(pieces.len(), 3);
        assert!(pieces.iter().all(|piece| piece.starts_with("[user]\nword") && count(piece) <= 1_000));
        assert_ne!(fence("", &pieces[0]), fence(&pieces[0], ""));
    }
}
