//! Calls of tools that wait for a person.

use crate::{Invalid, JobId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// Names an approval: a UUID version 7, so that ids sort by the time at which they were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, format = "uuid"))]
pub struct ApprovalId(pub Uuid);

impl fmt::Display for ApprovalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for ApprovalId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let no_id =
            || Invalid::new("id", format!("`{text}` is not an id of an approval; `flotilla approvals` lists them"));
        Uuid::parse_str(text).map(Self).map_err(|_| no_id())
    }
}

/// A call of a tool that waits for a person, or waited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Approval {
    #[allow(missing_docs)]
    pub id: ApprovalId,
    /// The job that waits.
    pub job: JobId,
    /// Whose it is.
    pub tenant: String,
    /// Who wants to make the call.
    pub agent: String,
    #[allow(missing_docs)]
    pub tool: String,
    /// What it is called with: JSON as the model wrote it, the start and the end of what is long, secrets masked.
    pub arguments: String,
    #[allow(missing_docs)]
    pub decision: Decision,
    /// Who decided, as they said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, as they said; the model is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[allow(missing_docs)]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "date-time"))]
    pub requested_at: Timestamp,
    /// It counts as denied from then on.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "date-time"))]
    pub expires_at: Timestamp,
    #[allow(missing_docs)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = "date-time"))]
    pub decided_at: Option<Timestamp>,
}

/// What became of an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Nobody has decided.
    Pending,
    /// The call is made, once.
    Approved,
    /// It is not made; the model is told so and goes on.
    Denied,
    /// Nobody decided in time, which denies.
    Expired,
    /// Its job ended before anybody decided.
    Ended,
}

impl Decision {
    /// Every one there is.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Approved, Self::Denied, Self::Expired, Self::Ended];

    /// The name on the wire and on record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Ended => "ended",
        }
    }
}

impl FromStr for Decision {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|decision| decision.as_str() == text).ok_or_else(|| {
            let all = Self::ALL.map(Self::as_str).join(", ");
            Invalid::new("state", format!("`{text}` is nothing that an approval can be; use one of {all}"))
        })
    }
}

/// What somebody says to an approval.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Say {
    /// Who says it: at most 128 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why: at most 1,024 bytes. The model is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Say {
    /// Most bytes of who says it.
    pub const MAX_BY: usize = 128;
    /// Most bytes of why.
    pub const MAX_REASON: usize = 1_024;

    /// Whether both are short and plain.
    pub fn check(&self) -> Result<(), Invalid> {
        for (field, text, max) in [("by", &self.by, Self::MAX_BY), ("reason", &self.reason, Self::MAX_REASON)] {
            let Some(text) = text else { continue };
            if text.is_empty() || text.len() > max {
                return Err(Invalid::new(field, format!("is {} bytes long; use 1 to {max}", text.len())));
            }
            if text.chars().any(char::is_control) {
                return Err(Invalid::new(field, "holds a control character; use plain text in one line"));
            }
        }
        Ok(())
    }
}

/// A page of approvals, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Approvals {
    #[allow(missing_docs)]
    pub approvals: Vec<Approval>,
    /// Pass it as `after` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<ApprovalId>,
}
