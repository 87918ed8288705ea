//! Values by their path, each with its origin; later layers win.

use std::{collections::BTreeMap, fmt, path::PathBuf};
use toml::{Table, Value};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `config.default.toml`, embedded.
    Default,
    /// A line of a configuration file.
    File { path: PathBuf, line: usize },
    /// An environment variable.
    Env(String),
    /// A flag.
    Flag(String),
    /// A file with nothing but a secret in it.
    SecretFile(PathBuf),
}

impl Origin {
    /// Its kind, for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File { .. } => "file",
            Self::Env(_) => "env",
            Self::Flag(_) => "flag",
            Self::SecretFile(_) => "secret_file",
        }
    }

    /// Which of two wins; equal for values of one layer.
    pub fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File { .. } => 1,
            Self::Env(_) => 2,
            Self::Flag(_) => 3,
            Self::SecretFile(_) => 4,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Env(name) | Self::Flag(name) => f.write_str(name),
            Self::SecretFile(path) => write!(f, "{}", path.display()),
        }
    }
}

/// One value and its origin.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub value: Value,
    pub origin: Origin,
}

/// All values in force.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    entries: BTreeMap<String, Entry>,
}

impl Layers {
    /// Sets a value; what was there is forgotten.
    pub fn set(&mut self, key: impl Into<String>, value: Value, origin: Origin) {
        self.entries.insert(key.into(), Entry { value, origin });
    }

    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// Where a value came from; for a section, where any of it did.
    pub fn origin(&self, key: &str) -> Option<Origin> {
        let entry = self.entries.get(key).or_else(|| {
            let section = format!("{key}.");
            self.entries.iter().find(|(name, _)| name.starts_with(&section)).map(|(_, entry)| entry)
        });
        entry.map(|entry| entry.origin.clone())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(key, entry)| (key.as_str(), entry))
    }

    /// The same values as nested tables.
    pub fn to_table(&self) -> Table {
        let mut root = Table::new();
        for (key, entry) in &self.entries {
            let mut parts: Vec<&str> = key.split('.').collect();
            let leaf = parts.pop().unwrap_or_default();
            let mut table = &mut root;
            for part in parts {
                let next = table.entry(part).or_insert_with(|| Value::Table(Table::new()));
                match next {
                    Value::Table(inner) => table = inner,
                    // A path is never both a value and a section: keys.rs knows which it is.
                    _ => return root,
                }
            }
            table.insert(leaf.to_owned(), entry.value.clone());
        }
        root
    }
}
