//! Which settings exist, and of what type: those of `config.default.toml`, and those of a queue.

use std::{collections::BTreeMap, sync::LazyLock};
use toml::{Table, Value};

/// The documented defaults.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// Settings that are tables with free names, and so are replaced as a whole.
const TABLES: &[&str] = &["worker.queues", "worker.prune_after_days_of"];

/// Every setting with its default.
pub static KNOWN: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    let mut known = BTreeMap::new();
    let table: Table = toml::from_str(DEFAULTS).unwrap_or_default();
    flatten("", &table, &mut known);
    known
});

fn flatten(prefix: &str, table: &Table, known: &mut BTreeMap<String, Value>) {
    for (name, value) in table {
        let key = join(prefix, name);
        match value {
            Value::Table(inner) if !TABLES.contains(&key.as_str()) => flatten(&key, inner, known),
            value => drop(known.insert(key, value.clone())),
        }
    }
}

/// A path and one more part.
pub fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

/// What a path is.
pub enum Kind {
    /// A setting, and a value of its type.
    Setting(Value),
    /// Holds settings.
    Section,
    /// Neither.
    Unknown,
}

/// What this path is.
pub fn kind(key: &str) -> Kind {
    if let Some(default) = KNOWN.get(key) {
        return Kind::Setting(default.clone());
    }
    let parts: Vec<&str> = key.split('.').collect();
    match parts.as_slice() {
        ["queues"] | ["queues", _] => Kind::Section,
        ["queues", _, "cap" | "max_waiting"] | ["budgets", "tenants", _, "day" | "total", "tokens"] => {
            Kind::Setting(Value::Integer(0))
        }
        ["budgets", "tenants"] | ["budgets", "tenants", _] | ["budgets", "tenants", _, "day" | "total"] => {
            Kind::Section
        }
        ["budgets", "tenants", _, "day" | "total", "usd"] => Kind::Setting(Value::String(String::new())),
        _ if KNOWN.keys().any(|known| known.starts_with(&format!("{key}."))) => Kind::Section,
        _ => Kind::Unknown,
    }
}

/// "unknown setting", and what was probably meant.
pub fn unknown(key: &str) -> String {
    let sections = KNOWN.keys().filter_map(|name| name.split_once('.')).map(|(section, _)| section);
    let names = KNOWN.keys().map(String::as_str).chain(sections).chain([
        "queues",
        "queues.NAME.cap",
        "queues.NAME.max_waiting",
        "budgets.tenants.NAME.day",
        "budgets.tenants.NAME.total",
    ]);
    nearest(key, names).map_or_else(
        || "unknown setting; `flotilla config` lists them all".to_owned(),
        |near| format!("unknown setting; did you mean `{near}`?"),
    )
}

/// The name most like `text`, if any is.
pub fn nearest<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let last = text.rsplit('.').next().unwrap_or(text);
    let score = |name: &str| {
        let leaf = name.rsplit('.').next().unwrap_or(name);
        // The right word in the wrong section is as likely a mistake as a slip of the finger.
        f64::max(strsim::normalized_damerau_levenshtein(text, name), 0.9 * strsim::jaro(last, leaf))
    };
    let scored = names.map(|name| (score(name), name)).max_by(|a, b| a.0.total_cmp(&b.0));
    scored.filter(|(score, _)| *score >= 0.7).map(|(_, name)| name)
}

/// A value as its setting takes it: an amount of money may be given as a number.
pub fn taken(key: &str, value: &Value) -> Value {
    match value {
        Value::Integer(number) if is_money(key) => Value::String(number.to_string()),
        // The shortest text that means the same number: what was written, up to fifteen digits.
        Value::Float(number) if is_money(key) => Value::String(number.to_string()),
        other => other.clone(),
    }
}

fn is_money(key: &str) -> bool {
    key.starts_with("budgets.") && key.rsplit('.').next() == Some("usd")
}

/// Why a value is not of the type of its setting.
pub fn mismatch(wanted: &Value, found: &Value) -> Option<String> {
    (wanted.type_str() != found.type_str())
        .then(|| format!("expected {}, found {}", article(wanted.type_str()), article(found.type_str())))
}

fn article(type_name: &str) -> String {
    let a = if type_name.starts_with(['a', 'i']) { "an" } else { "a" };
    format!("{a} {type_name}")
}
