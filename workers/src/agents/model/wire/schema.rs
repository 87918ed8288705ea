//! Whether a JSON Schema is of the strict kind, to which a provider can hold its model.

use serde_json::Value;

/// Every object names all its properties as required and allows no others.
pub fn is_strict(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => {
            let strict = fields.get("properties").and_then(Value::as_object).is_none_or(|properties| {
                let required: Vec<&str> =
                    super::lenient::list(schema, "required").iter().filter_map(Value::as_str).collect();
                properties.keys().all(|name| required.contains(&name.as_str()))
                    && fields.get("additionalProperties") == Some(&Value::Bool(false))
            });
            let is_open =
                fields.get("type").and_then(Value::as_str) == Some("object") && !fields.contains_key("properties");
            strict && !is_open && fields.values().all(is_strict)
        }
        Value::Array(items) => items.iter().all(is_strict),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_closed_schemas_are_strict() {
        let closed = json!({
            "type": "object",
            "properties": { "a": { "type": "array", "items": { "type": "object", "properties": {}, "required": [],
                "additionalProperties": false } } },
            "required": ["a"],
            "additionalProperties": false,
        });
        assert!(is_strict(&closed));
        let mut open = closed.clone();
        open["properties"]["a"]["items"]["additionalProperties"] = json!(true);
        assert!(!is_strict(&open));
        let mut optional = closed;
        optional["required"] = json!([]);
        assert!(!is_strict(&optional));
        assert!(!is_strict(&json!({ "type": "object" })));
    }
}
