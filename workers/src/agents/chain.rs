//! Hashes that tell whether a step on record is the one that the code is about to make.
//!
//! Each covers the one before it and what is new, so that a conversation of any length is compared without being kept
//! or hashed again.

use crate::journal::{InputHash, StepKind};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// Before the first step of a thread.
pub(super) const START: InputHash = [0; 32];

/// The hash of a step: over the previous one, what sort of a step it is, and what is new in its input.
pub(super) fn link(previous: &InputHash, kind: StepKind, name: &str, new: &Value) -> InputHash {
    let mut hash = Sha256::new();
    hash.update(previous);
    for text in [kind.as_str(), name] {
        hash.update(text.len().to_be_bytes());
        hash.update(text);
    }
    hash.update(canonical(new));
    hash.finalize().into()
}

/// JSON in one way of several: keys in order, no blanks.
pub(super) fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by_key(|(key, _)| *key);
            text.push('{');
            for (at, (key, value)) in sorted.into_iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write(&Value::from(key.as_str()), text);
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
        plain => {
            let _ = write!(text, "{plain}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex::hex;
    use serde_json::json;

    #[test]
    fn canonical_json_has_one_form() {
        let one: Value = serde_json::from_str(r#"{"b": [1, {"d": null, "c": "é\n"}], "a": 2.5}"#).unwrap();
        let other: Value = serde_json::from_str(r#"{"a":2.5,"b":[1,{"c":"\u00e9\n","d":null}]}"#).unwrap();
        assert_eq!(canonical(&one), r#"{"a":2.5,"b":[1,{"c":"é\n","d":null}]}"#);
        assert_eq!(canonical(&one), canonical(&other));
    }

    #[test]
    fn a_link_covers_everything() {
        let of = |previous: &InputHash, kind, name: &str, new: Value| link(previous, kind, name, &new);
        let first = of(&START, StepKind::Llm, "llm:a", json!({"x": 1}));
        assert_eq!(first, of(&START, StepKind::Llm, "llm:a", json!({"x": 1})));
        for other in [
            of(&first, StepKind::Llm, "llm:a", json!({"x": 1})),
            of(&START, StepKind::Tool, "llm:a", json!({"x": 1})),
            of(&START, StepKind::Llm, "llm:b", json!({"x": 1})),
            of(&START, StepKind::Llm, "llm:a", json!({"x": 2})),
        ] {
            assert_ne!(first, other);
        }
        assert_eq!(hex(&START).len(), 64);
    }
}
