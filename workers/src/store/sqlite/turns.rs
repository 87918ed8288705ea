//! Turns in the file: messages with their jobs, who may begin, and what a turn leaves.

use super::{
    archive, cancel, conversations,
    conversations::{busy, entry, number},
    enqueue, row,
    tx::Tx,
    unit::Unit,
};
use crate::{
    sessions::{Began, EntryKind, Left, Post, Posted, Session, SessionEntry, SessionId, Turn},
    store::{
        Error, Lease, Settle, Settled, Submission,
        turns::{Beginning, Own, Place, Reception, Seen, Waiting},
    },
};
use flotilla_jobs::JobId;
use sqlx::sqlite::SqliteRow;
use std::collections::{HashMap, hash_map::Entry};
use uuid::Uuid;

static READ_WAITING: Unit = Unit::new(include_str!("read_waiting.sql"));
static FIND_CLIENT: Unit = Unit::new(include_str!("find_client.sql"));
static ADD_ENTRY: Unit = Unit::new(include_str!("add_entry.sql"));
static SAVE_SESSION: Unit = Unit::new(include_str!("save_session.sql"));
static OWN_MESSAGE: Unit = Unit::new(include_str!("own_message.sql"));
static PLACE_ENTRY: Unit = Unit::new(include_str!("place_entry.sql"));
static TURN_MESSAGES: Unit = Unit::new(include_str!("turn_messages.sql"));

/// Where a session stands, but for what waits.
pub(super) struct Standing {
    seen: Seen,
    /// The job whose turn it is or was last.
    turn: Option<JobId>,
}

/// Reads it.
pub(super) fn standing(row: &SqliteRow) -> Result<Standing, Error> {
    let turn = row::get::<Option<Uuid>>(row, "turn")?.map(JobId);
    let unfinished: bool = row::get(row, "turn_open")?;
    let seen = Seen {
        busy: busy(row)?,
        last: row::get::<i64>(row, "last")?.cast_unsigned(),
        head: row::get::<Option<i64>>(row, "head")?.map(i64::cast_unsigned),
        turn: turn.filter(|_| unfinished),
        queue: row::get(row, "turn_queue")?,
        leaf: row::get::<Option<i64>>(row, "leaf")?.map(i64::cast_unsigned),
        waiting: Vec::new(),
    };
    Ok(Standing { seen, turn })
}

/// Puts messages on record with their jobs; answers in the order given.
pub(super) async fn post(tx: &mut Tx<'_>, posts: &[Post]) -> Result<Vec<Posted>, Error> {
    let mut sessions: HashMap<SessionId, (Session, Seen)> = HashMap::new();
    let (mut answers, mut jobs, mut interrupted) = (Vec::with_capacity(posts.len()), Vec::new(), Vec::new());
    for post in posts {
        let (session, seen) = match sessions.entry(post.session) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => {
                let Some(found) = look(tx, post.session).await? else {
                    answers.push(Posted::NoSession);
                    continue;
                };
                if found.0.archived_at.is_some() {
                    return Err(Error::Archived(post.session));
                }
                free.insert(found)
            }
        };
        if let Some(first) = first(tx, post).await? {
            answers.push(first);
            continue;
        }
        answers.push(match seen.receive(post.job.id) {
            Reception::Busy(job) => Posted::Busy(job),
            Reception::Full => Posted::Full,
            Reception::Waits { entry, interrupts } => {
                add_message(tx, post, entry).await?;
                jobs.push(turn_job(post, session));
                interrupted.extend(interrupts);
                Posted::Accepted { entry, job: post.job.id, duplicate: false, interrupts }
            }
        });
    }
    enqueue::insert(tx, &jobs.iter().collect::<Vec<_>>()).await?;
    for (id, (_, seen)) in &sessions {
        save(tx, *id, seen).await?;
    }
    tx.square().await?;
    interrupted.dedup();
    cancel::cancel(tx, &interrupted).await?;
    Ok(answers)
}

async fn look(tx: &mut Tx<'_>, id: SessionId) -> Result<Option<(Session, Seen)>, Error> {
    let Some((session, Standing { mut seen, .. })) = conversations::read(tx.conn, id).await? else { return Ok(None) };
    let done = READ_WAITING.run_one(tx.conn, |args| args.add(id.0)).await?;
    for row in &done.rows {
        let (entry, job) = (row::get::<i64>(row, "id")?.cast_unsigned(), JobId(row::get(row, "job")?));
        seen.waiting.push(Waiting { entry, job });
    }
    Ok(Some((session, seen)))
}

/// The message that has this client id already.
async fn first(tx: &mut Tx<'_>, post: &Post) -> Result<Option<Posted>, Error> {
    let done = FIND_CLIENT.run_one(tx.conn, |args| args.add(post.session.0).add(&post.client_id)).await?;
    let Some(row) = done.rows.first() else { return Ok(None) };
    let (entry, job) = (row::get::<i64>(row, "id")?.cast_unsigned(), JobId(row::get(row, "job")?));
    Ok(Some(Posted::Accepted { entry, job, duplicate: true, interrupts: None }))
}

async fn add_message(tx: &mut Tx<'_>, post: &Post, entry: u64) -> Result<(), Error> {
    let now = tx.now;
    ADD_ENTRY
        .run_one(tx.conn, |args| {
            let args = args.add(post.session.0).add(number(entry)).add(None::<i64>).add(EntryKind::User.as_str());
            let args = args.add(false).add(false).add(&post.client_id).add(post.job.id.0).add(None::<Uuid>);
            args.add(post.content.get().len() as i64).add(now).add(post.content.get())
        })
        .await?;
    Ok(())
}

fn turn_job(post: &Post, session: &Session) -> Submission {
    let mut job = post.job.clone();
    job.spec.tenant.clone_from(&session.tenant);
    job.spec.group = Some(post.session.group());
    job
}

async fn save(tx: &mut Tx<'_>, id: SessionId, seen: &Seen) -> Result<(), Error> {
    let now = tx.now;
    SAVE_SESSION
        .run_one(tx.conn, |args| {
            let args = args.add(number(seen.last)).add(seen.head.map(number)).add(seen.turn.map(|job| job.0));
            args.add(seen.leaf.map(number)).add(now).add(id.0)
        })
        .await?;
    Ok(())
}

/// Begins a job's turn, or goes on with it.
pub(super) async fn begin(tx: &mut Tx<'_>, lease: &Lease) -> Result<Turn, Error> {
    let job = lease.job;
    let (id, own) = match own(tx, lease).await? {
        Owner::Holds(id, own) => (id, own),
        Owner::Lost => return Ok(Turn::LeaseLost),
        Owner::Nobody => {
            let archived = archive::archived_session_of(tx.conn, job).await?;
            return archived.map_or(Ok(Turn::Gone), |id| Err(Error::Archived(id)));
        }
    };
    let Some((_, mut seen)) = look(tx, id).await? else { return Ok(Turn::Gone) };
    match seen.begin(job, &lease.queue, own) {
        Beginning::Joined(other) => Ok(Turn::Joined(other)),
        Beginning::Joins(other, places) => {
            place(tx, id, other, &places).await?;
            save(tx, id, &seen).await?;
            Ok(Turn::Joined(other))
        }
        Beginning::Wait(other) => Ok(Turn::Wait(other)),
        Beginning::Begins(places) => {
            place(tx, id, job, &places).await?;
            save(tx, id, &seen).await?;
            let leaf = seen.leaf.ok_or_else(|| row::corrupt("a turn has begun without a message"))?;
            let messages = messages(tx, id, job, 0).await?;
            let read = conversations::read(tx.conn, id).await?;
            Ok(read.map_or(Turn::Gone, |(session, _)| Turn::Began(Box::new(Began { session, leaf, messages }))))
        }
    }
}

/// Messages of a turn; `None` where it is not this job's.
pub(super) async fn hear(tx: &mut Tx<'_>, lease: &Lease, after: u64) -> Result<Option<Vec<SessionEntry>>, Error> {
    let Owner::Holds(id, _) = own(tx, lease).await? else { return Ok(None) };
    let Some((_, mut seen)) = look(tx, id).await?.filter(|(_, seen)| seen.turn == Some(lease.job)) else {
        return Ok(None);
    };
    let places = seen.hear();
    if !places.is_empty() {
        place(tx, id, lease.job, &places).await?;
        save(tx, id, &seen).await?;
    }
    messages(tx, id, lease.job, after).await.map(Some)
}

/// Whose message a job answers.
enum Owner {
    Holds(SessionId, Own),
    /// The lease was taken away.
    Lost,
    /// There is no such message.
    Nobody,
}

async fn own(tx: &mut Tx<'_>, lease: &Lease) -> Result<Owner, Error> {
    let done = OWN_MESSAGE.run_one(tx.conn, |args| args.add(lease.job.0).add(lease.run).add(lease.job.0)).await?;
    let Some(row) = done.rows.first() else { return Ok(Owner::Nobody) };
    if !row::get::<bool>(row, "holds")? {
        return Ok(Owner::Lost);
    }
    let entry = row::get::<i64>(row, "id")?.cast_unsigned();
    let taken_by = row::get::<Option<Uuid>>(row, "turn")?.map(JobId);
    let leaf = row::get::<Option<i64>>(row, "leaf")?.map_or(entry, i64::cast_unsigned);
    Ok(Owner::Holds(SessionId(row::get(row, "session")?), Own { entry, taken_by, leaf }))
}

async fn place(tx: &mut Tx<'_>, id: SessionId, turn: JobId, places: &[Place]) -> Result<(), Error> {
    PLACE_ENTRY
        .run(tx.conn, places, |p, args| args.add(p.parent.map(number)).add(turn.0).add(id.0).add(number(p.entry)))
        .await?;
    Ok(())
}

async fn messages(tx: &mut Tx<'_>, id: SessionId, turn: JobId, after: u64) -> Result<Vec<SessionEntry>, Error> {
    let done = TURN_MESSAGES.run_one(tx.conn, |args| args.add(turn.0).add(id.0).add(number(after))).await?;
    done.rows.iter().map(entry).collect()
}

/// Puts on record what runs leave in their sessions, where their results just became final.
pub(super) async fn leave(tx: &mut Tx<'_>, ends: &[&Settle], settled: &[Settled]) -> Result<(), Error> {
    for (end, settled) in ends.iter().zip(settled) {
        if let (Some(left), Settled::Recorded(state)) = (&end.left, settled)
            && state.is_terminal()
        {
            leave_one(tx, end.lease.job, left).await?;
        }
    }
    Ok(())
}

/// Puts entries back as they were.
pub(super) async fn put_back(tx: &mut Tx<'_>, id: SessionId, entries: &[SessionEntry]) -> Result<(), Error> {
    ADD_ENTRY
        .run(tx.conn, entries, |entry, args| {
            let args = args.add(id.0).add(number(entry.id)).add(entry.parent.map(number)).add(entry.kind.as_str());
            let args = args.add(!entry.waiting).add(entry.partial).add(entry.client_id.as_deref());
            let args = args.add(entry.job.map(|job| job.0)).add(entry.turn.map(|job| job.0));
            let (content, said_at) = (entry.content.get(), entry.created_at.as_millisecond());
            args.add(content.len() as i64).add(said_at).add(content)
        })
        .await?;
    Ok(())
}

async fn leave_one(tx: &mut Tx<'_>, job: JobId, left: &Left) -> Result<(), Error> {
    let Some((session, Standing { mut seen, turn })) = conversations::read(tx.conn, left.session).await? else {
        return Ok(());
    };
    // Whoever has begun a turn has brought it back; who has not leaves nothing.
    if session.archived_at.is_some() {
        return Ok(());
    }
    // The job just ended, and this is the last that its turn does.
    seen.turn = turn;
    let places = seen.leave(job, left.entries.len());
    let entries: Vec<_> = places.iter().zip(&left.entries).collect();
    let (id, now) = (left.session.0, tx.now);
    ADD_ENTRY
        .run(tx.conn, &entries, |(place, entry), args| {
            let args = args.add(id).add(number(place.entry)).add(place.parent.map(number)).add(entry.kind.as_str());
            let args = args.add(true).add(entry.partial).add(None::<&str>).add(job.0).add(job.0);
            args.add(entry.content.get().len() as i64).add(now).add(entry.content.get())
        })
        .await?;
    if places.is_empty() { Ok(()) } else { save(tx, left.session, &seen).await }
}
