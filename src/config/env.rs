//! Settings from the environment and from flags, which both come as text.

use super::{
    Error, Origin,
    keys::{self, Kind},
    layers::Layers,
};
use toml::{Table, Value};

/// What every variable of ours begins with.
const PREFIX: &str = "FLOTILLA_";
/// Says where the configuration file is; not a setting itself.
pub const FILE: &str = "FLOTILLA_CONFIG";

/// Puts settings of the environment into `layers`.
pub fn read(vars: &[(String, String)], layers: &mut Layers) -> Result<(), Error> {
    if let Some((name, level)) = vars.iter().find(|(name, text)| name == "RUST_LOG" && !text.is_empty()) {
        layers.set("log.level", Value::String(level.clone()), Origin::Env(name.clone()));
    }
    for (name, text) in vars {
        let Some(path) = name.strip_prefix(PREFIX).filter(|_| name != FILE) else { continue };
        let key = path.split("__").collect::<Vec<_>>().join(".").to_ascii_lowercase();
        let origin = Origin::Env(name.clone());
        let Some(value) = value(&key, text) else {
            let known: Vec<String> = keys::KNOWN.keys().map(|key| variable(key)).collect();
            let hint = keys::nearest(name, known.iter().map(String::as_str)).map_or_else(
                || "`flotilla config` lists all settings".to_owned(),
                |near| format!("did you mean {near}?"),
            );
            return Err(Error::new(Some(origin), "", format!("unknown setting; {hint}")));
        };
        let value = value.map_err(|message| Error::new(Some(origin.clone()), &key, message))?;
        layers.set(key, value, origin);
    }
    Ok(())
}

/// Keys of vendors, under the names that the vendors' own tools read. They count where nothing else says a key.
pub fn vendor_keys(vars: &[(String, String)], layers: &mut Layers) {
    for (name, provider) in [("OPENAI_API_KEY", "openai"), ("ANTHROPIC_API_KEY", "anthropic")] {
        let Some((_, key)) = vars.iter().find(|(var, text)| var == name && !text.trim().is_empty()) else { continue };
        let setting = format!("providers.{provider}.key");
        let said = |key: &str| layers.get(key).is_some_and(|entry| entry.value.as_str() != Some(""));
        if !said(&setting) && !said(&format!("{setting}_file")) {
            layers.set(setting, Value::String(key.trim().to_owned()), Origin::Env(name.to_owned()));
        }
    }
}

/// Puts one `--flag` or `--set KEY=VALUE` into `layers`.
pub fn set(flag: &str, key: &str, text: &str, layers: &mut Layers) -> Result<(), Error> {
    let origin = Origin::Flag(flag.to_owned());
    let Some(value) = value(key, text) else {
        let message = keys::unknown(key);
        return Err(Error::new(Some(origin), key, message));
    };
    let value = value.map_err(|message| Error::new(Some(origin.clone()), key, message))?;
    layers.set(key, value, origin);
    Ok(())
}

/// The variable of a setting.
pub fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_ascii_uppercase())
}

/// Text as a value of a setting, if there is such a setting.
fn value(key: &str, text: &str) -> Option<Result<Value, String>> {
    match keys::kind(key) {
        Kind::Setting(default) => Some(parse(&default, text)),
        Kind::Any => Some(Ok(guess(text))),
        Kind::Section | Kind::Unknown => None,
    }
}

/// Text as the number that it looks like, or as text.
fn guess(text: &str) -> Value {
    let number = text.trim();
    let whole = number.parse().map(Value::Integer);
    whole.or_else(|_| number.parse().map(Value::Float)).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// Text as a value of the same type as `like`. Never quotes the text: it may be a secret.
fn parse(like: &Value, text: &str) -> Result<Value, String> {
    match like {
        Value::Integer(_) => text.trim().parse().map(Value::Integer).map_err(|_| "expected an integer".to_owned()),
        Value::Boolean(_) => match text.trim() {
            "true" | "1" => Ok(Value::Boolean(true)),
            "false" | "0" => Ok(Value::Boolean(false)),
            _ => Err("expected true or false".to_owned()),
        },
        Value::Array(_) => Ok(Value::Array(pieces(text).map(|piece| Value::String(piece.to_owned())).collect())),
        Value::Table(like) if like.is_empty() || like.values().all(Value::is_integer) => {
            pieces(text).map(pair).collect::<Result<Table, _>>().map(Value::Table)
        }
        Value::Table(_) => pieces(text).map(texts).collect::<Result<Table, _>>().map(Value::Table),
        _ => Ok(Value::String(text.to_owned())),
    }
}

fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|piece| !piece.is_empty())
}

fn pair(piece: &str) -> Result<(String, Value), String> {
    let wrong = || "expected name=number, separated by commas".to_owned();
    let (name, number) = piece.split_once('=').unwrap_or((piece, "1"));
    Ok((name.trim().to_owned(), Value::Integer(number.trim().parse().map_err(|_| wrong())?)))
}

fn texts(piece: &str) -> Result<(String, Value), String> {
    let (name, text) = piece.split_once('=').ok_or("expected name=text, separated by commas")?;
    Ok((name.trim().to_owned(), Value::String(text.trim().to_owned())))
}
