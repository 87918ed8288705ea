//! Reads a session's branch, from an entry back as far as it may be told.

use super::turn::Turn;
use crate::{
    agents::{Halt, context},
    sessions::{Room, SessionEntry, Sessions as _},
};
use std::collections::VecDeque;

/// What is read at once.
const PAGE: Room = Room { entries: 500, bytes: 2 << 20 };
/// Most bytes that are read of a branch; what is before that is as if it had not been said.
const MOST: usize = 64 << 20;

/// Entries from `leaf` back to where the newest summary begins to stand for them, or to the root; the newest first. No
/// more than `enough` bytes of them where there is no summary, for a reader that will make none. `known` are those that
/// were read before, from some entry back.
///
/// How far it goes does not depend on what is known: every run of the turn is told the same.
pub(super) async fn read(
    turn: &Turn,
    leaf: u64,
    enough: Option<usize>,
    known: VecDeque<SessionEntry>,
) -> Result<Vec<SessionEntry>, Halt> {
    let mut source = Source { turn, read: VecDeque::new(), known };
    let mut branch: Vec<SessionEntry> = Vec::new();
    let (mut from, mut bytes) = (Some(leaf), 0);
    while from.is_some() {
        let mut page = 0;
        for n in 0..PAGE.entries {
            let Some(entry) = source.next(from, n).await? else { break };
            page += entry.content.get().len();
            if n > 0 && page as u64 > PAGE.bytes {
                source.read.push_front(entry);
                break;
            }
            bytes += entry.content.get().len();
            from = entry.parent;
            branch.push(entry);
        }
        let summary = context::newest_summary(&branch).map_err(unfit)?;
        let covered = summary.as_ref().is_some_and(|(upto, _)| branch.iter().any(|entry| entry.id == *upto));
        let is_enough = summary.is_none() && enough.is_some_and(|enough| bytes > enough);
        if page == 0 || covered || is_enough || bytes > MOST {
            break;
        }
    }
    Ok(branch)
}

/// Where entries come from, one after another.
struct Source<'t> {
    turn: &'t Turn,
    /// From the record.
    read: VecDeque<SessionEntry>,
    known: VecDeque<SessionEntry>,
}

impl Source<'_> {
    /// The entry of this number, which follows the one before it on its way back; `None` behind the root. `n` of its page
    /// came before it.
    async fn next(&mut self, at: Option<u64>, n: u32) -> Result<Option<SessionEntry>, Halt> {
        let Some(at) = at else { return Ok(None) };
        if self.read.is_empty() {
            let first = self.known.front().map(|entry| entry.id);
            if first == Some(at) {
                return Ok(self.known.pop_front());
            }
            // Numbers rise with time, so that there are hardly more than these until it is known.
            let new = first.and_then(|first| at.checked_sub(first)).and_then(|new| u32::try_from(new).ok());
            let entries = new.unwrap_or(PAGE.entries).min(PAGE.entries - n);
            let page = self.turn.store.branch(self.turn.session, Some(at), Room { entries, ..PAGE }).await?;
            self.read = page.into_iter().take_while(|entry| Some(entry.id) != first).collect();
        }
        Ok(self.read.pop_front())
    }
}

#[allow(clippy::needless_pass_by_value, reason = "it is what an error is mapped with")]
pub(super) fn unfit(unfit: context::Unfit) -> Halt {
    let code = match &unfit {
        context::Unfit::TooLong { .. } => "too_long",
        context::Unfit::Entry { .. } => "bad_entry",
    };
    Halt::fail(code, unfit.to_string())
}
