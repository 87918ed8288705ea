//! The archive: sessions that nobody spoke in for long, as objects outside of the record.
//!
//! The row of a session stays, so it is listed as ever; its entries go to an object, and come back when somebody asks
//! for them. At any time every entry is on record, or in an object that was read back and found whole, or in both:
//!
//! 1. The object's name is noted ([`Shelf::begin_archive`]), so that what a crash leaves behind is found and removed.
//! 2. The object is written, read back and held against its hash.
//! 3. In one transaction the entries give way to it ([`Shelf::commit_archive`]), unless anything happened meanwhile.
//!
//! To come back, an object is read and held against its hash, and its entries are put on record in one transaction
//! ([`Shelf::restore_session`]); then the object goes. No two objects have one name, so that none can be removed in
//! place of another. Held by `tests/conformance/archive`, on both stores, and by `tests/e2e/archive.rs` under SIGKILL.

mod format;
mod keeper;
mod objects;
mod pass;
#[cfg(test)]
mod tests;
mod transparent;

pub use keeper::{Archive, Idled};
pub use objects::{Objects, harmless};
pub use transparent::with_archive;

use crate::store::Error;
use async_trait::async_trait;
use flotilla_jobs::{Session, SessionEntry, SessionId};
use std::time::Duration;

/// Most bytes of content of a session that goes to the archive: it is in memory when it goes, and when it comes back.
pub const MAX_CONTENT: u64 = 32 << 20;
/// Most sessions of one look for idle ones.
pub const MAX_LOOK: u32 = 1_000;
/// Entries that a store takes back at a time.
pub(crate) const RESTORED_AT_ONCE: usize = 500;
/// How long writing an object may take; whoever takes longer does not get to commit it.
pub const MAX_WRITING: Duration = Duration::from_hours(1);

/// What a store knows of the archive.
#[async_trait]
pub trait Shelf: Send + Sync {
    /// Looks at most at `limit` sessions that are not archived, in the order of their ids, from after `after` on;
    /// answers those that have entries and neither changed nor came back since `age` ago.
    async fn idle_sessions(&self, age: Duration, after: Option<SessionId>, limit: u32) -> Result<IdleSessions, Error>;

    /// Notes that an object of this name, which must be new, is about to be written for a session.
    async fn begin_archive(&self, id: SessionId, name: &str) -> Result<Mark, Error>;

    /// Takes the entries of a session off the record in favor of an object that was read back and found whole. Answers
    /// whether it did: not if the session has changed since [`Shelf::begin_archive`], a turn of it is unfinished, or the
    /// note is too old. Then the object is to be removed.
    async fn commit_archive(&self, object: &Object) -> Result<bool, Error>;

    /// The object that has the entries of a session; `None` where they are on record, or there is no such session.
    async fn archived_object(&self, id: SessionId) -> Result<Option<Object>, Error>;

    /// Puts the entries of an archived session back on record. Answers whether it did: not if the session is not in this
    /// object any more. From then on the object is a copy if `keep`, else it is to be removed.
    async fn restore_session(&self, object: &Object, entries: Vec<SessionEntry>, keep: bool) -> Result<bool, Error>;

    /// At most `limit` objects that nobody needs, those that were tried longest ago first. What was begun longer than
    /// [`MAX_WRITING`] ago and not committed is among them, and cannot be committed any more.
    async fn doomed_objects(&self, limit: u32) -> Result<Vec<String>, Error>;

    /// Notes that an object which nobody needs is gone, or that it could not be removed this time.
    async fn object_removed(&self, name: &str, gone: bool) -> Result<(), Error>;
}

/// Some sessions that nobody spoke in for long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdleSessions {
    /// They need not be so any more when they are asked for.
    pub idle: Vec<SessionId>,
    /// Where to go on; none after the last session.
    pub next: Option<SessionId>,
}

/// What came of a wish to archive a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It may go, as it is now.
    Begun(Box<Session>),
    /// A turn is unfinished, or a message waits.
    Busy,
    /// Nothing was said in it.
    Empty,
    /// It has more than [`MAX_CONTENT`] bytes of content.
    TooLarge,
    /// It is archived.
    Archived,
    /// There is no such session.
    NoSession,
}

/// An object of the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Object {
    pub name: String,
    pub session: SessionId,
    /// Of the session, when it was read.
    pub version: u64,
    /// SHA-256 of all of it, in hex.
    pub hash: String,
    pub bytes: u64,
    pub entries: u64,
}
