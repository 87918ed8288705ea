//! Sessions: conversations on record, and whose turn it is in each.
//!
//! The seam between chats and stores. A session is a tree of entries, each of which follows its parent; the newest one
//! is its head. A turn begins with a message: the entry and the job that answers it are put on record together, and
//! the entry gets its place when the job begins its turn. While that job is unfinished it is the only one that
//! writes into the session; what it leaves there goes on record with its result, in one transaction. Held by
//! `tests/conformance/sessions`, on both stores.

pub use crate::{
    lease::Lease,
    store::{Error, Submission},
};
use async_trait::async_trait;
pub use flotilla_jobs::api::SessionChange;
pub use flotilla_jobs::{Busy, EntryKind, Origin, Session, SessionEntry, SessionId, SessionPage};
use flotilla_jobs::{Invalid, JobId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Most bytes of one entry's content.
pub const MAX_ENTRY: usize = 4 << 20;
/// Most entries that one turn leaves in its session, and most bytes of them together.
pub const MAX_LEFT: (usize, usize) = (1_000, 16 << 20);
/// Most entries of one session.
pub const MAX_ENTRIES: u64 = 100_000;
/// Most messages of one session that wait for their turns.
pub const MAX_WAITING: usize = 200;
/// Most bytes of a title.
pub const MAX_TITLE: usize = 256;
/// Most entries, or sessions, of one page.
pub const MAX_PAGE: u32 = 1_000;
/// Of a page of entries, bytes of content after which no more are added.
pub const MAX_PAGE_BYTES: u64 = 8 << 20;

/// Keeps conversations.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Opens a session. One that is there already is answered as it is, whatever `new` says of it otherwise.
    async fn open_session(&self, new: NewSession) -> Result<Session, Error>;

    /// One session.
    async fn session(&self, id: SessionId) -> Result<Option<Session>, Error>;

    /// Changes what is not `None`; `None` where there is no such session.
    async fn change_session(&self, id: SessionId, change: SessionChange) -> Result<Option<Session>, Error>;

    /// Sessions, of one tenant or of all, the newest first, at most `limit`, those older than `after`.
    async fn list_sessions(
        &self,
        tenant: Option<&str>,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<SessionPage, Error>;

    /// Puts messages on record, each with the job that answers it, in one transaction; answers in the order given.
    ///
    /// The job gets its session's tenant and group. A message whose client id its session has already is answered as
    /// the first one was. While a turn is unfinished the session's [`Busy`] decides.
    async fn post(&self, posts: Vec<Post>) -> Result<Vec<Posted>, Error>;

    /// Begins the turn of a job that was submitted by [`Sessions::post`], or goes on with it: its message gets its
    /// place, and so do all that wait where [`Busy::joins`] says so.
    async fn begin_turn(&self, lease: &Lease) -> Result<Turn, Error>;

    /// Messages of this turn with a number above `after`, in order. Where the session steers, those that wait are
    /// taken up first. `None` where it is not this job's turn any more.
    ///
    /// What was taken up stays with the turn: a run that asks again, with what it knew then, gets the same and more.
    async fn hear(&self, lease: &Lease, after: u64) -> Result<Option<Vec<SessionEntry>>, Error>;

    /// Entries from `from` (the head, where it is `None`) back to the root, the newest first, as many as there is room
    /// for; one at least. The parent of the last is where to go on.
    async fn branch(&self, session: SessionId, from: Option<u64>, room: Room) -> Result<Vec<SessionEntry>, Error>;

    /// Entries with a number above `after`, in order, at most `limit`; and fewer where they are more than
    /// [`MAX_PAGE_BYTES`] of content, but one at least.
    async fn entries(&self, session: SessionId, after: u64, limit: u32) -> Result<Vec<SessionEntry>, Error>;

    /// The message that was posted with a job, and whose turn took it up; `None` for a job that was posted with none, or
    /// whose message is gone.
    async fn message_of(&self, job: JobId) -> Result<Option<Message>, Error>;

    /// Opens a session that has the branch up to an entry, and nothing else, in common with this one. `None` where there
    /// is no such entry, or where it waits.
    async fn fork(&self, origin: Origin, new: NewSession) -> Result<Option<Session>, Error>;

    /// Deletes a session with its entries, and cancels its turns; answers whether it was there.
    async fn delete_session(&self, id: SessionId) -> Result<bool, Error>;
}

/// A session to open.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the parts of a Session")]
pub struct NewSession {
    pub id: SessionId,
    pub tenant: String,
    pub title: Option<String>,
    pub busy: Busy,
}

/// A message, and the job that answers it.
#[derive(Clone, Debug)]
pub struct Post {
    #[allow(missing_docs)]
    pub session: SessionId,
    /// The client's own name for it, unique in its session: 1 to 256 bytes.
    pub client_id: String,
    /// An object with `text`, and what else the message has.
    pub content: Box<RawValue>,
    /// Without keys: the client id is one.
    pub job: Submission,
}

/// What came of a [`Post`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// It is on record.
    Accepted {
        /// The message.
        entry: u64,
        /// The job that answers it, or that says which one did.
        job: JobId,
        /// Whether it was there before.
        duplicate: bool,
        /// The job whose turn is cancelled for it.
        interrupts: Option<JobId>,
    },
    /// The session takes no message while this job is unfinished.
    Busy(JobId),
    /// The session has [`MAX_WAITING`] messages that wait, or [`MAX_ENTRIES`] entries.
    Full,
    /// There is no such session.
    NoSession,
}

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    #[allow(missing_docs)]
    pub session: SessionId,
    #[allow(missing_docs)]
    pub entry: u64,
    /// The job whose turn it belongs to; `None` while it waits.
    pub turn: Option<JobId>,
}

/// What came of a wish to begin a turn.
#[derive(Clone, Debug)]
pub enum Turn {
    /// It is this job's turn, until it has its result.
    Began(Box<Began>),
    /// Its message is part of another job's turn, perhaps of one that was paused and goes on later: there is nothing left to do.
    Joined(JobId),
    /// It is the turn of an unfinished job of another queue: try again later.
    Wait(JobId),
    /// There is no such session any more, or the job was submitted without one.
    Gone,
    /// The job is someone else's now.
    LeaseLost,
}

/// A turn.
#[derive(Clone, Debug)]
pub struct Began {
    /// As it is now.
    pub session: Session,
    /// The entry that the answer follows: a branch to read the context from.
    pub leaf: u64,
    /// Every message taken up in this turn so far, in order; also by earlier runs of the job.
    pub messages: Vec<SessionEntry>,
}

/// How much to read.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// At most [`MAX_PAGE`].
    pub entries: u32,
    /// Of content.
    pub bytes: u64,
}

/// What a run leaves in its session when its job ends.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Left {
    #[allow(missing_docs)]
    pub session: SessionId,
    /// In order; each follows the one before.
    pub entries: Vec<NewEntry>,
}

/// An entry to put on record.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the parts of a SessionEntry")]
pub struct NewEntry {
    /// Not a user's.
    pub kind: EntryKind,
    pub partial: bool,
    pub content: Box<RawValue>,
}

impl Left {
    /// Refuses what no record would take, so that it is known before the job has its result.
    pub fn check(&self) -> Result<(), Invalid> {
        let (most, most_bytes) = MAX_LEFT;
        if self.entries.len() > most {
            return Err(Invalid::new("entries", format!("are {}; use at most {most}", self.entries.len())));
        }
        for entry in &self.entries {
            if entry.kind == EntryKind::User {
                return Err(Invalid::new("entries", "hold a message of a user; use Sessions::post for it"));
            }
            check_content("entries", &entry.content)?;
        }
        let bytes: usize = self.bytes();
        if bytes > most_bytes {
            return Err(Invalid::new("entries", format!("are {bytes} bytes long; use at most {most_bytes}")));
        }
        Ok(())
    }

    /// How long the entries are.
    pub fn bytes(&self) -> usize {
        self.entries.iter().map(|entry| entry.content.get().len()).sum()
    }
}

/// Refuses content that is too long, or no object.
pub(crate) fn check_content(field: &str, content: &RawValue) -> Result<(), Invalid> {
    let text = content.get();
    if text.len() > MAX_ENTRY {
        return Err(Invalid::new(field, format!("is {} bytes long; use at most {MAX_ENTRY}", text.len())));
    }
    if !text.trim_start().starts_with('{') {
        return Err(Invalid::new(field, "is no object; use one with `text`"));
    }
    Ok(())
}
