//! What a team sets of it, for all agents and for each.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What holds for an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Safety {
    /// What becomes of a message that looks as if it wants to steer the agent.
    pub injection: Action,
    /// What becomes of text that people do not see where it is shown.
    pub hidden: Hidden,
    /// What becomes of a message with HTML in it.
    pub html: Html,
    /// Most characters of a message; 0 is "no limit of its own".
    pub max_chars: usize,
    /// A regular expression that the whole message must match; empty is "any".
    pub format: String,
    /// Regular expressions that count as injections beside those that are known, by name.
    pub patterns: BTreeMap<String, String>,
    /// Whether credentials in an answer are masked.
    pub mask_secrets: bool,
    /// Hosts to which an answer may link, each with the hosts below it; none is "any".
    pub link_hosts: Vec<String>,
}

/// What differs from that for one agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields are those of Safety")]
pub struct AgentSafety {
    pub injection: Option<Action>,
    pub hidden: Option<Hidden>,
    pub html: Option<Html>,
    pub max_chars: Option<usize>,
    pub format: Option<String>,
    pub patterns: Option<BTreeMap<String, String>>,
    pub mask_secrets: Option<bool>,
    pub link_hosts: Option<Vec<String>>,
}

/// What becomes of a message that fits a pattern.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nobody looks.
    Off,
    /// It is taken, counted, and marked on record.
    #[default]
    Warn,
    /// The same, and what fits is taken out.
    Sanitize,
    /// It is refused.
    Block,
}

/// What becomes of text that people do not see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hidden {
    /// It is taken out, and counted.
    #[default]
    Strip,
    /// It stays.
    Keep,
}

/// What becomes of HTML.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Html {
    /// It stays, without what is hidden.
    #[default]
    Allow,
    /// The message is refused. HTML in code is text.
    Refuse,
}

impl Default for Safety {
    fn default() -> Self {
        Self {
            injection: Action::default(),
            hidden: Hidden::default(),
            html: Html::default(),
            max_chars: 0,
            format: String::new(),
            patterns: BTreeMap::new(),
            mask_secrets: true,
            link_hosts: Vec::new(),
        }
    }
}

impl Safety {
    /// The same with what an agent has of its own.
    #[must_use]
    pub fn with(&self, own: &AgentSafety) -> Self {
        Self {
            injection: own.injection.unwrap_or(self.injection),
            hidden: own.hidden.unwrap_or(self.hidden),
            html: own.html.unwrap_or(self.html),
            max_chars: own.max_chars.unwrap_or(self.max_chars),
            format: own.format.clone().unwrap_or_else(|| self.format.clone()),
            patterns: own.patterns.clone().unwrap_or_else(|| self.patterns.clone()),
            mask_secrets: own.mask_secrets.unwrap_or(self.mask_secrets),
            link_hosts: own.link_hosts.clone().unwrap_or_else(|| self.link_hosts.clone()),
        }
    }
}

impl Action {
    /// The name in configuration and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Sanitize => "sanitize",
            Self::Block => "block",
        }
    }
}
