//! What a call asks for, whatever wire it came over.

use crate::tokens;
use serde_json::Value;

/// Tokens of a message besides its text: who says it, and where it ends.
const FRAME_TOKENS: u64 = 4;

/// One request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub model: String,
    pub stream: bool,
    /// Whether a stream shall end with the usage (OpenAI Chat says so, the other wires always do).
    pub include_usage: bool,
    pub system: String,
    pub turns: Vec<Turn>,
    /// The last thing that the user said.
    pub last_user: String,
    /// How many results of tools there are.
    pub tool_results: usize,
    pub tools: Vec<Tool>,
    /// Some tool must be called.
    pub must_call: bool,
    /// The answer must have this shape.
    pub shape: Option<Shape>,
    pub max_output: Option<u64>,
}

/// A tool that may be called.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    pub name: String,
    pub parameters: Value,
}

/// A JSON Schema that the answer must fit.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub name: String,
    pub schema: Value,
    /// It is the arguments of a call of the tool of that name, not text.
    pub by_tool: bool,
}

/// Who said what.
#[derive(Clone, Debug)]
pub(crate) enum Turn {
    User(String),
    Assistant(Said),
    Result { id: String, text: String },
}

/// What we are said to have said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    pub text: String,
    pub calls: Vec<Called>,
    /// Texts and signatures of thoughts.
    pub thoughts: Vec<(String, String)>,
}

/// A call of a tool that we are said to have made.
#[derive(Clone, Debug)]
pub(crate) struct Called {
    pub id: String,
    pub text: String,
}

/// Why a conversation makes no sense.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Calls of tools without results.
    Unanswered(Vec<String>),
    /// A result of a call that was not made.
    Unasked(String),
}

impl Asked {
    /// Completes what follows from the turns.
    pub fn complete(mut self) -> Self {
        self.tool_results = self.turns.iter().filter(|turn| matches!(turn, Turn::Result { .. })).count();
        let last = self.turns.iter().rev().find_map(|turn| match turn {
            Turn::User(text) if !text.is_empty() => Some(text.clone()),
            _ => None,
        });
        self.last_user = last.unwrap_or_default();
        self
    }

    /// How many tokens it has, by [`tokens`].
    pub fn tokens(&self) -> u64 {
        let turns: u64 = self.turns.iter().map(|turn| FRAME_TOKENS + turn.tokens()).sum();
        let tools: u64 =
            self.tools.iter().map(|tool| tokens::count(&tool.name) + tokens::count(&tool.parameters.to_string())).sum();
        let shape = self.shape.as_ref().filter(|shape| !shape.by_tool);
        tokens::count(&self.system) + turns + tools + shape.map_or(0, |shape| tokens::count(&shape.schema.to_string()))
    }

    /// Whether every call of a tool has its result; where `at_once`, before anything else is said.
    pub fn whole(&self, at_once: bool) -> Result<(), Broken> {
        let mut open: Vec<&str> = Vec::new();
        for turn in &self.turns {
            match turn {
                Turn::Result { id, .. } => {
                    let Some(at) = open.iter().position(|call| call == id) else {
                        return Err(Broken::Unasked(id.clone()));
                    };
                    open.remove(at);
                }
                _ if at_once && !open.is_empty() => break,
                Turn::Assistant(said) => open.extend(said.calls.iter().map(|call| call.id.as_str())),
                Turn::User(_) => {}
            }
        }
        if open.is_empty() { Ok(()) } else { Err(Broken::Unanswered(open.into_iter().map(str::to_owned).collect())) }
    }

    /// Adds to what we said last.
    pub fn assistant(&mut self, add: impl FnOnce(&mut Said)) {
        let mut said = match self.turns.pop() {
            Some(Turn::Assistant(said)) => said,
            other => {
                self.turns.extend(other);
                Said::default()
            }
        };
        add(&mut said);
        self.turns.push(Turn::Assistant(said));
    }
}

impl Turn {
    fn tokens(&self) -> u64 {
        match self {
            Self::User(text) | Self::Result { text, .. } => tokens::count(text),
            Self::Assistant(said) => {
                let calls: u64 = said.calls.iter().map(|call| tokens::count(&call.text)).sum();
                let thoughts: u64 = said.thoughts.iter().map(|(text, _)| tokens::count(text)).sum();
                tokens::count(&said.text) + calls + thoughts
            }
        }
    }
}

/// A field that must be text.
pub(crate) fn text_field(value: &Value, field: &str) -> Result<String, String> {
    let text = value.get(field).and_then(Value::as_str);
    text.map(str::to_owned).ok_or_else(|| format!("`{field}` is missing or no text"))
}

/// A field that is text, or nothing.
pub(crate) fn text_or_empty(value: &Value, field: &str) -> String {
    value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A field that must be a list.
pub(crate) fn list<'a>(value: &'a Value, field: &str) -> Result<&'a [Value], String> {
    value.get(field).and_then(Value::as_array).map(Vec::as_slice).ok_or_else(|| format!("`{field}` is no list"))
}

/// All text of a content: text itself, or a list of parts, of which those that hold text count.
pub(crate) fn text_of(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| part.get("text")?.as_str()).collect();
            texts.join("\n")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: &str) -> Turn {
        let calls = vec![Called { id: id.into(), text: String::new() }];
        Turn::Assistant(Said { calls, ..Said::default() })
    }

    fn result(id: &str) -> Turn {
        Turn::Result { id: id.into(), text: String::new() }
    }

    #[test]
    fn calls_and_results_must_pair() {
        let whole = |turns: Vec<Turn>, at_once| Asked { turns, ..Asked::default() }.whole(at_once);
        let user = || Turn::User("and?".into());
        assert_eq!(whole(vec![user(), call("a"), result("a"), user()], true), Ok(()));
        assert_eq!(whole(vec![call("a"), user(), result("a")], false), Ok(()));
        assert_eq!(whole(vec![call("a"), user(), result("a")], true), Err(Broken::Unanswered(vec!["a".into()])));
        assert_eq!(whole(vec![call("a")], true), Err(Broken::Unanswered(vec!["a".into()])));
        assert_eq!(whole(vec![user(), result("b")], true), Err(Broken::Unasked("b".into())));
    }
}
