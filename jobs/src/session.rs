//! Sessions: conversations that outlive the jobs that answer in them.

use crate::{Invalid, JobId, names};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// What keys of groups of sessions begin with.
const GROUP: &str = "session:";

/// A session's id: a UUID version 7 (RFC 9562), so that ids sort by age. Whoever opens a session makes it, so that asking
/// twice opens one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, format = "uuid"))]
pub struct SessionId(pub Uuid);

impl SessionId {
    /// A new id, greater than every id made by this process before.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "a default that differs on each call would mislead")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// The group of the session's turns: one runs at a time.
    #[must_use]
    pub fn group(self) -> crate::Group {
        crate::Group { key: format!("{GROUP}{self}"), limit: 1 }
    }

    /// The session whose turns have a group of this key, if it is one of a session.
    #[must_use]
    pub fn of_group(key: &str) -> Option<Self> {
        key.strip_prefix(GROUP).and_then(|id| Uuid::parse_str(id).ok()).map(Self)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for SessionId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{}` is not a session id; it is a UUID such as 0199f2c4-…", names::clip(text));
        Uuid::parse_str(text).map(Self).map_err(|_| Invalid::new("session", wrong()))
    }
}

/// What becomes of a message that comes while a turn of its session is unfinished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Busy {
    /// It waits for its own turn.
    #[default]
    Enqueue,
    /// It is refused.
    Reject,
    /// The turn that runs is cancelled, its partial answer stays, and the message is answered next, with all that wait.
    Interrupt,
    /// The turn that runs reads it before its next call of a model; one that comes too late is answered next.
    Steer,
    /// It is answered next, in one turn with all that wait.
    Coalesce,
}

impl Busy {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Enqueue, Self::Reject, Self::Interrupt, Self::Steer, Self::Coalesce];

    /// The name on record and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enqueue => "enqueue",
            Self::Reject => "reject",
            Self::Interrupt => "interrupt",
            Self::Steer => "steer",
            Self::Coalesce => "coalesce",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|busy| busy.as_str() == name)
    }

    /// Whether a turn that begins answers every message that waits, and not its own alone.
    #[must_use]
    pub const fn joins(self) -> bool {
        matches!(self, Self::Interrupt | Self::Steer | Self::Coalesce)
    }
}

/// A session as the record has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
    #[allow(missing_docs)]
    pub id: SessionId,
    /// Whose it is; its turns are jobs of the same tenant.
    pub tenant: String,
    /// At most 256 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What becomes of a message that comes while a turn is unfinished.
    pub busy: Busy,
    /// The entry that the next one goes on from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<u64>,
    /// The job whose turn it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn: Option<JobId>,
    /// Rises with every change.
    pub version: u64,
    /// The session and the entry it was forked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<Origin>,
    /// By the store's clock.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "date-time"))]
    pub created_at: Timestamp,
    /// When it changed last.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "date-time"))]
    pub updated_at: Timestamp,
    /// Since when its entries are in the archive; whoever asks for them brings them back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = "date-time"))]
    pub archived_at: Option<Timestamp>,
}

/// Where a fork begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[allow(missing_docs)]
pub struct Origin {
    pub session: SessionId,
    pub entry: u64,
}

/// Who says an entry, or what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EntryKind {
    /// What the agent is told before all else.
    System,
    /// A message of a user.
    User,
    /// An answer.
    Assistant,
    /// The result of a tool.
    Tool,
    /// Stands for all entries up to the one its content names in `upto`.
    Summary,
}

impl EntryKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::System, Self::User, Self::Assistant, Self::Tool, Self::Summary];

    /// The name on record and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
            Self::Summary => "summary",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// One entry of a session. What it says never changes; a message of a user gets its parent when its turn begins.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionEntry {
    /// From 1 within its session, in the order of arrival; a fork keeps the numbers of what it shares.
    pub id: u64,
    /// The entry it follows; none for the first one, and while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<u64>,
    #[allow(missing_docs)]
    pub kind: EntryKind,
    /// A message that no turn has taken up yet.
    #[serde(default)]
    pub waiting: bool,
    /// An answer that was cut short: its turn was interrupted, cancelled or failed.
    #[serde(default)]
    pub partial: bool,
    /// The client's own name for a message, unique in its session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The job that was submitted with a message, or that said an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// The job whose turn it belongs to; none while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn: Option<JobId>,
    /// By the store's clock.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "date-time"))]
    pub created_at: Timestamp,
    /// An object with `text`, and what else its kind has.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub content: Box<RawValue>,
}

/// Some sessions, the newest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionPage {
    #[allow(missing_docs)]
    pub sessions: Vec<Session>,
    /// Where the next page goes on; none on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<SessionId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for busy in Busy::ALL {
            assert_eq!(Busy::parse(busy.as_str()), Some(busy));
            assert_eq!(serde_json::to_string(&busy).unwrap(), format!("\"{}\"", busy.as_str()));
        }
        for kind in EntryKind::ALL {
            assert_eq!(EntryKind::parse(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.as_str()));
        }
        assert_eq!(Busy::parse("Reject"), None);
    }

    #[test]
    fn an_id_is_a_uuid() {
        let id = SessionId::new();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("no".parse::<SessionId>().is_err());
        assert_eq!(id.group().limit, 1);
        assert_eq!(SessionId::of_group(&id.group().key), Some(id));
        assert_eq!(SessionId::of_group("session:of minds"), None);
    }
}
