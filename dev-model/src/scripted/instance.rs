//! The smallest value that fits a JSON Schema, as far as schemas for models go.

use serde_json::{Map, Value, json};

/// References nested deeper are taken to be endless.
const MAX_DEPTH: u32 = 32;

/// The value; null where the schema cannot be followed.
pub(super) fn smallest(schema: &Value) -> Value {
    of(schema, schema, 0)
}

fn of(schema: &Value, root: &Value, depth: u32) -> Value {
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    let inner = |schema: &Value| of(schema, root, depth + 1);
    if let Some(target) = schema["$ref"].as_str().and_then(|name| root.pointer(name.strip_prefix('#')?)) {
        return inner(target);
    }
    if let Some(value) = schema.get("const") {
        return value.clone();
    }
    if let Some(value) = schema["enum"].get(0) {
        return value.clone();
    }
    if let Some(first) = ["anyOf", "oneOf"].iter().find_map(|key| schema[*key].get(0)) {
        return inner(first);
    }
    match kind(schema) {
        Some("string") => text(schema).into(),
        Some("integer" | "number") => number(schema),
        Some("boolean") => false.into(),
        Some("array") => {
            let count = schema["minItems"].as_u64().unwrap_or(0).min(64);
            (0..count).map(|_| inner(&schema["items"])).collect()
        }
        Some("object") => {
            let mut fields = Map::new();
            let parts = schema["allOf"].as_array().map(Vec::as_slice).unwrap_or_default();
            for schema in std::iter::once(schema).chain(parts) {
                for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    fields.insert(name.to_owned(), inner(&schema["properties"][name]));
                }
            }
            fields.into()
        }
        _ => Value::Null,
    }
}

/// Its type; the first of several.
fn kind(schema: &Value) -> Option<&str> {
    let stated = &schema["type"];
    let first = stated.as_str().or_else(|| stated.get(0)?.as_str());
    let object = !schema["properties"].is_null() || !schema["allOf"].is_null();
    first.or_else(|| object.then_some("object"))
}

fn text(schema: &Value) -> String {
    let length = schema["minLength"].as_u64().unwrap_or(0).min(4_096) as usize;
    "scripted".chars().cycle().take(if length == 0 { "scripted".len() } else { length }).collect()
}

fn number(schema: &Value) -> Value {
    let least = schema.get("minimum").filter(|least| least.as_f64().is_some_and(|least| least > 0.0));
    let above = schema["exclusiveMinimum"].as_i64().filter(|above| *above >= 0).map(|above| json!(above + 1));
    let most = schema.get("maximum").filter(|most| most.as_f64().is_some_and(|most| most < 0.0));
    least.cloned().or(above).or_else(|| most.cloned()).unwrap_or_else(|| json!(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_value_fits() {
        let schema = json!({
            "type": "object",
            "required": ["name", "count", "tags", "mood", "inner", "maybe"],
            "properties": {
                "name": { "type": "string", "minLength": 10 },
                "count": { "type": "integer", "minimum": 3 },
                "tags": { "type": "array", "items": { "type": "boolean" }, "minItems": 2 },
                "mood": { "enum": ["good", "bad"] },
                "inner": { "$ref": "#/$defs/inner" },
                "maybe": { "type": ["string", "null"], "minLength": 1 },
                "left_out": { "type": "string" },
            },
            "$defs": { "inner": { "anyOf": [{ "const": 7 }] }, "endless": { "$ref": "#/$defs/endless" } },
        });
        let expected = json!({ "name": "scriptedsc", "count": 3, "tags": [false, false], "mood": "good", "inner": 7,
            "maybe": "s" });
        assert_eq!(smallest(&schema), expected);
        let endless = json!({ "$ref": "#/$defs/a", "$defs": { "a": { "$ref": "#/$defs/a" } } });
        assert_eq!(smallest(&endless), Value::Null);
    }
}
