//! Secrets: read from files of their own, and masked wherever they are shown.

use super::{Error, Origin, layers::Layers};
use std::path::Path;
use toml::{Table, Value};

/// Settings that are never shown. Each has a sibling that ends in `_file`.
pub const SECRETS: &[&str] = &["server.token", "store.redis_url", "store.postgres_url", "http.token"];

/// Whether a setting is one.
pub fn is_secret(key: &str) -> bool {
    SECRETS.contains(&key) || is_of("providers.", key, "key") || is_of("mcp.", key, "token")
}

/// Whether a setting is this one of a provider or a server.
fn is_of(section: &str, key: &str, setting: &str) -> bool {
    key.starts_with(section) && key.rsplit('.').next() == Some(setting)
}

/// Reads the secrets that are in files.
pub fn read(layers: &mut Layers) -> Result<(), Error> {
    let keys: Vec<String> = layers
        .iter()
        .filter_map(|(key, _)| key.strip_suffix("_file").filter(|key| is_secret(key)).map(str::to_owned))
        .collect();
    for key in &keys {
        let file_key = format!("{key}_file");
        let Some(entry) = layers.get(&file_key).cloned() else { continue };
        let Some(path) = entry.value.as_str().filter(|path| !path.is_empty()) else { continue };
        if let Some(direct) = layers.get(key).filter(|direct| direct.value.as_str() != Some("")) {
            if direct.origin.rank() > entry.origin.rank() {
                continue;
            }
            if direct.origin.rank() == entry.origin.rank() {
                let message = format!("set either this or {key}, not both");
                return Err(Error::new(Some(entry.origin), file_key, message));
            }
        }
        let secret = std::fs::read_to_string(path)
            .map_err(|e| Error::new(Some(entry.origin.clone()), &file_key, format!("cannot read `{path}`: {e}")))?;
        let secret = secret.trim();
        if secret.is_empty() {
            return Err(Error::new(Some(entry.origin), file_key, format!("`{path}` is empty")));
        }
        layers.set(key, Value::String(secret.to_owned()), Origin::SecretFile(Path::new(path).to_owned()));
    }
    Ok(())
}

/// The value as it may be shown.
pub fn masked(key: &str, value: &Value) -> Value {
    let has_variables = ["tools.programs.", "mcp."].iter().any(|section| is_of(section, key, "environment"));
    let holds_keys = is_of("providers.", key, "headers") || has_variables;
    if let (true, Some(headers)) = (holds_keys, value.as_table()) {
        // A header or a variable may be a key by another name.
        return headers.keys().map(|name| (name.clone(), Value::String("***".to_owned()))).collect::<Table>().into();
    }
    let is_address = is_of("providers.", key, "base_url") || is_of("mcp.", key, "url");
    let Some(text) = value.as_str().filter(|text| (is_secret(key) || is_address) && !text.is_empty()) else {
        return value.clone();
    };
    Value::String(if key.ends_with("url") { masked_url(text) } else { "***".to_owned() })
}

/// An address without its password and without parameters, which may hold one too.
pub fn masked_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "***".to_owned() };
    let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?***"));
    // The last @: a password that someone forgot to encode may hold one.
    let Some((user, place)) = rest.rsplit_once('@') else { return format!("{scheme}://{rest}{query}") };
    let user = user.split_once(':').map_or_else(|| user.to_owned(), |(user, _)| format!("{user}:***"));
    format!("{scheme}://{user}@{place}{query}")
}
