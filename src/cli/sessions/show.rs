//! `flotilla sessions show`: a session, and what was said in it. It is text of others: all of it is escaped, and indented
//! so that no line of it looks like one of ours.

use super::list;
use crate::{
    cli::{
        backend::Backend,
        output::{self, BLUE, DIM, RESET, YELLOW},
    },
    exit::{Exit, Failure},
    shown,
};
use flotilla_jobs::{EntryKind, Session, SessionEntry, SessionId, api::EntriesFrom};
use serde_json::Value;

/// Most entries of a branch that are shown. Whoever wants all that was said exports it.
const MAX_SHOWN: usize = 2_000;

/// Which session, and what of it.
#[derive(clap::Args)]
pub(super) struct Args {
    id: SessionId,
    /// What was said up to this entry, instead of up to the newest answer
    #[arg(long, value_name = "ENTRY", conflicts_with = "all")]
    branch: Option<u64>,
    /// Every entry in the order of arrival, of all branches, and what waits
    #[arg(long)]
    all: bool,
}

pub(super) async fn run(args: &Args, backend: &dyn Backend, json: bool) -> Result<Exit, Failure> {
    let session = backend.session(args.id).await?.ok_or_else(|| Failure::no_session(args.id))?;
    if !json {
        head(&session)?;
    }
    if args.all {
        every(args.id, backend, json).await?;
    } else {
        branch(args, backend, json).await?;
    }
    Ok(Exit::Ok)
}

/// Pages are printed as they come.
async fn every(id: SessionId, backend: &dyn Backend, json: bool) -> Result<(), Failure> {
    let mut from = Some(EntriesFrom::After(0));
    while let Some(asked) = from {
        let page = backend.entries(id, asked).await?.ok_or_else(|| Failure::no_session(id))?;
        page.entries.iter().try_for_each(|entry| print(entry, json))?;
        from = page.next_of(asked);
    }
    Ok(())
}

/// A branch is read from its end.
async fn branch(args: &Args, backend: &dyn Backend, json: bool) -> Result<(), Failure> {
    let (mut from, mut entries) = (Some(EntriesFrom::Branch(args.branch)), Vec::new());
    while let Some(asked) = from.filter(|_| entries.len() < MAX_SHOWN) {
        let page = backend.entries(args.id, asked).await?.ok_or_else(|| Failure::no_session(args.id))?;
        from = page.next_of(asked);
        entries.extend(page.entries);
    }
    if let (Some(entry), true) = (args.branch, entries.is_empty()) {
        return Err(Failure::new(Exit::NotFound, format!("session {} has no entry {entry}", args.id)));
    }
    if from.is_some() {
        output::note("the beginning is left out; `flotilla sessions export` has all of it");
    }
    entries.iter().rev().try_for_each(|entry| print(entry, json))
}

fn head(session: &Session) -> Result<(), Failure> {
    let field = |name: &str, value: &str| output::line(&format!("{DIM}{name:<10}{RESET} {}", shown::line(value)));
    field("id", &session.id.to_string())?;
    if let Some(title) = &session.title {
        field("title", title)?;
    }
    field("tenant", &session.tenant)?;
    field("state", list::state(session))?;
    field("busy", session.busy.as_str())?;
    if let Some(turn) = session.turn {
        field("turn", &turn.to_string())?;
    }
    if let Some(origin) = session.forked_from {
        field("fork of", &format!("{} at entry {}", origin.session, origin.entry))?;
    }
    field("created", &format!("{} ({})", session.created_at, output::ago(session.created_at)))?;
    field("changed", &format!("{} ({})", session.updated_at, output::ago(session.updated_at)))?;
    output::line("")
}

fn print(entry: &SessionEntry, json: bool) -> Result<(), Failure> {
    if json {
        return output::raw(&super::export::line(entry)?);
    }
    let style = if entry.kind == EntryKind::User { BLUE } else { YELLOW };
    let marks = [(entry.waiting, ", waits"), (entry.partial, ", cut short")];
    let marks: String = marks.into_iter().filter(|(is, _)| *is).map(|(_, mark)| mark).collect();
    let from = match entry.parent {
        Some(parent) if parent + 1 != entry.id => format!(", after {parent}"),
        _ => String::new(),
    };
    let ago = output::ago(entry.created_at);
    let kind = entry.kind.as_str();
    output::line(&format!("{style}{kind}{RESET}  {DIM}entry {}{from}, {ago}{marks}{RESET}", entry.id))?;
    for text in said(entry).lines() {
        output::line(&format!("  {}", shown::line(text)))?;
    }
    output::line("")
}

/// What an entry says; all of its content where it has no text.
fn said(entry: &SessionEntry) -> String {
    match serde_json::from_str::<Value>(entry.content.get()) {
        Ok(content) => match content.get("text").and_then(Value::as_str) {
            Some(text) => text.to_owned(),
            None => content.to_string(),
        },
        Err(_) => entry.content.get().to_owned(),
    }
}
