//! `write_file`: a file of the job's own work tree, whole.

use super::{
    blocking,
    path::Inside,
    read_arguments,
    scratch::{Change, MAX_FILE, Scratch},
    spec,
};
use crate::agents::{
    model::ToolSpec,
    tool::{Arguments, Effect, ToolError},
};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;

pub(super) struct WriteFile(pub Scratch);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    path: String,
    content: String,
}

impl WriteFile {
    async fn write(&self, arguments: &Arguments, key: &str) -> Result<Vec<u8>, ToolError> {
        let Wanted { path, content } = read_arguments(arguments)?;
        let path = Inside::read(&path)?;
        if content.len() > MAX_FILE {
            let what = format!("the content has {} bytes, above the limit of {MAX_FILE} for a file", content.len());
            return Err(ToolError::said(what));
        }
        let (scratch, key) = (self.0.clone(), key.to_owned());
        let said = format!("`{}` is written: {} bytes\n", path.text(), content.len());
        let write = move || {
            let change = Change { path, content: Some(content.into_bytes()) };
            scratch.change(&key, |_| Ok((vec![change], said.into_bytes())))
        };
        blocking(write).await
    }
}

#[async_trait]
impl Effect for WriteFile {
    fn spec(&self) -> ToolSpec {
        let properties = json!({
            "path": {"type": "string", "description": "below the root, such as src/main.rs; directories are made"},
            "content": {"type": "string", "description": "the whole file; what was there is replaced"},
        });
        spec("write_file", "Writes a text file of the work tree.", &properties, &["path", "content"])
    }

    async fn call(&self, arguments: &Arguments, key: &str) -> Result<Vec<u8>, ToolError> {
        self.write(arguments, key).await
    }

    async fn reconcile(&self, _: &Arguments, key: &str) -> Result<Option<Vec<u8>>, ToolError> {
        let (scratch, key) = (self.0.clone(), key.to_owned());
        blocking(move || scratch.reconcile(&key)).await
    }

    async fn restore(&self, arguments: &Arguments, key: &str) -> Result<(), ToolError> {
        self.write(arguments, key).await.map(drop)
    }
}
