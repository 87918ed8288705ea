//! The last answer of a conversation, held against the shape that it must have.

use super::{
    halt::Halt,
    model::{Shape, Stop},
};
use serde_json::Value;

/// Most that a model is told of what is wrong with its answer.
const MAX_ERRORS: usize = 5;

/// What a conversation came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What the model said.
    pub text: String,
    /// The same as JSON; there exactly where the part asks for a shape, which it then has.
    pub value: Option<Value>,
    /// The model that gave it, by our name.
    pub model: String,
    #[allow(missing_docs)]
    pub stop: Stop,
}

/// What answers must look like.
pub(super) struct Form {
    validator: Option<jsonschema::Validator>,
}

impl Form {
    pub fn new(shape: Option<&Shape>) -> Result<Self, Halt> {
        let bad = |shape: &Shape, error: String| {
            Halt::fail("bad_agent", format!("the shape `{}` is not a JSON schema: {error}", shape.name))
        };
        let compile = |shape: &Shape| jsonschema::validator_for(&shape.schema).map_err(|e| bad(shape, e.to_string()));
        Ok(Self { validator: shape.map(compile).transpose()? })
    }

    /// Whether it is more than text.
    pub fn is_shaped(&self) -> bool {
        self.validator.is_some()
    }

    /// The value of an answer, or what the model is told is wrong with it.
    pub fn read(&self, text: &str) -> Result<Option<Value>, String> {
        let Some(validator) = &self.validator else {
            return if text.trim().is_empty() { Err("the answer is empty".to_owned()) } else { Ok(None) };
        };
        let value = find(text).ok_or_else(|| match serde_json::from_str::<Value>(text.trim()) {
            Err(error) => format!("the answer is not JSON ({error})"),
            Ok(_) => "the answer is not JSON".to_owned(),
        })?;
        let wrong: Vec<String> = validator
            .iter_errors(&value)
            .take(MAX_ERRORS)
            .map(|error| {
                let (path, what) = (error.instance_path().to_string(), error.masked().to_string());
                if path.is_empty() { what } else { format!("at {path}: {what}") }
            })
            .collect();
        if wrong.is_empty() { Ok(Some(value)) } else { Err(wrong.join("; ")) }
    }
}

/// JSON in what a model said: all of it, or what is in a fence, or from the first brace to the last.
fn find(text: &str) -> Option<Value> {
    let text = text.trim();
    let fenced = || text.split_once("```")?.1.split_once('\n')?.1.rsplit_once("```").map(|(json, _)| json);
    let braced = || text.get(text.find(['{', '['])?..=text.rfind(['}', ']'])?);
    let read = |text: &str| serde_json::from_str(text).ok();
    read(text).or_else(|| fenced().and_then(read)).or_else(|| braced().and_then(read))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn form() -> Form {
        let schema = json!({
            "type": "object",
            "properties": {"n": {"type": "integer"}},
            "required": ["n"],
            "additionalProperties": false
        });
        Form::new(Some(&Shape { name: "number".into(), schema })).unwrap()
    }

    #[test]
    fn json_is_found_in_what_models_say() {
        for text in ["{\"n\": 1}", " \n{\"n\":1}\n", "Here it is:\n```json\n{\"n\": 1}\n```\nDone.", "So: {\"n\": 1}."]
        {
            assert_eq!(form().read(text), Ok(Some(json!({"n": 1}))), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(form().read("no idea").unwrap_err().contains("not JSON"));
        assert!(form().read("} {").unwrap_err().contains("not JSON"));
        let error = form().read("{\"n\": \"secret text\"}").unwrap_err();
        assert!(error.starts_with("at /n: ") && !error.contains("secret text"), "{error}");
        assert!(form().read("{\"n\": 1, \"x\": 2}").is_err());
        assert!(Form::new(Some(&Shape { name: "x".into(), schema: json!({"type": 5}) })).is_err());
    }

    #[test]
    fn text_only_must_not_be_empty() {
        let text = Form::new(None).unwrap();
        assert_eq!(text.read("fine"), Ok(None));
        assert!(text.read(" \n").is_err());
    }
}
