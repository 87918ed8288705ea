//! Tools that models may call. What sort of a tool it is decides what happens when a worker dies in the middle of a
//! call, and the types ask for it: an effect cannot be made without the way to find out whether it happened.

mod approve;
pub mod output;
mod role;
mod work;

pub use role::{Role, Roles};

pub(in crate::agents) use work::ToolCall;

use super::model::ToolSpec;
use async_trait::async_trait;
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fmt, sync::Arc};

/// A tool, by what may be done when nobody knows whether a call of it happened.
#[derive(Clone)]
pub enum Tool {
    /// It only reads: call it again.
    Pure(Arc<dyn Pure>),
    /// Twice is the same as once: call it again.
    Idempotent(Arc<dyn Idempotent>),
    /// It changes something: find out first.
    Effect(Arc<dyn Effect>),
}

/// What a model wrote as arguments: a JSON object. It never holds a secret: tools take names of things, and look up
/// what these need where they run.
pub type Arguments = Map<String, Value>;

/// A tool that only reads.
#[async_trait]
pub trait Pure: Send + Sync {
    /// What a model is told of it.
    fn spec(&self) -> ToolSpec;

    /// What it says. May be dropped at any time.
    async fn call(&self, arguments: &Arguments) -> Result<Vec<u8>, ToolError>;
}

/// A tool whose second call with the same key changes nothing.
#[async_trait]
pub trait Idempotent: Send + Sync {
    /// What a model is told of it.
    fn spec(&self) -> ToolSpec;

    /// Does it, and says what came of it. `key` is the same for each call of the same step.
    async fn call(&self, arguments: &Arguments, key: &str) -> Result<Vec<u8>, ToolError>;
}

/// A tool that changes something outside.
#[async_trait]
pub trait Effect: Send + Sync {
    /// What a model is told of it.
    fn spec(&self) -> ToolSpec;

    /// Does it, and says what came of it. It leaves `key` where [`Effect::reconcile`] finds it.
    async fn call(&self, arguments: &Arguments, key: &str) -> Result<Vec<u8>, ToolError>;

    /// What came of an earlier call with this key, whose end is not known; `None` where it did not happen.
    async fn reconcile(&self, arguments: &Arguments, key: &str) -> Result<Option<Vec<u8>>, ToolError>;

    /// An earlier attempt of the job made this call, and its end is on record. A tool whose work is gone with that
    /// attempt does it once more. Called for the calls on record in their order, before any that is new.
    async fn restore(&self, _arguments: &Arguments, _key: &str) -> Result<(), ToolError> {
        Ok(())
    }
}

/// Why a tool gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    /// The model is told so, and may do better: bad arguments, no such file.
    #[error("{0}")]
    Said(String),
    /// The job has to end.
    #[error("the tool was interrupted")]
    Interrupted,
}

impl ToolError {
    /// Told to the model.
    pub fn said(what: impl Into<String>) -> Self {
        Self::Said(what.into())
    }
}

impl Tool {
    /// What a model is told of it.
    pub fn spec(&self) -> ToolSpec {
        match self {
            Self::Pure(tool) => tool.spec(),
            Self::Idempotent(tool) => tool.spec(),
            Self::Effect(tool) => tool.spec(),
        }
    }
}

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sort = match self {
            Self::Pure(_) => "Pure",
            Self::Idempotent(_) => "Idempotent",
            Self::Effect(_) => "Effect",
        };
        write!(f, "{sort}({})", self.spec().name)
    }
}

/// Tools by name; of these a part of an agent gets those that its file names.
#[derive(Clone, Debug, Default)]
pub struct Toolbox {
    tools: BTreeMap<String, Held>,
    /// Whether a part does without those of its tools that are not here.
    partial: bool,
}

/// A tool, and the role that an agent needs for it; `None` where every agent may use it.
#[derive(Clone, Debug)]
struct Held {
    tool: Tool,
    role: Option<Role>,
}

impl Toolbox {
    /// Adds a tool that every agent may use; one of the same name gives way.
    #[must_use]
    pub fn with(mut self, tool: Tool) -> Self {
        self.tools.insert(tool.spec().name, Held { tool, role: None });
        self
    }

    /// Adds a tool for agents with this role; one of the same name gives way.
    #[must_use]
    pub fn with_role(mut self, tool: Tool, role: Role) -> Self {
        self.tools.insert(tool.spec().name, Held { tool, role: Some(role) });
        self
    }

    /// Adds all of another; those of the same name give way.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.tools.extend(other.tools);
        self
    }

    /// The same for work that cannot have all of its tools: a part does without those that are not here, instead of ending
    /// its run.
    #[must_use]
    pub fn partial(mut self) -> Self {
        self.partial = true;
        self
    }

    /// Whether there is no tool.
    pub fn is_empty(&self) -> bool {
        self.tools.is_empty()
    }

    /// The tool of this name.
    pub fn get(&self, name: &str) -> Option<&Tool> {
        self.tools.get(name).map(|held| &held.tool)
    }

    /// Names of those that only read.
    pub(super) fn reading(&self) -> impl Iterator<Item = &String> {
        self.tools.iter().filter(|(_, held)| matches!(held.tool, Tool::Pure(_))).map(|(name, _)| name)
    }

    /// The role that an agent with `roles` lacks for a tool.
    pub(super) fn lacks(&self, name: &str, roles: &Roles) -> Option<Role> {
        self.tools.get(name)?.role.filter(|role| !roles.has(*role))
    }

    /// Those of these names; `None` where one is missing.
    pub(super) fn only(&self, names: &[String]) -> Option<Self> {
        let here = |name: &&String| !self.partial || self.tools.contains_key(*name);
        let tools = names.iter().filter(here).map(|name| Some((name.clone(), self.tools.get(name)?.clone())));
        Some(Self { tools: tools.collect::<Option<_>>()?, partial: self.partial })
    }

    /// What a model is told of these, in this order; not of those that an agent with `roles` may not use.
    pub(super) fn specs(&self, names: &[String], roles: &Roles) -> Vec<ToolSpec> {
        let granted = names.iter().filter(|name| self.lacks(name, roles).is_none());
        granted.filter_map(|name| self.get(name)).map(Tool::spec).collect()
    }
}
