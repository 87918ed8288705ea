//! The cache: what was made once and would only be made again, such as an answer of a model to the very same request.
//!
//! The seam between who makes things and stores. It lives where the queue does and is no record: whatever it holds may be
//! gone at the next moment, and whoever finds nothing makes it anew. Two that look for the same at once may both find
//! nothing and both make it; the later one stays. Each sort has its own bounds, and its oldest entries go first. Held by
//! `tests/conformance/cache.rs`, on both stores.

pub use crate::store::Error;
use async_trait::async_trait;
use flotilla_jobs::{Invalid, Session, SessionId};
use sha2::{Digest as _, Sha256};
use std::{fmt, time::Duration};

/// Most bytes of one value.
pub const MAX_VALUE: usize = 4 << 20;
/// Longest time that a value is kept.
pub const MAX_LASTS: Duration = Duration::from_hours(30 * 24);
/// Most entries that one call drops.
pub const MAX_DROPPED: u32 = 500;

/// Keeps what may be gone.
#[async_trait]
pub trait Cache: Send + Sync {
    /// What is kept under a name, for as long as it lasts.
    async fn cached(&self, name: &CacheName) -> Result<Option<Vec<u8>>, Error>;

    /// Keeps a value in the place of what was under its name. Where its sort would be more than `most` then, the oldest go;
    /// answers whether there was room for it.
    async fn keep(&self, keep: Keep) -> Result<bool, Error>;

    /// Whether it is apart from the record. Where both are one file, who keeps what the record has gains nothing.
    fn is_apart(&self) -> bool;

    /// Drops at most [`MAX_DROPPED`] entries of a sort, of one group or of all; answers how many went. 0 says that none
    /// is left.
    async fn drop_cached(&self, sort: Sort, group: Option<Group>) -> Result<u32, Error>;
}

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sort {
    /// Answers of models.
    Answers,
    /// What was said in chats, as turns are told of it.
    Contexts,
}

impl Sort {
    /// The name on record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answers => "answers",
            Self::Contexts => "contexts",
        }
    }
}

/// What is dropped together. A hash, so that no store has a name of a tenant here.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Group(pub [u8; 16]);

impl Group {
    /// That of these words, in this order.
    pub fn of(words: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for word in words {
            hash.update((word.len() as u64).to_be_bytes());
            hash.update(word);
        }
        let mut group = [0; 16];
        group.copy_from_slice(&hash.finalize()[..16]);
        Self(group)
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::hex::hex(&self.0))
    }
}

/// Names what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct CacheName {
    pub sort: Sort,
    pub group: Group,
    /// A hash over all that the value depends on.
    pub key: [u8; 32],
}

/// How much of a sort is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    #[allow(missing_docs)]
    pub entries: u64,
    /// Of all values together.
    pub bytes: u64,
}

/// Of all that is kept of a session.
pub(crate) fn group_of(session: SessionId) -> Group {
    Group::of(&["session", &session.to_string()])
}

/// Names what turns were told of a session, for as long as it is this one: another may be opened under its id.
pub fn name_of_context(session: &Session) -> CacheName {
    let key = format!("{}/{}", session.id, session.created_at.as_millisecond());
    CacheName { sort: Sort::Contexts, group: group_of(session.id), key: Sha256::digest(key).into() }
}

/// A value to keep.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Keep {
    pub name: CacheName,
    /// At most [`MAX_VALUE`] bytes.
    pub value: Vec<u8>,
    /// From now, by the store's clock; at most [`MAX_LASTS`].
    pub lasts: Duration,
    /// Of its sort, with this one.
    pub most: Bounds,
}

/// Refuses what no store keeps.
pub(crate) fn check_keep(keep: &Keep) -> Result<(), Error> {
    let bytes = keep.value.len();
    if bytes > MAX_VALUE {
        return Err(Invalid::new("value", format!("is {bytes} bytes long; at most {MAX_VALUE} are kept")).into());
    }
    Ok(())
}
