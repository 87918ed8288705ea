//! What the agent is told of its session: decided once a turn, on record, and the same wherever the turn goes on.

use super::{
    DECISIONS, PART, branch,
    kept::{Keeper, Known},
    summary,
    turn::{Turn, words},
};
use crate::{
    agents::{
        Before, Halt, History, Run, Toolbox,
        context::{self, Budget},
        counted::Counts,
        history::Room,
    },
    sessions::{Began, Busy, EntryKind, SessionEntry},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Most tokens of one earlier result of a tool.
const TOOL: u64 = 2_000;
/// More bytes than so many are never as few tokens as there may be.
const BYTES_PER_TOKEN: u64 = 16;
/// Most bytes of the newest messages that the journal shows.
const SHOWN: usize = 64 << 10;

/// What is decided. Entries never change, so that their numbers are enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Decided {
    /// The entry that the branch is read from.
    pub leaf: u64,
    /// The oldest one that is told as it is.
    pub from: u64,
    /// The newest one that an earlier summary stands for.
    pub covered: Option<u64>,
    /// The newest one that a summary is made for.
    pub summarize: Option<u64>,
    /// Of one earlier result of a tool.
    pub tool_tokens: u64,
    /// The newest message of the turn, where people may say more before it is over.
    pub heard: Option<u64>,
}

/// What is told before the first step.
pub(super) async fn before(
    run: &Run,
    began: &Began,
    turn: &Turn,
    (vars, tools): (&Value, &Toolbox),
    keeper: Option<&Keeper>,
) -> Result<Before, Halt> {
    let known: Option<Decided> = run.decided(DECISIONS)?;
    let leaf = known.as_ref().map_or(began.leaf, |decided| decided.leaf);
    let room = run.room(PART, vars, tools)?;
    let can_summarize = run.has_part(summary::PART);
    let enough = (!can_summarize).then_some((room.most * BYTES_PER_TOKEN) as usize);
    let Known { entries, counts } = match keeper {
        Some(keeper) => keeper.known().await,
        None => Known::default(),
    };
    let is_new = entries.front().is_none_or(|entry| entry.id != leaf);
    let branch = branch::read(turn, leaf, enough, entries).await?;
    let decided = match known {
        Some(decided) => decided,
        None => decide(&branch, leaf, room, began, can_summarize, &counts)?,
    };
    let decided = run.decide(DECISIONS, "told", &(), || decided).await?;
    let earlier = context::newest_summary(&branch).map_err(branch::unfit)?;
    let summary = match decided.summarize {
        Some(upto) => Some(summary::make(run, turn, &branch, earlier, upto).await?),
        None => earlier.filter(|_| decided.covered.is_some()).map(|(_, text)| text),
    };
    let budget = Budget { tokens: room.most, tool_tokens: decided.tool_tokens };
    let told = context::retell(&branch, decided.from, summary.as_deref(), budget, |text| counts.of(text))
        .map_err(branch::unfit)?;
    if let Some(keeper) = keeper.filter(|_| is_new) {
        keeper.keep(&branch, &counts).await;
    }
    let newest = newest(began)?;
    let messages = told.messages.len() as u64;
    let history = History { leaf: decided.leaf, from: decided.from, messages, newest };
    Ok(Before { system: told.system, messages: told.messages, history, heard: decided.heard })
}

/// As much as there is room for. Where something is left out, far less is told, so that there is room for what comes
/// next, and a summary stands for the rest.
fn decide(
    branch: &[SessionEntry],
    leaf: u64,
    room: Room,
    began: &Began,
    can_summarize: bool,
    counts: &Counts,
) -> Result<Decided, Halt> {
    let tell = |tokens| context::tell(branch, Budget { tokens, tool_tokens: TOOL }, |text| counts.of(text));
    let told = match tell(room.usual) {
        // One long message may have all that the model takes in.
        Err(context::Unfit::TooLong { .. }) if room.usual < room.most => tell(room.most),
        told => told,
    };
    let mut told = told.map_err(branch::unfit)?;
    if told.left_out.is_some() && can_summarize {
        told = tell(room.usual / 2).ok().filter(|less| less.left_out.is_some() && less.from.is_some()).unwrap_or(told);
    }
    let (mut from, mut summarize) = (told.from.unwrap_or(leaf), told.left_out.filter(|_| can_summarize));
    if let (Some(_), Some(at)) = (summarize, first_of_user(branch, from)) {
        (from, summarize) = (branch[at].id, branch.get(at + 1).map(|before| before.id));
    }
    let steers = began.session.busy == Busy::Steer;
    Ok(Decided {
        leaf,
        from,
        covered: told.upto,
        summarize,
        tool_tokens: TOOL,
        heard: steers.then(|| began.messages.iter().map(|entry| entry.id).max().unwrap_or_default()),
    })
}

/// Where, from an entry on, a user speaks first: an answer goes with its question.
fn first_of_user(branch: &[SessionEntry], from: u64) -> Option<usize> {
    let at = branch.iter().position(|entry| entry.id == from)?;
    branch[..=at].iter().rposition(|entry| entry.kind == EntryKind::User)
}

/// The messages that the turn began with, for people who read the journal.
fn newest(began: &Began) -> Result<String, Halt> {
    let own = began.messages.iter().rfind(|entry| entry.job == began.session.turn);
    let mut text = own.or(began.messages.first()).map(words).transpose()?.unwrap_or_default();
    text.truncate(text.floor_char_boundary(SHOWN));
    Ok(text)
}
