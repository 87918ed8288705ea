//! What the record knows of the archive: which sessions may go, which object has the entries of each, which are to go.

use super::{
    Record,
    conversations::{lock, number, read},
    pool::Conn,
    row, text,
};
use crate::{
    archive::{IdleSessions, MAX_CONTENT, MAX_LOOK, MAX_WRITING, Mark, Object, RESTORED_AT_ONCE},
    clock::millis,
    sessions::{SessionEntry, SessionId},
    store::Error,
};
use flotilla_jobs::JobId;
use std::time::Duration;
use uuid::Uuid;

impl Record {
    /// Looks for sessions that nobody spoke in for long.
    pub(crate) async fn idle_sessions(
        &self,
        age: Duration,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<IdleSessions, Error> {
        let limit = limit.clamp(1, MAX_LOOK);
        let look = sqlx::query(include_str!("idle_sessions.sql"))
            .bind(after.map_or(Uuid::nil(), |id| id.0))
            .bind(i64::from(limit))
            .bind(millis(age))
            .bind(self.now());
        let rows = self.conn().await?.rows(look).await?;
        let mut found = IdleSessions::default();
        for row in &rows {
            let id = SessionId(row::get(row, "id")?);
            if row::get(row, "idle")? {
                found.idle.push(id);
            }
            found.next = Some(id).filter(|_| rows.len() == limit as usize);
        }
        Ok(found)
    }

    /// Notes an object that is about to be written.
    pub(crate) async fn begin_archive(&self, id: SessionId, name: &str) -> Result<Mark, Error> {
        let mut conn = self.begin().await?;
        let now = lock(&mut conn, &[id], self.now()).await?;
        let Some(session) = read(&mut conn, id).await? else { return Ok(Mark::NoSession) };
        if session.archived_at.is_some() {
            return Ok(Mark::Archived);
        }
        let size = conn.row(sqlx::query(include_str!("session_bytes.sql")).bind(id.0)).await?;
        match row::get::<i64>(&size, "bytes")? {
            0 => return Ok(Mark::Empty),
            bytes if bytes > number(MAX_CONTENT) => return Ok(Mark::TooLarge),
            _ => {}
        }
        let begin = sqlx::query(include_str!("begin_archive.sql")).bind(name).bind(id.0).bind(now);
        if conn.changed(begin).await? == 0 {
            return Ok(Mark::Busy);
        }
        conn.commit().await?;
        Ok(Mark::Begun(Box::new(session)))
    }

    /// Takes the entries of a session off the record in favor of an object.
    pub(crate) async fn commit_archive(&self, object: &Object) -> Result<bool, Error> {
        let mut conn = self.begin().await?;
        let now = lock(&mut conn, &[object.session], self.now()).await?;
        if !is(&mut conn, object, "writing").await? {
            return Ok(false);
        }
        let commit = sqlx::query(include_str!("commit_archive.sql"))
            .bind(object.session.0)
            .bind(number(object.version))
            .bind(&object.name)
            .bind(&object.hash)
            .bind(number(object.bytes))
            .bind(number(object.entries))
            .bind(now);
        let moved: i64 = row::get(&conn.row(commit).await?, "moved")?;
        conn.commit().await?;
        Ok(moved > 0)
    }

    /// The object that has the entries of a session.
    pub(crate) async fn archived_object(&self, id: SessionId) -> Result<Option<Object>, Error> {
        let rows = self.conn().await?.rows(sqlx::query(include_str!("archived_object.sql")).bind(id.0)).await?;
        let Some(row) = rows.first() else { return Ok(None) };
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

    /// Puts the entries of an archived session back.
    pub(crate) async fn restore_session(
        &self,
        object: &Object,
        entries: &[SessionEntry],
        keep: bool,
    ) -> Result<bool, Error> {
        let mut conn = self.begin().await?;
        let now = lock(&mut conn, &[object.session], self.now()).await?;
        let session = read(&mut conn, object.session).await?;
        if session.is_none_or(|session| session.archived_at.is_none()) || !is(&mut conn, object, "kept").await? {
            return Ok(false);
        }
        for some in entries.chunks(RESTORED_AT_ONCE) {
            put_back(&mut conn, object.session, some).await?;
        }
        let restored = sqlx::query(include_str!("restored.sql"));
        conn.run(restored.bind(object.session.0).bind(&object.name).bind(keep).bind(now)).await?;
        conn.commit().await?;
        Ok(true)
    }

    /// Objects that nobody needs.
    pub(crate) async fn doomed_objects(&self, limit: u32) -> Result<Vec<String>, Error> {
        let mut conn = self.conn().await?;
        conn.run(sqlx::query(include_str!("doom_objects.sql")).bind(millis(MAX_WRITING)).bind(self.now())).await?;
        let rows = conn.rows(sqlx::query(include_str!("doomed_objects.sql")).bind(i64::from(limit))).await?;
        rows.iter().map(|row| row::get(row, "name")).collect()
    }

    /// Notes that an object is gone, or could not be removed.
    pub(crate) async fn object_removed(&self, name: &str, gone: bool) -> Result<(), Error> {
        let removed = sqlx::query(include_str!("object_removed.sql")).bind(name).bind(gone).bind(self.now());
        self.conn().await?.run(removed).await
    }
}

/// The session in whose group a job is, if its entries are in the archive.
pub(super) async fn archived_session_of(conn: &mut Conn, job: JobId) -> Result<Option<SessionId>, Error> {
    let rows = conn.rows(sqlx::query(include_str!("job_group.sql")).bind(job.0)).await?;
    let group: Option<String> = rows.first().map_or(Ok(None), |row| row::get(row, "group_key"))?;
    let Some(id) = group.as_deref().and_then(SessionId::of_group) else { return Ok(None) };
    Ok(read(conn, id).await?.filter(|session| session.archived_at.is_some()).map(|session| session.id))
}

/// Whether an object of a session is in this state; it stays so until the transaction ends.
async fn is(conn: &mut Conn, object: &Object, state: &str) -> Result<bool, Error> {
    let rows = conn.rows(sqlx::query(include_str!("lock_object.sql")).bind(&object.name)).await?;
    let Some(row) = rows.first() else { return Ok(false) };
    Ok(row::get::<Uuid>(row, "session")? == object.session.0 && row::get::<String>(row, "state")? == state)
}

async fn put_back(conn: &mut Conn, id: SessionId, entries: &[SessionEntry]) -> Result<(), Error> {
    let put = sqlx::query(include_str!("restore_entries.sql"))
        .bind(id.0)
        .bind(entries.iter().map(|e| number(e.id)).collect::<Vec<_>>())
        .bind(entries.iter().map(|e| e.parent.map(number)).collect::<Vec<_>>())
        .bind(entries.iter().map(|e| e.kind.as_str()).collect::<Vec<_>>())
        .bind(entries.iter().map(|e| !e.waiting).collect::<Vec<_>>())
        .bind(entries.iter().map(|e| e.partial).collect::<Vec<_>>())
        .bind(entries.iter().map(|e| e.client_id.as_deref()).collect::<Vec<_>>())
        .bind(entries.iter().map(|e| e.job.map(|job| job.0)).collect::<Vec<_>>())
        .bind(entries.iter().map(|e| e.turn.map(|job| job.0)).collect::<Vec<_>>())
        .bind(entries.iter().map(|e| e.content.get().len() as i64).collect::<Vec<_>>())
        .bind(entries.iter().map(|e| e.created_at.as_millisecond()).collect::<Vec<_>>())
        .bind(entries.iter().map(|e| text::json(e.content.get())).collect::<Vec<_>>());
    conn.run(put).await
}
