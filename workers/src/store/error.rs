//! What can go wrong at the seam.

use flotilla_jobs::{Invalid, SessionId};

/// An operation of a store failed. Nothing of it happened unless the variant says so.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store, or half of it, does not answer now; try again.
    #[error("{what} is not available: {detail}")]
    Unavailable {
        /// `postgres`, `redis` or `sqlite`.
        what: &'static str,
        /// The driver's words, without secrets.
        detail: String,
    },
    /// The store's file cannot be written now; try again.
    #[error("{trouble} ({detail})")]
    Unwritable {
        /// Why, as far as it is known.
        trouble: Trouble,
        /// Which file, and the driver's words.
        detail: String,
    },
    /// An idempotency key was used before for something else.
    #[error("idempotency key `{0}` was used before with another kind or payload")]
    IdempotencyMismatch(String),
    /// The caller asked for something that makes no sense.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The entries of a session are in the archive, and this process does not know where that is.
    #[error("session {0} is archived; set sessions.archive_url to where its entries are, as its workers do")]
    Archived(SessionId),
    /// Something on record or in the queue cannot be read; the rest is not affected.
    #[error("{what} holds something unreadable: {detail}")]
    Corrupt {
        /// `postgres`, `redis` or `sqlite`.
        what: &'static str,
        /// Which, and what is wrong with it.
        detail: String,
    },
}

impl Error {
    /// Whether trying again later may help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Unwritable { .. })
    }
}

/// Why the file of a store cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// No room: the disk is full, or the file is as large as the process may make it.
    #[error("the disk of the store is full")]
    Full,
    /// The file, its directory or its file system may not be written.
    #[error("the file of the store is read-only")]
    ReadOnly,
    /// Another process has held the file for longer than a write should take.
    #[error("the file of the store is locked by another process")]
    Locked,
    /// The system refuses to write, and does not say why.
    #[error("the file of the store cannot be written")]
    Failing,
}

/// A store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address does not parse.
    #[error("{what} address is not valid: {detail}")]
    Address {
        /// `postgres`, `redis` or `sqlite`.
        what: &'static str,
        /// What is wrong with it; never the address itself, which may hold a password.
        detail: String,
    },
    /// It does not answer, or refuses us.
    #[error("cannot reach {what}: {detail}")]
    Unreachable {
        /// `postgres`, `redis` or `sqlite`.
        what: &'static str,
        /// The driver's words, without secrets.
        detail: String,
    },
    /// It answers but is set up in a way that would lose work.
    #[error("{what} is not set up for flotilla: {detail}")]
    Unfit {
        /// `postgres`, `redis` or `sqlite`.
        what: &'static str,
        /// What is wrong, why it matters and what to set.
        detail: String,
    },
    /// Migrations are missing.
    #[error("the database lacks migration {missing}; run `flotilla migrate`")]
    NotMigrated {
        /// Number and name of the first that is missing.
        missing: String,
    },
}
