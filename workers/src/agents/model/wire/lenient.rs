//! Reading JSON of which nothing is certain.

use serde_json::Value;

/// A text that is there and is one.
pub fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

/// The same, unless it is empty.
pub fn word<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    text(value, key).filter(|text| !text.is_empty())
}

/// A count: some servers write 12.0.
pub fn count(value: &Value, key: &str) -> Option<u64> {
    let number = value.get(key)?;
    let whole = || number.as_f64().filter(|n| n.is_finite() && *n >= 0.0).map(|n| n as u64);
    number.as_u64().or_else(whole)
}

/// An index; absurdly large ones are none.
pub fn index(value: &Value, key: &str) -> Option<u32> {
    count(value, key).and_then(|index| u32::try_from(index).ok())
}

/// What is in a list; nothing where there is none.
pub fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Arguments of a call: text, or by some servers the object itself.
pub fn arguments(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        object => Some(object.to_string()),
    }
}
