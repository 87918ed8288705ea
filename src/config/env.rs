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
        let Kind::Setting(default) = keys::kind(&key) else {
            let known: Vec<String> = keys::KNOWN.keys().map(|key| variable(key)).collect();
            let hint = keys::nearest(name, known.iter().map(String::as_str)).map_or_else(
                || "`flotilla config` lists all settings".to_owned(),
                |near| format!("did you mean {near}?"),
            );
            return Err(Error::new(Some(origin), "", format!("unknown setting; {hint}")));
        };
        let value = parse(&default, text).map_err(|message| Error::new(Some(origin.clone()), &key, message))?;
        layers.set(key, value, origin);
    }
    Ok(())
}

/// Puts one `--flag` or `--set KEY=VALUE` into `layers`.
pub fn set(flag: &str, key: &str, text: &str, layers: &mut Layers) -> Result<(), Error> {
    let origin = Origin::Flag(flag.to_owned());
    let Kind::Setting(default) = keys::kind(key) else {
        let message = keys::unknown(key);
        return Err(Error::new(Some(origin), key, message));
    };
    let value = parse(&default, text).map_err(|message| Error::new(Some(origin.clone()), key, message))?;
    layers.set(key, value, origin);
    Ok(())
}

/// The variable of a setting.
pub fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_ascii_uppercase())
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
        Value::Table(_) => pieces(text).map(pair).collect::<Result<Table, _>>().map(Value::Table),
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
