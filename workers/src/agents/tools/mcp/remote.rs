//! A server's tool as agents have it.

use super::{Offered, server::Server};
use crate::agents::{
    model::ToolSpec,
    tool::{Arguments, Effect, Pure, Tool, ToolError},
};
use async_trait::async_trait;
use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};
use serde_json::Value;
use std::sync::Arc;

/// What stands for pictures, sounds and bytes.
const NO_TEXT: &str = "[what is no text is left out]";

/// An effect, unless the operator says that it changes nothing.
pub(super) fn tool(server: &Arc<Server>, offered: Offered) -> Tool {
    let pure = server.settings.pure.contains(&offered.tool);
    let own = Arc::new(Remote { server: Arc::clone(server), offered });
    if pure { Tool::Pure(own) } else { Tool::Effect(own) }
}

struct Remote {
    server: Arc<Server>,
    offered: Offered,
}

impl Remote {
    async fn ask(&self, arguments: &Arguments) -> Result<Vec<u8>, ToolError> {
        let answer = self.server.call(&self.offered, arguments).await;
        told(answer.map_err(|trouble| trouble.told(&self.offered.server))?)
    }

    fn spec(&self) -> ToolSpec {
        let Offered { description, schema, .. } = &self.offered;
        let parameters = Value::Object(schema.clone());
        ToolSpec { name: self.offered.name(), description: description.clone(), parameters }
    }
}

#[async_trait]
impl Pure for Remote {
    fn spec(&self) -> ToolSpec {
        self.spec()
    }

    async fn call(&self, arguments: &Arguments) -> Result<Vec<u8>, ToolError> {
        self.ask(arguments).await
    }
}

#[async_trait]
impl Effect for Remote {
    fn spec(&self) -> ToolSpec {
        self.spec()
    }

    async fn call(&self, arguments: &Arguments, _: &str) -> Result<Vec<u8>, ToolError> {
        self.ask(arguments).await
    }

    /// A server cannot be asked whether a call was made: the model is told so, and the call is not made again.
    async fn reconcile(&self, _: &Arguments, _: &str) -> Result<Option<Vec<u8>>, ToolError> {
        let what = "[interrupted: whether this call was made is not known; find out before it is made again]";
        Ok(Some(what.as_bytes().to_vec()))
    }
}

/// What a server answered, as text.
fn told(answer: CallToolResult) -> Result<Vec<u8>, ToolError> {
    let mut text = String::new();
    for block in answer.content {
        match block {
            ContentBlock::Text(part) => text.push_str(&part.text),
            ContentBlock::Resource(part) => match part.resource {
                ResourceContents::TextResourceContents { text: own, .. } => text.push_str(&own),
                _ => text.push_str(NO_TEXT),
            },
            _ => text.push_str(NO_TEXT),
        }
        text.push('\n');
    }
    if text.is_empty()
        && let Some(value) = answer.structured_content
    {
        text = value.to_string();
    }
    if answer.is_error == Some(true) { Err(ToolError::said(text)) } else { Ok(text.into_bytes()) }
}
