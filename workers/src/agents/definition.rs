//! Agents are files: what an agent says to models, which tools it has, and what it may use up.

mod file;
mod template;

pub use file::BadFile;
pub use template::BadTemplate;

use super::{chain, model::Shape, tool::Roles};
use crate::hex::hex;
use flotilla_jobs::MicroUsd;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
    sync::Arc,
};

/// Largest agent file, in bytes.
const MAX_FILE: u64 = 256 << 10;
/// Those that come with the program: file name, text.
const EMBEDDED: &[(&str, &str)] = &[
    ("chat.toml", include_str!("files/chat.toml")),
    ("code-review.toml", include_str!("files/code-review.toml")),
    ("tour.toml", include_str!("files/tour.toml")),
];

/// An agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Definition {
    pub name: String,
    /// Which models may do it: a route of the configuration.
    pub route: String,
    pub on_change: OnChange,
    pub limits: Limits,
    /// What its tools may reach.
    // Left out where it is the usual one, so that no agent from before there were roles counts as changed.
    #[serde(default, skip_serializing_if = "Roles::is_usual")]
    pub roles: Roles,
    /// Names of tools whose every call waits for a person.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub approval: BTreeSet<String>,
    /// Whether answers to the very same requests are found again instead of paid again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheFor>,
    /// By name.
    pub parts: BTreeMap<String, PartDefinition>,
}

/// How long answers are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CacheFor {
    pub hours: u32,
}

/// What becomes of a run whose agent was changed meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnChange {
    /// It goes on with what it began with.
    #[default]
    Finish,
    /// It begins anew with what there is now.
    Restart,
}

/// What one run may use up, all its threads together. Held against what is on record, so it holds over restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Finished calls of models and tools.
    pub steps: u32,
    /// In and out, those of lost calls among them.
    pub tokens: u64,
    /// Calls whose price is not known count as nothing here: `tokens` holds for them.
    pub cost: Option<MicroUsd>,
    /// From its beginning, waits among it.
    pub minutes: u32,
    /// What tools may say in all.
    pub tool_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 200, tokens: 2_000_000, cost: None, minutes: 60, tool_bytes: 8 << 20 }
    }
}

/// One sort of conversation that an agent has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PartDefinition {
    /// Which models may do it, where that is not for the agent's route to say; one that is not configured counts for
    /// nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Most tokens that it is told of a history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_tokens: Option<u64>,
    /// A template.
    pub system: Option<String>,
    /// A template: the first thing that is said.
    pub prompt: String,
    /// Names of tools.
    pub tools: Vec<String>,
    /// Most tokens of one answer.
    pub max_output: u32,
    pub temperature: Option<f64>,
    /// The shape of the last answer.
    pub answer: Option<Shape>,
}

impl Definition {
    /// Names what the agent is: another prompt, tool or limit gives another hash.
    pub fn hash(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        hex(&Sha256::digest(chain::canonical(&value)))
    }

    /// Names of all tools that its parts use.
    pub fn tools(&self) -> impl Iterator<Item = &str> {
        self.parts.values().flat_map(|part| part.tools.iter().map(String::as_str))
    }
}

impl PartDefinition {
    /// What is said first: the system text and the prompt, with these values.
    pub fn render(&self, vars: &impl Serialize) -> Result<(String, String), BadTemplate> {
        let system = self.system.as_deref().map(|text| template::render("system", text, vars)).transpose()?;
        Ok((system.unwrap_or_default(), template::render("prompt", &self.prompt, vars)?))
    }
}

/// Every agent there is, by name. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    by_name: Arc<BTreeMap<String, Arc<Definition>>>,
}

impl Definitions {
    /// Those that come with the program, and those of a directory, which go before them: every `*.toml` in it.
    pub fn load(dir: Option<&Path>) -> Result<Self, BadFile> {
        let mut all = Self::embedded()?;
        for (name, text) in dir.map(read).transpose()?.unwrap_or_default() {
            all.push(Definition::parse(&name, &text)?);
        }
        Ok(all.into_iter().collect())
    }

    /// The same with these roles instead of what the files of these agents say. An agent there is none of is an error.
    pub fn with_roles(self, roles: impl IntoIterator<Item = (String, Roles)>) -> Result<Self, String> {
        let mut by_name = Arc::unwrap_or_clone(self.by_name);
        for (name, roles) in roles {
            let Some(agent) = by_name.get_mut(&name) else {
                let known: Vec<_> = by_name.keys().map(String::as_str).collect();
                return Err(format!("there is no agent `{name}`; known are: {}", known.join(", ")));
            };
            Arc::make_mut(agent).roles = roles;
        }
        Ok(Self { by_name: Arc::new(by_name) })
    }

    /// The agent of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<Definition>> {
        self.by_name.get(name)
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    fn embedded() -> Result<Vec<Definition>, BadFile> {
        EMBEDDED.iter().map(|(name, text)| Definition::parse(name, text)).collect()
    }
}

impl FromIterator<Definition> for Definitions {
    /// The last one of a name counts.
    fn from_iter<I: IntoIterator<Item = Definition>>(all: I) -> Self {
        let by_name = all.into_iter().map(|one| (one.name.clone(), Arc::new(one))).collect();
        Self { by_name: Arc::new(by_name) }
    }
}

/// Names and texts of the agent files of a directory, in the order of their names.
fn read(dir: &Path) -> Result<Vec<(String, String)>, BadFile> {
    let unreadable = |path: &Path, error: io::Error| BadFile::unreadable(&path.display().to_string(), &error);
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(|error| unreadable(dir, error))? {
        let path = entry.map_err(|error| unreadable(dir, error))?.path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let seen = fs::metadata(&path).map_err(|error| unreadable(&path, error))?;
        if !seen.is_file() || seen.len() > MAX_FILE {
            let what = format!("is not a file of at most {} KiB; agent files are small", MAX_FILE >> 10);
            return Err(BadFile::new(&path.display().to_string(), 1, what));
        }
        let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
        found.push((path.display().to_string(), text));
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests;
