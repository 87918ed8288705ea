//! Reads a session's branch, from an entry back as far as it may be told.

use super::turn::Turn;
use crate::{
    agents::{Halt, context},
    sessions::{Room, SessionEntry, Sessions as _},
};

/// What is read at once.
const PAGE: Room = Room { entries: 500, bytes: 2 << 20 };
/// Most bytes that are read of a branch; what is before that is as if it had not been said.
const MOST: usize = 64 << 20;

/// Entries from `leaf` back to where the newest summary begins to stand for them, or to the root; the newest first. No
/// more than `enough` bytes of them where there is no summary, for a reader that will make none.
pub(super) async fn read(turn: &Turn, leaf: u64, enough: Option<usize>) -> Result<Vec<SessionEntry>, Halt> {
    let mut branch: Vec<SessionEntry> = Vec::new();
    let (mut from, mut bytes) = (Some(leaf), 0);
    while let Some(at) = from {
        let page = turn.store.branch(turn.session, Some(at), PAGE).await?;
        let Some(last) = page.last() else { break };
        from = last.parent;
        bytes += page.iter().map(|entry| entry.content.get().len()).sum::<usize>();
        branch.extend(page);
        let summary = context::newest_summary(&branch).map_err(unfit)?;
        let covered = summary.as_ref().is_some_and(|(upto, _)| branch.iter().any(|entry| entry.id == *upto));
        let is_enough = summary.is_none() && enough.is_some_and(|enough| bytes > enough);
        if covered || is_enough || bytes > MOST {
            break;
        }
    }
    Ok(branch)
}

#[allow(clippy::needless_pass_by_value, reason = "it is what an error is mapped with")]
pub(super) fn unfit(unfit: context::Unfit) -> Halt {
    let code = match &unfit {
        context::Unfit::TooLong { .. } => "too_long",
        context::Unfit::Entry { .. } => "bad_entry",
    };
    Halt::fail(code, unfit.to_string())
}
