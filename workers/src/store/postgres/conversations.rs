//! Conversations on record: sessions and their entries, opened, read, forked and deleted.

use super::{Record, archive::archived_session_of, journal::corrupt, pool::Conn, row, settle::uuids};
use crate::{
    clock::timestamp,
    sessions::{
        Busy, EntryKind, MAX_PAGE, MAX_PAGE_BYTES, Message, NewSession, Origin, Room, Session, SessionChange,
        SessionEntry, SessionId, SessionPage,
    },
    store::{Error, turns::LOOKS},
};
use flotilla_jobs::JobId;
use serde_json::value::RawValue;
use sqlx::postgres::PgRow;
use uuid::Uuid;

impl Record {
    /// Opens a session, or answers the one that is there.
    pub(crate) async fn open_session(&self, new: &NewSession) -> Result<Session, Error> {
        let mut conn = self.conn().await?;
        let open = sqlx::query(include_str!("open_session.sql"))
            .bind(new.id.0)
            .bind(&new.tenant)
            .bind(new.title.as_deref())
            .bind(new.busy.as_str())
            .bind(self.now());
        conn.run(open).await?;
        read(&mut conn, new.id).await?.ok_or_else(|| corrupt("a session is gone that was just opened"))
    }

    /// One session.
    pub(crate) async fn session(&self, id: SessionId) -> Result<Option<Session>, Error> {
        read(&mut self.conn().await?, id).await
    }

    /// Changes a session; `None` where it is not there.
    pub(crate) async fn change_session(&self, id: SessionId, to: &SessionChange) -> Result<Option<Session>, Error> {
        let mut conn = self.conn().await?;
        let change = sqlx::query(include_str!("change_session.sql"))
            .bind(to.title.as_deref())
            .bind(to.busy.map(Busy::as_str))
            .bind(self.now())
            .bind(id.0);
        conn.run(change).await?;
        read(&mut conn, id).await
    }

    /// A page of sessions.
    pub(crate) async fn list_sessions(
        &self,
        tenant: Option<&str>,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<SessionPage, Error> {
        let limit = limit.clamp(1, MAX_PAGE);
        let list = sqlx::query(include_str!("list_sessions.sql"))
            .persistent(false)
            .bind(tenant)
            .bind(after.map_or(Uuid::max(), |id| id.0))
            .bind(i64::from(limit) + 1);
        let rows = self.conn().await?.rows(list).await?;
        let mut sessions = rows.iter().map(session).collect::<Result<Vec<_>, _>>()?;
        let more = sessions.len() > limit as usize;
        sessions.truncate(limit as usize);
        let next = sessions.last().map(|session| session.id).filter(|_| more);
        Ok(SessionPage { sessions, next })
    }

    /// Entries back from one, the newest first.
    pub(crate) async fn branch(
        &self,
        session: SessionId,
        from: Option<u64>,
        room: Room,
    ) -> Result<Vec<SessionEntry>, Error> {
        let branch = sqlx::query(include_str!("branch.sql"))
            .bind(session.0)
            .bind(from.map(number))
            .bind(i64::from(room.entries.clamp(1, MAX_PAGE)))
            .bind(number(room.bytes));
        page(session, &self.conn().await?.rows(branch).await?)
    }

    /// Entries in the order of their numbers.
    pub(crate) async fn entries(&self, id: SessionId, after: u64, limit: u32) -> Result<Vec<SessionEntry>, Error> {
        let limit = i64::from(limit.clamp(1, MAX_PAGE));
        let entries = sqlx::query(include_str!("entries.sql"))
            .bind(id.0)
            .bind(number(after))
            .bind(limit)
            .bind(number(MAX_PAGE_BYTES));
        page(id, &self.conn().await?.rows(entries).await?)
    }

    /// The message that was posted with a job.
    pub(crate) async fn message_of(&self, job: JobId) -> Result<Option<Message>, Error> {
        let mut conn = self.conn().await?;
        for _ in 0..LOOKS {
            let rows = conn.rows(sqlx::query(include_str!("message_of.sql")).bind(job.0)).await?;
            if let Some(row) = rows.first() {
                let (entry, turn) = (row::get::<i64>(row, "id")?, row::get::<Option<Uuid>>(row, "turn")?);
                let session = SessionId(row::get(row, "session")?);
                return Ok(Some(Message { session, entry: entry.cast_unsigned(), turn: turn.map(JobId) }));
            }
            if let Some(id) = archived_session_of(&mut conn, job).await? {
                return Err(Error::Archived(id));
            }
        }
        Ok(None)
    }

    /// Opens a session with the branch up to an entry of another.
    pub(crate) async fn fork(&self, origin: Origin, new: &NewSession) -> Result<Option<Session>, Error> {
        let mut conn = self.begin().await?;
        // What is forked must not go to the archive between its two statements.
        lock(&mut conn, &[origin.session], self.now()).await?;
        if let Some(Session { archived_at: Some(_), .. }) = read(&mut conn, origin.session).await? {
            return Err(Error::Archived(origin.session));
        }
        let fork = sqlx::query(include_str!("fork_session.sql"))
            .bind(new.id.0)
            .bind(&new.tenant)
            .bind(new.title.as_deref())
            .bind(new.busy.as_str())
            .bind(origin.session.0)
            .bind(number(origin.entry))
            .bind(self.now());
        if conn.changed(fork).await? > 0 {
            let copy = sqlx::query(include_str!("fork_entries.sql"));
            conn.run(copy.bind(new.id.0).bind(origin.session.0).bind(number(origin.entry))).await?;
        }
        let forked = read(&mut conn, new.id).await?;
        conn.commit().await?;
        Ok(forked)
    }

    /// Deletes a session; answers its unfinished jobs, or `None` where it was not there.
    pub(crate) async fn delete_session(&self, id: SessionId) -> Result<Option<Vec<JobId>>, Error> {
        let mut conn = self.begin().await?;
        lock(&mut conn, &[id], self.now()).await?;
        let rows = conn.rows(sqlx::query(include_str!("session_jobs.sql")).bind(id.0)).await?;
        let jobs: Vec<JobId> = rows.iter().map(|r| row::get(r, "id").map(JobId)).collect::<Result<_, _>>()?;
        conn.rows(sqlx::query(include_str!("ask_cancel.sql")).bind(uuids(&jobs))).await?;
        let deleted = conn.changed(sqlx::query(include_str!("delete_session.sql")).bind(id.0)).await?;
        conn.commit().await?;
        Ok((deleted > 0).then_some(jobs))
    }
}

/// Keeps sessions as they are until the transaction ends; answers the time.
pub(super) async fn lock(conn: &mut Conn, ids: &[SessionId], now: Option<i64>) -> Result<i64, Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let locked = conn.row(sqlx::query(include_str!("lock_sessions.sql")).bind(ids).bind(now)).await?;
    row::get(&locked, "now")
}

/// One session.
pub(super) async fn read(conn: &mut Conn, id: SessionId) -> Result<Option<Session>, Error> {
    rows(conn, &[id]).await?.first().map(session).transpose()
}

/// Sessions as they stand.
pub(super) async fn rows(conn: &mut Conn, ids: &[SessionId]) -> Result<Vec<PgRow>, Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    conn.rows(sqlx::query(include_str!("read_sessions.sql")).bind(ids)).await
}

/// One session.
pub(super) fn session(row: &PgRow) -> Result<Session, Error> {
    let turn: Option<Uuid> = row::get(row, "turn")?;
    let unfinished: bool = row::get(row, "turn_open")?;
    let origin = (row::get::<Option<Uuid>>(row, "forked_from")?, row::get::<Option<i64>>(row, "forked_at")?);
    Ok(Session {
        id: SessionId(row::get(row, "id")?),
        tenant: row::get(row, "tenant")?,
        title: row::get(row, "title")?,
        busy: busy(row)?,
        head: row::get::<Option<i64>>(row, "head")?.map(i64::cast_unsigned),
        turn: turn.map(JobId).filter(|_| unfinished),
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
pub(super) fn busy(row: &PgRow) -> Result<Busy, Error> {
    let name: String = row::get(row, "busy")?;
    Busy::parse(&name).ok_or_else(|| corrupt(&format!("`{name}` is nothing a session does while it is busy")))
}

/// Entries of one session, unless they are in the archive.
fn page(id: SessionId, rows: &[PgRow]) -> Result<Vec<SessionEntry>, Error> {
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
pub(super) fn entry(row: &PgRow) -> Result<SessionEntry, Error> {
    let id = row::get::<i64>(row, "id")?;
    let kind: String = row::get(row, "kind")?;
    let content = RawValue::from_string(row::get(row, "content")?);
    Ok(SessionEntry {
        id: id.cast_unsigned(),
        parent: row::get::<Option<i64>>(row, "parent")?.map(i64::cast_unsigned),
        kind: EntryKind::parse(&kind)
            .ok_or_else(|| corrupt(&format!("entry {id} of a session is of kind `{kind}`")))?,
        waiting: !row::get::<bool>(row, "placed")?,
        partial: row::get(row, "partial")?,
        client_id: row::get(row, "client_id")?,
        job: row::get::<Option<Uuid>>(row, "job")?.map(JobId),
        turn: row::get::<Option<Uuid>>(row, "turn")?.map(JobId),
        created_at: timestamp(row::get(row, "created_at")?),
        content: content.map_err(|e| corrupt(&format!("entry {id} of a session is no JSON: {e}")))?,
    })
}

/// A number of an entry, as columns keep it.
pub(super) fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
