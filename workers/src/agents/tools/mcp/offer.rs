//! What a server offers, made fit to be shown to a model.

use super::{McpServer, mcp_name};
use crate::agents::tool::output;
use rmcp::model::Tool;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Most bytes of a description.
const MAX_DESCRIPTION: usize = 2 << 10;
/// Most bytes of the schema of a tool's arguments; a tool with a larger one is not offered.
const MAX_SCHEMA: usize = 32 << 10;

/// A server's tool, as it was when a run began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offered {
    pub(super) server: String,
    pub(super) tool: String,
    pub(super) description: String,
    pub(super) schema: Map<String, Value>,
}

impl Offered {
    /// Those of a server's tools that agents may have, each once.
    pub(super) fn of(name: &str, server: &McpServer, tools: &[Tool]) -> Vec<Self> {
        let mut offered: Vec<Self> = Vec::new();
        for tool in tools {
            if !server.tools.contains(tool.name.as_ref()) || offered.iter().any(|one| one.tool == tool.name) {
                continue;
            }
            let Some(schema) = schema(tool) else {
                let what = format!("its arguments are described in more than {MAX_SCHEMA} bytes");
                tracing::warn!(server = name, tool = %tool.name, "a tool is not offered: {what}");
                continue;
            };
            let description = tool.description.as_deref().unwrap_or_default();
            let description = output::cap(description.as_bytes(), MAX_DESCRIPTION);
            let (server, tool) = (name.to_owned(), tool.name.to_string());
            offered.push(Self { server, tool, description, schema });
        }
        offered
    }

    /// Its name for models.
    pub fn name(&self) -> String {
        mcp_name(&self.server, &self.tool)
    }

    pub(super) fn size(&self) -> usize {
        self.description.len() + Value::Object(self.schema.clone()).to_string().len()
    }

    /// Whether a tool of this name still takes the same; `None` where there is none.
    pub(super) fn is_same(&self, tools: &[Tool]) -> Option<bool> {
        let tool = tools.iter().find(|tool| tool.name == self.tool)?;
        Some(schema(tool).as_ref() == Some(&self.schema))
    }
}

/// The arguments that a tool takes, where they are fit to be shown.
fn schema(tool: &Tool) -> Option<Map<String, Value>> {
    let whole = Value::Object((*tool.input_schema).clone());
    match seen(whole) {
        Value::Object(schema) if Value::Object(schema.clone()).to_string().len() <= MAX_SCHEMA => Some(schema),
        _ => None,
    }
}

/// JSON whose texts hold nothing that is not seen.
fn seen(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(output::visible(&text)),
        Value::Array(items) => items.into_iter().map(seen).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (output::visible(&name), seen(value))).collect()
        }
        plain => plain,
    }
}
