//! Conversations in the file: sessions and their entries, opened, read, forked and deleted.

use super::{File, archive::archived_session_of, cache, cancel, fault, op::Op, row, turns, tx::Tx, unit::Unit};
use crate::{
    cache::{Sort, group_of},
    clock::timestamp,
    sessions::{
        Busy, EntryKind, MAX_PAGE, MAX_PAGE_BYTES, Message, NewSession, Origin, Post, Posted, Room, Session,
        SessionChange, SessionEntry, SessionId, SessionPage, Sessions, Turn,
    },
    store::{
        Error, Lease,
        turns::{self as rules, LOOKS},
    },
};
use async_trait::async_trait;
use flotilla_jobs::JobId;
use serde_json::value::RawValue;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

static OPEN_SESSION: Unit = Unit::new(include_str!("open_session.sql"));
static READ_SESSION: Unit = Unit::new(include_str!("read_session.sql"));
static LIST_SESSIONS: Unit = Unit::new(include_str!("list_sessions.sql"));
static LIST_TENANT_SESSIONS: Unit = Unit::new(include_str!("list_tenant_sessions.sql"));
static CHANGE_SESSION: Unit = Unit::new(include_str!("change_session.sql"));
static BRANCH: Unit = Unit::new(include_str!("branch.sql"));
static ENTRIES: Unit = Unit::new(include_str!("entries.sql"));
static MESSAGE_OF: Unit = Unit::new(include_str!("message_of.sql"));
static FORK_SESSION: Unit = Unit::new(include_str!("fork_session.sql"));
static FORK_ENTRIES: Unit = Unit::new(include_str!("fork_entries.sql"));
static SESSION_JOBS: Unit = Unit::new(include_str!("session_jobs.sql"));
static DELETE_SESSION: Unit = Unit::new(include_str!("delete_session.sql"));

/// A wish to change a session, and what came of it.
pub(super) enum Wish {
    Open(NewSession),
    Change(SessionId, SessionChange),
    Fork(Origin, NewSession),
}

#[async_trait]
impl Sessions for File {
    async fn open_session(&self, new: NewSession) -> Result<Session, Error> {
        rules::check_new(&new)?;
        let opened = self.writer.ask(Op::Session, Box::new(Wish::Open(new))).await?;
        opened.ok_or_else(|| row::corrupt("a session is gone that was just opened"))
    }

    async fn session(&self, id: SessionId) -> Result<Option<Session>, Error> {
        Ok(read(&mut *self.reader().await?, id).await?.map(|(session, _)| session))
    }

    async fn change_session(&self, id: SessionId, change: SessionChange) -> Result<Option<Session>, Error> {
        rules::check_change(&change)?;
        self.writer.ask(Op::Session, Box::new(Wish::Change(id, change))).await
    }

    async fn list_sessions(
        &self,
        tenant: Option<&str>,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<SessionPage, Error> {
        let (limit, after) = (limit.clamp(1, MAX_PAGE), after.map_or(Uuid::max(), |id| id.0));
        let mut reader = self.reader().await?;
        let done = match tenant {
            None => LIST_SESSIONS.run_one(&mut reader, |args| args.add(after).add(limit + 1)).await?,
            Some(name) => {
                LIST_TENANT_SESSIONS.run_one(&mut reader, |args| args.add(name).add(after).add(limit + 1)).await?
            }
        };
        let mut sessions = done.rows.iter().map(session).collect::<Result<Vec<_>, _>>()?;
        let more = sessions.len() > limit as usize;
        sessions.truncate(limit as usize);
        let next = sessions.last().map(|session| session.id).filter(|_| more);
        Ok(SessionPage { sessions, next })
    }

    async fn post(&self, posts: Vec<Post>) -> Result<Vec<Posted>, Error> {
        rules::check_posts(&posts)?;
        self.writer.ask(Op::Post, posts).await
    }

    async fn begin_turn(&self, lease: &Lease) -> Result<Turn, Error> {
        self.writer.ask(Op::BeginTurn, lease.clone()).await
    }

    async fn hear(&self, lease: &Lease, after: u64) -> Result<Option<Vec<SessionEntry>>, Error> {
        self.writer.ask(Op::Hear, (lease.clone(), after)).await
    }

    async fn branch(&self, session: SessionId, from: Option<u64>, room: Room) -> Result<Vec<SessionEntry>, Error> {
        let (id, from) = (session.0, from.map(number));
        let (most, bytes) = (room.entries.clamp(1, MAX_PAGE), number(room.bytes));
        let done = BRANCH
            .run_one(&mut *self.reader().await?, |args| {
                args.add(from).add(id).add(id).add(id).add(most).add(bytes).add(id)
            })
            .await?;
        page(session, &done.rows)
    }

    async fn entries(&self, session: SessionId, after: u64, limit: u32) -> Result<Vec<SessionEntry>, Error> {
        let (after, limit) = (number(after), limit.clamp(1, MAX_PAGE));
        let (id, bytes) = (session.0, number(MAX_PAGE_BYTES));
        let done = ENTRIES
            .run_one(&mut *self.reader().await?, |args| args.add(id).add(after).add(limit).add(bytes).add(id))
            .await?;
        page(session, &done.rows)
    }

    async fn message_of(&self, job: JobId) -> Result<Option<Message>, Error> {
        let mut reader = self.reader().await?;
        for _ in 0..LOOKS {
            let done = MESSAGE_OF.run_one(&mut reader, |args| args.add(job.0)).await?;
            if let Some(row) = done.rows.first() {
                let (entry, turn) = (row::get::<i64>(row, "id")?, row::get::<Option<Uuid>>(row, "turn")?);
                let session = SessionId(row::get(row, "session")?);
                return Ok(Some(Message { session, entry: entry.cast_unsigned(), turn: turn.map(JobId) }));
            }
            if let Some(id) = archived_session_of(&mut reader, job).await? {
                return Err(Error::Archived(id));
            }
        }
        Ok(None)
    }

    async fn fork(&self, origin: Origin, new: NewSession) -> Result<Option<Session>, Error> {
        rules::check_new(&new)?;
        self.writer.ask(Op::Session, Box::new(Wish::Fork(origin, new))).await
    }

    async fn delete_session(&self, id: SessionId) -> Result<bool, Error> {
        // Most often there is one; where there is none, nobody need wait for the writer.
        let mut reader = self.reader().await?;
        let there = {
            let mut snapshot = reader.begin().await.map_err(fault)?;
            read(&mut snapshot, id).await?.is_some()
        };
        drop(reader);
        if there { self.writer.ask(Op::DeleteSession, id).await } else { Ok(false) }
    }
}

/// Carries out a wish; `None` where what it is about is not there.
pub(super) async fn perform(tx: &mut Tx<'_>, wish: &Wish) -> Result<Option<Session>, Error> {
    let id = match wish {
        Wish::Open(new) => {
            let now = tx.now;
            OPEN_SESSION
                .run_one(tx.conn, |args| {
                    let args = args.add(new.id.0).add(&new.tenant).add(new.title.as_deref());
                    args.add(new.busy.as_str()).add(now).add(now)
                })
                .await?;
            new.id
        }
        Wish::Change(id, change) => {
            let (title, busy, now) = (change.title.as_deref(), change.busy.map(Busy::as_str), tx.now);
            CHANGE_SESSION.run_one(tx.conn, |args| args.add(title).add(title).add(busy).add(now).add(id.0)).await?;
            *id
        }
        Wish::Fork(origin, new) => {
            fork(tx, *origin, new).await?;
            new.id
        }
    };
    Ok(read(tx.conn, id).await?.map(|(session, _)| session))
}

async fn fork(tx: &mut Tx<'_>, origin: Origin, new: &NewSession) -> Result<(), Error> {
    if let Some((Session { archived_at: Some(_), .. }, _)) = read(tx.conn, origin.session).await? {
        return Err(Error::Archived(origin.session));
    }
    let (now, from, at, id) = (tx.now, origin.session.0, number(origin.entry), new.id.0);
    let done = FORK_SESSION
        .run_one(tx.conn, |args| {
            let args = args.add(id).add(&new.tenant).add(new.title.as_deref()).add(new.busy.as_str());
            args.add(now).add(now).add(from).add(at)
        })
        .await?;
    if done.changed > 0 {
        FORK_ENTRIES
            .run_one(tx.conn, |args| args.add(from).add(at).add(from).add(id).add(from).add(id).add(id))
            .await?;
    }
    Ok(())
}

/// Deletes a session and cancels its turns; answers whether it was there.
pub(super) async fn delete(tx: &mut Tx<'_>, id: SessionId) -> Result<bool, Error> {
    let jobs = SESSION_JOBS.run_one(tx.conn, |args| args.add(id.0)).await?;
    let jobs: Vec<JobId> = jobs.rows.iter().map(row::id).collect::<Result<_, _>>()?;
    cancel::cancel(tx, &jobs).await?;
    cache::forget(tx, Sort::Contexts, Some(group_of(id))).await?;
    Ok(DELETE_SESSION.run_one(tx.conn, |args| args.add(id.0).add(id.0).add(id.0)).await?.changed > 0)
}

/// A session, and where it stands.
pub(super) async fn read(
    conn: &mut SqliteConnection,
    id: SessionId,
) -> Result<Option<(Session, turns::Standing)>, Error> {
    let done = READ_SESSION.run_one(conn, |args| args.add(id.0)).await?;
    done.rows.first().map(|row| Ok((session(row)?, turns::standing(row)?))).transpose()
}

fn session(row: &SqliteRow) -> Result<Session, Error> {
    let turn: Option<Uuid> = row::get(row, "turn")?;
    let origin = (row::get::<Option<Uuid>>(row, "forked_from")?, row::get::<Option<i64>>(row, "forked_at")?);
    Ok(Session {
        id: SessionId(row::get(row, "id")?),
        tenant: row::get(row, "tenant")?,
        title: row::get(row, "title")?,
        busy: busy(row)?,
        head: row::get::<Option<i64>>(row, "head")?.map(i64::cast_unsigned),
        turn: turn.map(JobId).filter(|_| row::get(row, "turn_open").unwrap_or(false)),
        version: row::get::<i64>(row, "version")?.cast_unsigned(),
        forked_from: origin
            .0
            .zip(origin.1)
            .map(|(session, entry)| Origin { session: SessionId(session), entry: entry.cast_unsigned() }),
        created_at: timestamp(row::get(row, "created_at")?),
        updated_at: timestamp(row::get(row, "updated_at")?),
        archived_at: row::get::<Option<i64>>(row, "archived_at")?.map(timestamp),
    })
}

/// What becomes of a second message.
pub(super) fn busy(row: &SqliteRow) -> Result<Busy, Error> {
    let name: &str = row::get(row, "busy")?;
    Busy::parse(name).ok_or_else(|| row::corrupt(&format!("`{name}` is nothing a session does while it is busy")))
}

/// Entries of one session, unless they are in the archive.
fn page(id: SessionId, rows: &[SqliteRow]) -> Result<Vec<SessionEntry>, Error> {
    if rows.first().map_or(Ok(false), |first| row::get(first, "archived"))? {
        return Err(Error::Archived(id));
    }
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        if row::get::<Option<i64>>(row, "id")?.is_some() {
            entries.push(entry(row)?);
        }
    }
    Ok(entries)
}

/// One entry.
pub(super) fn entry(row: &SqliteRow) -> Result<SessionEntry, Error> {
    let id = row::get::<i64>(row, "id")?;
    let kind: &str = row::get(row, "kind")?;
    let content = RawValue::from_string(row::get(row, "content")?);
    Ok(SessionEntry {
        id: id.cast_unsigned(),
        parent: row::get::<Option<i64>>(row, "parent")?.map(i64::cast_unsigned),
        kind: EntryKind::parse(kind)
            .ok_or_else(|| row::corrupt(&format!("entry {id} of a session is of kind `{kind}`")))?,
        waiting: !row::get::<bool>(row, "placed")?,
        partial: row::get(row, "partial")?,
        client_id: row::get(row, "client_id")?,
        job: row::get::<Option<Uuid>>(row, "job")?.map(JobId),
        turn: row::get::<Option<Uuid>>(row, "turn")?.map(JobId),
        created_at: timestamp(row::get(row, "created_at")?),
        content: content.map_err(|e| row::corrupt(&format!("entry {id} of a session is no JSON: {e}")))?,
    })
}

/// A number of an entry, as columns keep it.
pub(super) fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
