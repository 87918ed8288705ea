//! Roles: what an agent's tools may reach. Its file grants them, and nothing that a model says does.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, str::FromStr};

/// What a tool reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    /// Files of what the job is about, and their history.
    #[serde(rename = "filesystem:read")]
    FilesystemRead,
    /// The job's own copy of these files.
    #[serde(rename = "filesystem:write")]
    FilesystemWrite,
    /// Hosts that the configuration names, to read from.
    #[serde(rename = "network:read")]
    NetworkRead,
    /// Programs that the configuration names.
    #[serde(rename = "process:run")]
    ProcessRun,
    /// MCP servers that the configuration names.
    #[serde(rename = "mcp:call")]
    McpCall,
}

/// The roles of an agent: it may read files, unless its file says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Roles(BTreeSet<Role>);

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FilesystemRead => "filesystem:read",
            Self::FilesystemWrite => "filesystem:write",
            Self::NetworkRead => "network:read",
            Self::ProcessRun => "process:run",
            Self::McpCall => "mcp:call",
        })
    }
}

impl Role {
    /// Every one there is.
    pub const ALL: [Self; 5] =
        [Self::FilesystemRead, Self::FilesystemWrite, Self::NetworkRead, Self::ProcessRun, Self::McpCall];
}

impl Roles {
    /// Whether this one is among them.
    pub fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// Whether they are what an agent has whose file names none.
    pub(in crate::agents) fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Roles {
    fn default() -> Self {
        Self::from_iter([Role::FilesystemRead])
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|role| role.to_string() == text);
        found.ok_or_else(|| {
            let all = Self::ALL.map(|role| format!("`{role}`")).join(", ");
            format!("`{text}` is no role; there are {all}")
        })
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(roles.into_iter().collect())
    }
}
