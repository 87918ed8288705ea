//! What operators do with sessions in a store: open, read, fork.

use flotilla_jobs::{
    Origin, Session, SessionEntry, SessionId,
    api::{ArchiveIdle, Entries, EntriesFrom, ForkSession, OpenSession, Swept},
};
use flotilla_workers::{
    archive::Archive,
    sessions::{MAX_PAGE_BYTES, NewSession, Room},
    store::{Error, Store},
};
use std::time::Duration;

/// Most sessions that one call takes to the archive, and how long it may take.
const MAX_ARCHIVED: u64 = 1_000;
const ARCHIVING: Duration = Duration::from_secs(10);
const DAY: Duration = Duration::from_hours(24);

/// Whose a session is where nobody says otherwise: as of jobs.
const TENANT: &str = "default";

/// Opens a session; answers it, and whether it was there.
pub async fn open(store: &dyn Store, asked: OpenSession) -> Result<(Session, bool), Error> {
    let OpenSession { id, tenant, title, busy } = asked;
    let there = match id {
        Some(id) => store.session(id).await?.is_some(),
        None => false,
    };
    let tenant = tenant.unwrap_or_else(|| TENANT.to_owned());
    let new = NewSession { id: id.unwrap_or_else(SessionId::new), tenant, title, busy };
    Ok((store.open_session(new).await?, there))
}

/// One page of entries; `None` where there is no such session.
pub async fn entries(
    store: &dyn Store,
    id: SessionId,
    from: EntriesFrom,
    limit: u32,
) -> Result<Option<Entries>, Error> {
    let page = match from {
        EntriesFrom::Branch(from) => {
            let entries = store.branch(id, from, Room { entries: limit, bytes: MAX_PAGE_BYTES }).await?;
            let next = entries.last().and_then(|last| last.parent);
            Entries { entries, next }
        }
        EntriesFrom::After(after) => {
            let entries = store.entries(id, after, limit).await?;
            Entries { next: next(store, id, &entries).await?, entries }
        }
    };
    if page.entries.is_empty() && store.session(id).await?.is_none() {
        return Ok(None);
    }
    Ok(Some(page))
}

/// Where the next page goes on. A page may be short for its bytes, so whether there is more has to be looked at.
async fn next(store: &dyn Store, id: SessionId, page: &[SessionEntry]) -> Result<Option<u64>, Error> {
    let Some(last) = page.last() else { return Ok(None) };
    let more = store.entries(id, last.id, 1).await?;
    Ok((!more.is_empty()).then_some(last.id))
}

/// Takes some of the sessions that nobody spoke in for so long to the archive: about [`MAX_ARCHIVED`], or as many as go in
/// [`ARCHIVING`].
pub async fn archive_idle(archive: &Archive, idle: ArchiveIdle) -> Result<Swept, Error> {
    let age = DAY.saturating_mul(idle.idle_days);
    let done = archive.idle(age, None, MAX_ARCHIVED, ARCHIVING).await?;
    Ok(Swept { count: done.archived, more: done.next.is_some() })
}

/// What came of a wish to fork.
pub enum Forked {
    Session(Box<Session>),
    NoSession,
    /// There is none of that number, or it waits.
    NoEntry,
}

/// Opens a session with what another one has up to an entry: of the same tenant, with the same settings.
pub async fn fork(store: &dyn Store, id: SessionId, asked: ForkSession) -> Result<Forked, Error> {
    let Some(origin) = store.session(id).await? else { return Ok(Forked::NoSession) };
    let new = NewSession {
        id: asked.id.unwrap_or_else(SessionId::new),
        tenant: origin.tenant,
        title: asked.title.or(origin.title),
        busy: origin.busy,
    };
    let forked = store.fork(Origin { session: id, entry: asked.entry }, new).await?;
    Ok(forked.map_or(Forked::NoEntry, |session| Forked::Session(Box::new(session))))
}
