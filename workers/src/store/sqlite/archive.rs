//! What the file knows of the archive: which sessions may go, which object has the entries of each, which are to go.

use super::{
    File, cache,
    conversations::{number, read},
    op::Op,
    row, turns,
    tx::Tx,
    unit::Unit,
};
use crate::{
    archive::{IdleSessions, MAX_CONTENT, MAX_LOOK, MAX_WRITING, Mark, Object, RESTORED_AT_ONCE, Shelf},
    cache::{Sort, group_of},
    clock::millis,
    sessions::{SessionEntry, SessionId},
    store::Error,
};
use async_trait::async_trait;
use flotilla_jobs::JobId;
use sqlx::SqliteConnection;
use std::time::Duration;
use uuid::Uuid;

static IDLE_SESSIONS: Unit = Unit::new(include_str!("idle_sessions.sql"));
static SESSION_BYTES: Unit = Unit::new(include_str!("session_bytes.sql"));
static BEGIN_ARCHIVE: Unit = Unit::new(include_str!("begin_archive.sql"));
static COMMIT_ARCHIVE: Unit = Unit::new(include_str!("commit_archive.sql"));
static KEEP_OBJECT: Unit = Unit::new(include_str!("keep_object.sql"));
static ARCHIVED_OBJECT: Unit = Unit::new(include_str!("archived_object.sql"));
static RESTORED: Unit = Unit::new(include_str!("restored.sql"));
static DOOM_OBJECTS: Unit = Unit::new(include_str!("doom_objects.sql"));
static DOOMED_OBJECTS: Unit = Unit::new(include_str!("doomed_objects.sql"));
static FORGET_OBJECT: Unit = Unit::new(include_str!("forget_object.sql"));
static POSTPONE_OBJECT: Unit = Unit::new(include_str!("postpone_object.sql"));
static JOB_GROUP: Unit = Unit::new(include_str!("job_group.sql"));

/// Something to write about the archive.
pub(super) enum Wish {
    Begin(SessionId, String),
    Commit(Object),
    Restore(Object, Vec<SessionEntry>, bool),
    /// At most so many.
    Doomed(u32),
    Removed(String, bool),
}

/// What came of it.
pub(super) enum Came {
    Mark(Mark),
    Did(bool),
    Names(Vec<String>),
}

impl Wish {
    /// About how many rows it writes.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Commit(object) => object.entries as usize,
            Self::Restore(_, entries, _) => entries.len(),
            _ => 1,
        }
    }
}

#[async_trait]
impl Shelf for File {
    async fn idle_sessions(&self, age: Duration, after: Option<SessionId>, limit: u32) -> Result<IdleSessions, Error> {
        let (limit, after) = (limit.clamp(1, MAX_LOOK), after.map_or(Uuid::nil(), |id| id.0));
        let since = self.clock.now().saturating_sub(millis(age));
        let mut reader = self.reader().await?;
        let done = IDLE_SESSIONS.run_one(&mut reader, |args| args.add(since).add(after).add(limit)).await?;
        let mut found = IdleSessions::default();
        for row in &done.rows {
            let id = SessionId(row::get(row, "id")?);
            if row::get(row, "idle")? {
                found.idle.push(id);
            }
            found.next = Some(id).filter(|_| done.rows.len() == limit as usize);
        }
        Ok(found)
    }

    async fn begin_archive(&self, id: SessionId, name: &str) -> Result<Mark, Error> {
        match self.ask(Wish::Begin(id, name.to_owned())).await? {
            Came::Mark(mark) => Ok(mark),
            _ => Err(row::corrupt("an answer about the archive is of another kind")),
        }
    }

    async fn commit_archive(&self, object: &Object) -> Result<bool, Error> {
        Ok(matches!(self.ask(Wish::Commit(object.clone())).await?, Came::Did(true)))
    }

    async fn archived_object(&self, id: SessionId) -> Result<Option<Object>, Error> {
        let done = ARCHIVED_OBJECT.run_one(&mut *self.reader().await?, |args| args.add(id.0)).await?;
        let Some(row) = done.rows.first() else { return Ok(None) };
        let count = |name| row::get::<i64>(row, name).map(i64::cast_unsigned);
        Ok(Some(Object {
            name: row::get(row, "name")?,
            session: SessionId(row::get(row, "session")?),
            version: count("version")?,
            hash: row::get(row, "hash")?,
            bytes: count("bytes")?,
            entries: count("entries")?,
        }))
    }

    async fn restore_session(&self, object: &Object, entries: Vec<SessionEntry>, keep: bool) -> Result<bool, Error> {
        Ok(matches!(self.ask(Wish::Restore(object.clone(), entries, keep)).await?, Came::Did(true)))
    }

    async fn doomed_objects(&self, limit: u32) -> Result<Vec<String>, Error> {
        let begun = self.clock.now().saturating_sub(millis(MAX_WRITING));
        let any = DOOMED_OBJECTS.run_one(&mut *self.reader().await?, |args| args.add(begun).add(1)).await?;
        // Most often there is none, and nobody need wait for the writer.
        if any.rows.is_empty() {
            return Ok(Vec::new());
        }
        match self.ask(Wish::Doomed(limit)).await? {
            Came::Names(names) => Ok(names),
            _ => Err(row::corrupt("an answer about the archive is of another kind")),
        }
    }

    async fn object_removed(&self, name: &str, gone: bool) -> Result<(), Error> {
        self.ask(Wish::Removed(name.to_owned(), gone)).await.map(drop)
    }
}

impl File {
    async fn ask(&self, wish: Wish) -> Result<Came, Error> {
        self.writer.ask(Op::Archive, Box::new(wish)).await
    }
}

/// Carries out a wish.
pub(super) async fn perform(tx: &mut Tx<'_>, wish: &Wish) -> Result<Came, Error> {
    match wish {
        Wish::Begin(id, name) => begin(tx, *id, name).await.map(Came::Mark),
        Wish::Commit(object) => commit(tx, object).await.map(Came::Did),
        Wish::Restore(object, entries, keep) => restore(tx, object, entries, *keep).await.map(Came::Did),
        Wish::Doomed(limit) => doomed(tx, *limit).await.map(Came::Names),
        Wish::Removed(name, gone) => {
            let now = tx.now;
            let done = if *gone {
                FORGET_OBJECT.run_one(tx.conn, |args| args.add(name)).await?
            } else {
                POSTPONE_OBJECT.run_one(tx.conn, |args| args.add(now).add(name)).await?
            };
            Ok(Came::Did(done.changed > 0))
        }
    }
}

async fn begin(tx: &mut Tx<'_>, id: SessionId, name: &str) -> Result<Mark, Error> {
    let Some((session, _)) = read(tx.conn, id).await? else { return Ok(Mark::NoSession) };
    if session.archived_at.is_some() {
        return Ok(Mark::Archived);
    }
    let size = SESSION_BYTES.run_one(tx.conn, |args| args.add(id.0)).await?;
    match size.rows.first().map_or(Ok(0), |row| row::get::<i64>(row, "bytes"))? {
        0 => return Ok(Mark::Empty),
        bytes if bytes > number(MAX_CONTENT) => return Ok(Mark::TooLarge),
        _ => {}
    }
    let now = tx.now;
    if BEGIN_ARCHIVE.run_one(tx.conn, |args| args.add(name).add(now).add(id.0)).await?.changed == 0 {
        return Ok(Mark::Busy);
    }
    Ok(Mark::Begun(Box::new(session)))
}

async fn commit(tx: &mut Tx<'_>, object: &Object) -> Result<bool, Error> {
    let (id, name, now) = (object.session.0, &object.name, tx.now);
    let (version, entries, bytes) = (number(object.version), number(object.entries), number(object.bytes));
    let moved =
        COMMIT_ARCHIVE.run_one(tx.conn, |args| args.add(now).add(id).add(version).add(entries).add(name)).await?;
    if moved.changed == 0 {
        return Ok(false);
    }
    cache::forget(tx, Sort::Contexts, Some(group_of(object.session))).await?;
    KEEP_OBJECT
        .run_one(tx.conn, |args| args.add(&object.hash).add(bytes).add(entries).add(now).add(name).add(id))
        .await?;
    Ok(true)
}

async fn restore(tx: &mut Tx<'_>, object: &Object, entries: &[SessionEntry], keep: bool) -> Result<bool, Error> {
    let (id, name, now) = (object.session.0, &object.name, tx.now);
    let kept = ARCHIVED_OBJECT.run_one(tx.conn, |args| args.add(id)).await?;
    if kept.rows.first().map(|row| row::get::<String>(row, "name")).transpose()?.as_ref() != Some(name) {
        return Ok(false);
    }
    for some in entries.chunks(RESTORED_AT_ONCE) {
        turns::put_back(tx, object.session, some).await?;
    }
    let state = if keep { "copy" } else { "doomed" };
    RESTORED.run_one(tx.conn, |args| args.add(state).add(now).add(name).add(now).add(id)).await?;
    Ok(true)
}

async fn doomed(tx: &mut Tx<'_>, limit: u32) -> Result<Vec<String>, Error> {
    let begun = tx.now.saturating_sub(millis(MAX_WRITING));
    DOOM_OBJECTS.run_one(tx.conn, |args| args.add(begun)).await?;
    let done = DOOMED_OBJECTS.run_one(tx.conn, |args| args.add(begun).add(limit)).await?;
    done.rows.iter().map(|row| row::get(row, "name")).collect()
}

/// The session in whose group a job is, if its entries are in the archive.
pub(super) async fn archived_session_of(conn: &mut SqliteConnection, job: JobId) -> Result<Option<SessionId>, Error> {
    let done = JOB_GROUP.run_one(conn, |args| args.add(job.0)).await?;
    let group: Option<String> = done.rows.first().map_or(Ok(None), |row| row::get(row, "group_key"))?;
    let Some(id) = group.as_deref().and_then(SessionId::of_group) else { return Ok(None) };
    let session = read(conn, id).await?.map(|(session, _)| session);
    Ok(session.filter(|session| session.archived_at.is_some()).map(|session| session.id))
}
