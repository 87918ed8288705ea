//! Which settings exist, and of what type: those of `config.default.toml`, and those of things with a name of their own.

use std::{collections::BTreeMap, sync::LazyLock};
use toml::{Table, Value};

/// The documented defaults.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// Settings that are tables with free names, and so are replaced as a whole.
const TABLES: &[&str] = &["worker.queues", "worker.prune_after_days_of", "safety.patterns"];

/// Sections whose parts have names of their own, and what each of those can be told.
const NAMED: &[(&str, &[(&str, Type)])] = &[
    ("queues", &[("cap", Type::Integer), ("max_waiting", Type::Integer)]),
    (
        "providers",
        &[
            ("wire", Type::Text),
            ("base_url", Type::Text),
            ("key", Type::Text),
            ("key_file", Type::Text),
            ("key_name", Type::Text),
            ("headers", Type::Texts),
            ("connect_ms", Type::Integer),
            ("first_byte_ms", Type::Integer),
            ("idle_ms", Type::Integer),
            ("total_ms", Type::Integer),
            ("breaker_failures", Type::Integer),
            ("breaker_rest_ms", Type::Integer),
        ],
    ),
    (
        "models",
        &[
            ("provider", Type::Text),
            ("id", Type::Text),
            ("context", Type::Integer),
            ("max_output", Type::Integer),
            ("temperature", Type::Any),
            ("price", Type::Any),
            ("requests_per_minute", Type::Integer),
            ("input_tokens_per_minute", Type::Integer),
            ("output_tokens_per_minute", Type::Integer),
            ("streams", Type::Integer),
        ],
    ),
    ("routes", &[("models", Type::List)]),
    (
        "tools.programs",
        &[
            ("command", Type::List),
            ("placeholders", Type::Texts),
            ("environment", Type::Texts),
            ("timeout_seconds", Type::Integer),
        ],
    ),
    (
        "mcp",
        &[
            ("command", Type::List),
            ("environment", Type::Texts),
            ("inherit", Type::List),
            ("url", Type::Text),
            ("token", Type::Text),
            ("token_file", Type::Text),
            ("tools", Type::List),
            ("pure", Type::List),
            ("role", Type::Text),
            ("timeout_seconds", Type::Integer),
            ("max_kib", Type::Integer),
        ],
    ),
];

/// What each of `safety.agents` can be told.
const SAFETY: &[(&str, Type)] = &[
    ("injection", Type::Text),
    ("hidden", Type::Text),
    ("html", Type::Text),
    ("max_chars", Type::Integer),
    ("format", Type::Text),
    ("patterns", Type::Texts),
    ("mask_secrets", Type::Flag),
    ("link_hosts", Type::List),
];

/// Of what type a setting is.
#[derive(Clone, Copy)]
enum Type {
    Text,
    Integer,
    Flag,
    List,
    /// Names and texts.
    Texts,
    /// Of several; whoever reads it says which.
    Any,
}

impl Type {
    /// What stands for it.
    fn kind(self) -> Kind {
        Kind::Setting(match self {
            Self::Text => Value::String(String::new()),
            Self::Integer => Value::Integer(0),
            Self::Flag => Value::Boolean(false),
            Self::List => Value::Array(Vec::new()),
            Self::Texts => Value::Table(Table::from_iter([("NAME".to_owned(), Value::String(String::new()))])),
            Self::Any => return Kind::Any,
        })
    }
}

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
    /// A setting of one of several types.
    Any,
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
    let named = NAMED.iter().find_map(|(section, settings)| Some((below(section, key)?, *settings)));
    match (named.as_ref().map(|(below, settings)| (below.as_slice(), settings)), parts.as_slice()) {
        (Some(([] | [_], _)), _) | (None, ["roles"] | ["safety", "agents"] | ["safety", "agents", _]) => Kind::Section,
        (Some(([_, leaf], settings)), _) => find(settings, leaf),
        (None, ["safety", "agents", _, leaf]) => find(SAFETY, leaf),
        (None, ["roles", _]) => Kind::Setting(Value::Array(Vec::new())),
        (None, ["budgets", "tenants", _, "day" | "total", "tokens"]) => Kind::Setting(Value::Integer(0)),
        (None, ["budgets", "tenants", _, "day" | "total", "usd"]) => Kind::Setting(Value::String(String::new())),
        (None, ["budgets", "tenants"] | ["budgets", "tenants", _] | ["budgets", "tenants", _, "day" | "total"]) => {
            Kind::Section
        }
        _ if KNOWN.keys().any(|known| known.starts_with(&format!("{key}."))) => Kind::Section,
        _ => Kind::Unknown,
    }
}

fn find(settings: &[(&str, Type)], leaf: &str) -> Kind {
    settings.iter().find(|(name, _)| *name == leaf).map_or(Kind::Unknown, |(_, setting)| setting.kind())
}

/// The parts of a path below a section; `None` where it is not in there.
fn below<'k>(section: &str, key: &'k str) -> Option<Vec<&'k str>> {
    let rest = key.strip_prefix(section)?;
    if rest.is_empty() {
        return Some(Vec::new());
    }
    rest.strip_prefix('.').map(|rest| rest.split('.').collect())
}

/// Whether the parts of a section have names of their own.
pub fn is_named(section: &str) -> bool {
    section == "roles" || NAMED.iter().any(|(name, _)| *name == section)
}

/// "unknown setting", and what was probably meant.
pub fn unknown(key: &str) -> String {
    let sections = KNOWN.keys().filter_map(|name| name.split_once('.')).map(|(section, _)| section);
    let own = NAMED.iter().flat_map(|(section, settings)| {
        let each = settings.iter().map(move |(name, _)| format!("{section}.NAME.{name}"));
        std::iter::once((*section).to_owned()).chain(each)
    });
    let tenants = ["day", "total"].map(|period| format!("budgets.tenants.NAME.{period}"));
    let safety = SAFETY.iter().map(|(name, _)| format!("safety.agents.NAME.{name}"));
    let own: Vec<String> = own.chain(tenants).chain(safety).chain(["roles.AGENT".to_owned()]).collect();
    let names = KNOWN.keys().map(String::as_str).chain(sections).chain(own.iter().map(String::as_str));
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
