//! What is in force and where it comes from, secrets masked.

use super::{Loaded, secrets::masked};
use serde_json::{Map, Value, json};

/// A line for each setting: its value, and its source behind a `#`. It can be used as a configuration file.
pub fn people(loaded: &Loaded) -> Vec<String> {
    let lines: Vec<(String, String)> = loaded
        .layers
        .iter()
        .map(|(key, entry)| (format!("{key} = {}", masked(key, &entry.value)), entry.origin.to_string()))
        .collect();
    let width = lines.iter().map(|(line, _)| line.len()).filter(|length| *length <= 60).max().unwrap_or(0);
    lines.into_iter().map(|(line, origin)| format!("{line:width$}  # {origin}")).collect()
}

/// The same for programs.
pub fn to_json(loaded: &Loaded) -> Value {
    let settings: Map<String, Value> = loaded
        .layers
        .iter()
        .map(|(key, entry)| {
            let value = serde_json::to_value(masked(key, &entry.value)).unwrap_or_default();
            (key.to_owned(), json!({ "value": value, "source": entry.origin.kind(), "at": entry.origin.to_string() }))
        })
        .collect();
    json!({ "file": loaded.file, "settings": settings })
}
