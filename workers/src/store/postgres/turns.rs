//! Turns on record: messages with their jobs, who may begin, and what a turn leaves.

use super::{
    Record, archive,
    conversations::{self, busy, entry, number},
    journal::corrupt,
    pool::Conn,
    row,
    settle::uuids,
    text,
};
use crate::{
    sessions::{Began, EntryKind, Left, Post, Posted, Session, SessionEntry, SessionId, Turn},
    store::{
        Error, Lease, Submission,
        turns::{Beginning, Own, Place, Reception, Seen, Waiting},
    },
};
use flotilla_jobs::JobId;
use sqlx::postgres::PgRow;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Sessions by id, each as it stands.
type Standing = BTreeMap<SessionId, (Session, Seen)>;

/// What came of posting.
#[derive(Default)]
pub(crate) struct Reply {
    /// In the order given.
    pub(crate) answers: Vec<Posted>,
    /// The jobs on record now.
    pub(crate) jobs: Vec<Submission>,
    /// Jobs whose turns are interrupted: the wish is on record, and the queue has to be told.
    pub(crate) interrupted: Vec<JobId>,
}

/// An entry to insert.
struct Row<'a> {
    session: SessionId,
    place: Place,
    kind: EntryKind,
    /// Whose turn it belongs to; `None` for a message that waits.
    turn: Option<JobId>,
    partial: bool,
    client_id: Option<&'a str>,
    job: JobId,
    content: &'a str,
}

impl Record {
    /// Puts messages on record with their jobs.
    pub(crate) async fn post(&self, posts: &[Post]) -> Result<Reply, Error> {
        let mut conn = self.begin().await?;
        let mut ids: Vec<SessionId> = posts.iter().map(|post| post.session).collect();
        ids.sort_unstable();
        ids.dedup();
        let now = conversations::lock(&mut conn, &ids, self.now()).await?;
        let mut sessions = look(&mut conn, &ids).await?;
        let mut known = find_clients(&mut conn, posts).await?;

        let (mut reply, mut rows) = (Reply::default(), Vec::new());
        for post in posts {
            let client = (post.session, post.client_id.as_str());
            let answer = match (sessions.get_mut(&post.session), known.get(&client)) {
                (None, _) => Posted::NoSession,
                (Some((Session { archived_at: Some(_), .. }, _)), _) => return Err(Error::Archived(post.session)),
                (_, Some((entry, job))) => {
                    Posted::Accepted { entry: *entry, job: *job, duplicate: true, interrupts: None }
                }
                (Some((session, seen)), None) => match seen.receive(post.job.id) {
                    Reception::Busy(job) => Posted::Busy(job),
                    Reception::Full => Posted::Full,
                    Reception::Waits { entry, interrupts } => {
                        rows.push(message(post, entry));
                        reply.jobs.push(turn_job(post, session));
                        reply.interrupted.extend(interrupts);
                        known.insert(client, (entry, post.job.id));
                        Posted::Accepted { entry, job: post.job.id, duplicate: false, interrupts }
                    }
                },
            };
            reply.answers.push(answer);
        }
        if rows.is_empty() {
            conn.roll_back().await?;
            return Ok(reply);
        }
        add(&mut conn, &rows, now).await?;
        self.insert_on(&mut conn, &reply.jobs).await?;
        save(&mut conn, &sessions, now).await?;
        if !reply.interrupted.is_empty() {
            let ask = sqlx::query(include_str!("ask_cancel.sql")).bind(uuids(&reply.interrupted));
            conn.rows(ask).await?;
        }
        conn.commit().await?;
        Ok(reply)
    }

    /// Begins a job's turn, or goes on with it.
    pub(crate) async fn begin_turn(&self, lease: &Lease) -> Result<Turn, Error> {
        let job = lease.job;
        let Some((mut conn, owner)) = self.lock_turn(lease).await? else {
            let archived = archive::archived_session_of(&mut self.conn().await?, job).await?;
            return archived.map_or(Ok(Turn::Gone), |id| Err(Error::Archived(id)));
        };
        let Owner::Holds(id, own) = owner else { return Ok(Turn::LeaseLost) };
        let mut sessions = look(&mut conn, &[id]).await?;
        let Some((_, seen)) = sessions.get_mut(&id) else { return Ok(Turn::Gone) };
        match seen.begin(job, &lease.queue, own) {
            Beginning::Joined(other) => Ok(Turn::Joined(other)),
            Beginning::Joins(other, places) => {
                place(&mut conn, id, other, &places).await?;
                let now = conversations::lock(&mut conn, &[id], self.now()).await?;
                save(&mut conn, &sessions, now).await?;
                conn.commit().await?;
                Ok(Turn::Joined(other))
            }
            Beginning::Wait(other) => Ok(Turn::Wait(other)),
            Beginning::Begins(places) => {
                let leaf = seen.leaf.ok_or_else(|| corrupt("a turn has begun without a message"))?;
                place(&mut conn, id, job, &places).await?;
                let now = conversations::lock(&mut conn, &[id], self.now()).await?;
                save(&mut conn, &sessions, now).await?;
                let messages = messages(&mut conn, id, job, 0).await?;
                let session = conversations::read(&mut conn, id).await?;
                conn.commit().await?;
                Ok(session.map_or(Turn::Gone, |session| Turn::Began(Box::new(Began { session, leaf, messages }))))
            }
        }
    }

    /// Messages of a turn; `None` where it is not this job's.
    pub(crate) async fn hear(&self, lease: &Lease, after: u64) -> Result<Option<Vec<SessionEntry>>, Error> {
        let Some((mut conn, Owner::Holds(id, _))) = self.lock_turn(lease).await? else { return Ok(None) };
        let mut sessions = look(&mut conn, &[id]).await?;
        let Some((_, seen)) = sessions.get_mut(&id).filter(|(_, seen)| seen.turn == Some(lease.job)) else {
            return Ok(None);
        };
        let places = seen.hear();
        if !places.is_empty() {
            place(&mut conn, id, lease.job, &places).await?;
            let now = conversations::lock(&mut conn, &[id], self.now()).await?;
            save(&mut conn, &sessions, now).await?;
        }
        let messages = messages(&mut conn, id, lease.job, after).await?;
        conn.commit().await?;
        Ok(Some(messages))
    }

    /// Locks the session of a job's message, and its lease; `None` where there is no such message.
    async fn lock_turn(&self, lease: &Lease) -> Result<Option<(Conn, Owner)>, Error> {
        let mut conn = self.begin().await?;
        let own = || sqlx::query(include_str!("own_message.sql")).bind(lease.job.0).bind(lease.run as i32);
        let rows = conn.rows(own()).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        conversations::lock(&mut conn, &[SessionId(row::get(row, "session")?)], self.now()).await?;
        super::journal::lock(&mut conn, &[lease.job], self.now()).await?;
        // As it is now that nobody changes it.
        let rows = conn.rows(own()).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(Some((conn, owner(row)?)))
    }
}

/// Whose message a job answers.
enum Owner {
    Holds(SessionId, Own),
    /// The lease was taken away.
    Lost,
}

fn owner(row: &PgRow) -> Result<Owner, Error> {
    if !row::get::<bool>(row, "holds")? {
        return Ok(Owner::Lost);
    }
    let entry = row::get::<i64>(row, "id")?.cast_unsigned();
    let taken_by = row::get::<Option<Uuid>>(row, "turn")?.map(JobId);
    let leaf = row::get::<Option<i64>>(row, "leaf")?.map_or(entry, i64::cast_unsigned);
    Ok(Owner::Holds(SessionId(row::get(row, "session")?), Own { entry, taken_by, leaf }))
}

/// Sessions as they stand, with what waits in each.
async fn look(conn: &mut Conn, ids: &[SessionId]) -> Result<Standing, Error> {
    let mut sessions = BTreeMap::new();
    for row in conversations::rows(conn, ids).await? {
        let session = conversations::session(&row)?;
        let seen = seen(&row, session.turn)?;
        sessions.insert(session.id, (session, seen));
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    for row in conn.rows(sqlx::query(include_str!("read_waiting.sql")).bind(ids)).await? {
        if let Some((_, seen)) = sessions.get_mut(&SessionId(row::get(&row, "session")?)) {
            let (entry, job) = (row::get::<i64>(&row, "id")?.cast_unsigned(), JobId(row::get(&row, "job")?));
            seen.waiting.push(Waiting { entry, job });
        }
    }
    Ok(sessions)
}

fn seen(row: &PgRow, turn: Option<JobId>) -> Result<Seen, Error> {
    Ok(Seen {
        busy: busy(row)?,
        last: row::get::<i64>(row, "last")?.cast_unsigned(),
        head: row::get::<Option<i64>>(row, "head")?.map(i64::cast_unsigned),
        turn,
        queue: row::get(row, "turn_queue")?,
        leaf: row::get::<Option<i64>>(row, "leaf")?.map(i64::cast_unsigned),
        waiting: Vec::new(),
    })
}

async fn find_clients<'p>(
    conn: &mut Conn,
    posts: &'p [Post],
) -> Result<HashMap<(SessionId, &'p str), (u64, JobId)>, Error> {
    let find = sqlx::query(include_str!("find_clients.sql"))
        .bind(posts.iter().map(|post| post.session.0).collect::<Vec<_>>())
        .bind(posts.iter().map(|post| post.client_id.as_str()).collect::<Vec<_>>());
    let mut known = HashMap::new();
    for row in conn.rows(find).await? {
        let (session, client) = (SessionId(row::get(&row, "session")?), row::get::<String>(&row, "client_id")?);
        let first = (row::get::<i64>(&row, "id")?.cast_unsigned(), JobId(row::get(&row, "job")?));
        if let Some(post) = posts.iter().find(|post| post.session == session && post.client_id == client) {
            known.insert((session, post.client_id.as_str()), first);
        }
    }
    Ok(known)
}

fn message(post: &Post, entry: u64) -> Row<'_> {
    Row {
        session: post.session,
        place: Place { entry, parent: None },
        kind: EntryKind::User,
        turn: None,
        partial: false,
        client_id: Some(&post.client_id),
        job: post.job.id,
        content: post.content.get(),
    }
}

fn turn_job(post: &Post, session: &Session) -> Submission {
    let mut job = post.job.clone();
    job.spec.tenant.clone_from(&session.tenant);
    job.spec.group = Some(post.session.group());
    job
}

async fn add(conn: &mut Conn, rows: &[Row<'_>], now: i64) -> Result<(), Error> {
    let add = sqlx::query(include_str!("add_entries.sql"))
        .bind(rows.iter().map(|r| r.session.0).collect::<Vec<_>>())
        .bind(rows.iter().map(|r| number(r.place.entry)).collect::<Vec<_>>())
        .bind(rows.iter().map(|r| r.place.parent.map(number)).collect::<Vec<_>>())
        .bind(rows.iter().map(|r| r.kind.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|r| r.turn.is_some()).collect::<Vec<_>>())
        .bind(rows.iter().map(|r| r.partial).collect::<Vec<_>>())
        .bind(rows.iter().map(|r| r.client_id).collect::<Vec<_>>())
        .bind(rows.iter().map(|r| r.job.0).collect::<Vec<_>>())
        .bind(rows.iter().map(|r| r.turn.map(|job| job.0)).collect::<Vec<_>>())
        .bind(rows.iter().map(|r| r.content.len() as i64).collect::<Vec<_>>())
        .bind(rows.iter().map(|r| text::json(r.content)).collect::<Vec<_>>())
        .bind(now);
    conn.run(add).await
}

async fn save(conn: &mut Conn, sessions: &Standing, now: i64) -> Result<(), Error> {
    let all: Vec<(&SessionId, &Seen)> = sessions.iter().map(|(id, (_, seen))| (id, seen)).collect();
    let save = sqlx::query(include_str!("save_sessions.sql"))
        .bind(all.iter().map(|(id, _)| id.0).collect::<Vec<_>>())
        .bind(all.iter().map(|(_, s)| number(s.last)).collect::<Vec<_>>())
        .bind(all.iter().map(|(_, s)| s.head.map(number)).collect::<Vec<_>>())
        .bind(all.iter().map(|(_, s)| s.turn.map(|job| job.0)).collect::<Vec<_>>())
        .bind(all.iter().map(|(_, s)| s.leaf.map(number)).collect::<Vec<_>>())
        .bind(now);
    conn.run(save).await
}

async fn place(conn: &mut Conn, id: SessionId, turn: JobId, places: &[Place]) -> Result<(), Error> {
    if places.is_empty() {
        return Ok(());
    }
    let place = sqlx::query(include_str!("place_entries.sql"))
        .bind(id.0)
        .bind(turn.0)
        .bind(places.iter().map(|p| number(p.entry)).collect::<Vec<_>>())
        .bind(places.iter().map(|p| p.parent.map(number)).collect::<Vec<_>>());
    conn.run(place).await
}

async fn messages(conn: &mut Conn, id: SessionId, turn: JobId, after: u64) -> Result<Vec<SessionEntry>, Error> {
    let messages = sqlx::query(include_str!("turn_messages.sql")).bind(turn.0).bind(id.0).bind(number(after));
    conn.rows(messages).await?.iter().map(entry).collect()
}

/// Puts on record what runs whose results just became final leave in their sessions, which are locked.
pub(super) async fn leave(conn: &mut Conn, left: &[(JobId, &Left)], now: i64) -> Result<(), Error> {
    let ids: Vec<SessionId> = left.iter().map(|(_, left)| left.session).collect();
    let (mut sessions, mut rows) = (Standing::new(), Vec::new());
    for row in conversations::rows(conn, &ids).await? {
        // The jobs just ended, and this is the last that their turns do.
        let turn = row::get::<Option<Uuid>>(&row, "turn")?.map(JobId);
        let session = conversations::session(&row)?;
        // Whoever has begun a turn has brought it back; who has not leaves nothing.
        if session.archived_at.is_none() {
            sessions.insert(session.id, (session, seen(&row, turn)?));
        }
    }
    for (job, left) in left {
        let Some((_, seen)) = sessions.get_mut(&left.session) else { continue };
        for (place, entry) in seen.leave(*job, left.entries.len()).into_iter().zip(&left.entries) {
            rows.push(Row {
                session: left.session,
                place,
                kind: entry.kind,
                turn: Some(*job),
                partial: entry.partial,
                client_id: None,
                job: *job,
                content: entry.content.get(),
            });
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    add(conn, &rows, now).await?;
    save(conn, &sessions, now).await
}
