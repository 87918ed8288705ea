//! Puts the layers together.

use super::{Config, Error, Origin, check, env, file, keys::KNOWN, layers::Layers, mcp, roles, secrets};
use flotilla_jobs::Invalid;
use flotilla_workers::{
    agents::{kit::Kit, model::Catalog, tool::Roles},
    safety::Guards,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use toml::Value;

/// The SQLite file in the user's data directory.
pub const FILE_NAME: &str = "flotilla.db";

/// What settings are read from. Nothing else of the surroundings is looked at.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// `--config`: must exist.
    pub file: Option<PathBuf>,
    /// Where `flotilla.toml` is looked for, where that is wanted.
    pub directory: Option<PathBuf>,
    /// The environment.
    pub vars: Vec<(String, String)>,
    /// Flags that set something: the flag, the setting, its text.
    pub flags: Vec<(String, String, String)>,
}

impl Inputs {
    fn var(&self, name: &str) -> Option<&str> {
        self.vars.iter().find(|(key, text)| key == name && !text.is_empty()).map(|(_, text)| text.as_str())
    }

    /// Where this user's data goes.
    fn data_dir(&self) -> Option<PathBuf> {
        let home = self.var("HOME").map(Path::new);
        let base = self.var("XDG_DATA_HOME").map(PathBuf::from).or_else(|| {
            let below = if cfg!(target_os = "macos") { "Library/Application Support" } else { ".local/share" };
            home.map(|home| home.join(below))
        });
        base.filter(|base| base.is_absolute()).map(|base| base.join("flotilla"))
    }

    /// The configuration file: which, and whether it must exist.
    fn file(&self) -> Option<PathBuf> {
        if let Some(path) = &self.file {
            return Some(path.clone());
        }
        if let Some(path) = self.var(env::FILE) {
            return Some(path.into());
        }
        let config = self.var("XDG_CONFIG_HOME").map(PathBuf::from);
        let config = config.or_else(|| self.var("HOME").map(|home| Path::new(home).join(".config")));
        let here = self.directory.as_ref().map(|dir| dir.join("flotilla.toml"));
        let user = config.map(|dir| dir.join("flotilla/config.toml"));
        here.into_iter().chain(user).find(|path| path.is_file())
    }
}

/// The settings, and where each came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub config: Config,
    /// What the configuration of providers, models and routes comes to.
    pub catalog: Arc<Catalog>,
    /// What messages to agents and their answers go by.
    pub guards: Guards,
    /// The tools that act.
    pub kit: Kit,
    /// Roles of agents that the configuration gives them, instead of what their files say.
    pub roles: Vec<(String, Roles)>,
    pub layers: Layers,
    /// The configuration file that was read.
    pub file: Option<PathBuf>,
    /// Where this user's data goes, if there is a home.
    pub data_dir: Option<PathBuf>,
}

impl Loaded {
    /// Whether nobody said anything about a setting.
    pub fn is_default(&self, key: &str) -> bool {
        self.layers.origin(key).is_none_or(|origin| origin == Origin::Default)
    }
}

/// Reads every layer and checks the whole.
pub fn load(inputs: &Inputs) -> Result<Loaded, Error> {
    let mut layers = Layers::default();
    for (key, value) in KNOWN.iter() {
        layers.set(key, value.clone(), Origin::Default);
    }
    let path = inputs.file();
    if let Some(path) = &path {
        let text = std::fs::read_to_string(path)
            .map_err(|e| Error::new(None, "", format!("cannot read the configuration file {}: {e}", path.display())))?;
        file::read(path, &text, &mut layers)?;
    }
    env::read(&inputs.vars, &mut layers)?;
    for (flag, key, text) in &inputs.flags {
        env::set(flag, key, text, &mut layers)?;
    }
    env::vendor_keys(&inputs.vars, &mut layers);
    secrets::read(&mut layers)?;
    mcp::let_in(&inputs.vars, &mut layers)?;
    let data_dir = inputs.data_dir();
    let unset = |key: &str| layers.get(key).is_some_and(|entry| entry.value.as_str() == Some(""));
    if let Some(dir) =
        data_dir.as_ref().filter(|_| ["url", "redis_url"].iter().all(|key| unset(&format!("store.{key}"))))
    {
        // What "not set" comes to, so that people see where their jobs are.
        let url = format!("sqlite:{}", dir.join(FILE_NAME).display());
        layers.set("store.url", Value::String(url), Origin::Default);
    }
    let config: Config = serde_path_to_error::deserialize(Value::Table(layers.to_table())).map_err(|e| {
        let key = e.path().to_string();
        let message = e.inner().message().to_owned();
        Error::new(layers.origin(&key), key, message)
    })?;
    check::check(&config).map_err(|(key, message)| Error::new(layers.origin(key), key, message))?;
    let wrong = |e: Invalid| {
        // What is missing has no place; what it is missing from may have one.
        let section = e.field.rsplit_once('.').map_or("", |(section, _)| section);
        Error::new(layers.origin(&e.field).or_else(|| layers.origin(section)), e.field, e.message)
    };
    let catalog = Arc::new(config.catalog().map_err(wrong)?);
    let guards = config.safety.guards().map_err(|(key, message)| Error::new(layers.origin(&key), key, message))?;
    let kit = config.kit().map_err(wrong)?;
    let roles = roles(&config.roles).map_err(wrong)?;
    Ok(Loaded { config, catalog, guards, kit, roles, layers, file: path, data_dir })
}
