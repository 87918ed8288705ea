//! Sessions, for those who look after them.

use crate::{Busy, SessionEntry, SessionId};
use serde::{Deserialize, Serialize};

/// A session to open.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct OpenSession {
    /// A UUID of version 7; asked twice with the same one, there is one session. A new one unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<SessionId>,
    /// `default` unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// At most 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What becomes of a message that comes while a turn is unfinished.
    #[serde(default)]
    pub busy: Busy,
}

/// What to change of a session; what is `None` stays as it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SessionChange {
    /// An empty one takes the title away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Counts from the next message, and the next turn, on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy: Option<Busy>,
}

/// A session to open with what another one has up to an entry.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ForkSession {
    /// The last entry that both have.
    pub entry: u64,
    /// The new session's; asked twice with the same one, there is one fork. A new one unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<SessionId>,
    /// The origin's, unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// What came of a wish to archive a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ArchiveReply {
    /// It is in the archive now.
    Archived,
    /// It was there before.
    Already,
    /// A turn is unfinished, or a message waits.
    Busy,
    /// Somebody spoke in it meanwhile.
    Changed,
    /// Nothing was said in it: there is nothing to archive.
    Empty,
    /// It has more than 32 MiB of content, and stays on record.
    TooLarge,
}

impl ArchiveReply {
    /// The name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Archived => "archived",
            Self::Already => "already",
            Self::Busy => "busy",
            Self::Changed => "changed",
            Self::Empty => "empty",
            Self::TooLarge => "too_large",
        }
    }
}

/// The answer to a wish to archive a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ArchiveAnswer {
    #[allow(missing_docs)]
    pub id: SessionId,
    /// What came of it.
    pub reply: ArchiveReply,
}

/// Which sessions to archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ArchiveIdle {
    /// Those in which nothing was said for so many days; 0 for all that are not busy.
    pub idle_days: u32,
}

/// Which entries of a session to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntriesFrom {
    /// All above this number, in order.
    After(u64),
    /// Those from this one back to the first, the newest first; from the head, where it is `None`.
    Branch(Option<u64>),
}

/// Some entries of a session.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Entries {
    #[allow(missing_docs)]
    pub entries: Vec<SessionEntry>,
    /// Where the next page goes on: as `after`, or as `branch` where that was asked for. None on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

impl Entries {
    /// What to ask for the next page.
    #[must_use]
    pub fn next_of(&self, asked: EntriesFrom) -> Option<EntriesFrom> {
        self.next.map(|next| match asked {
            EntriesFrom::After(_) => EntriesFrom::After(next),
            EntriesFrom::Branch(_) => EntriesFrom::Branch(Some(next)),
        })
    }
}
