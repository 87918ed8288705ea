//! `read_file`: lines of a file.

use super::{Files, blocking, lines, path::Inside, read_arguments, spec};
use crate::agents::{
    model::ToolSpec,
    tool::{Arguments, Pure, ToolError},
};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;

/// Most bytes of a file that are read.
const MAX_FILE: u64 = 8 << 20;
/// Lines that are shown where no range is given, and at most.
const LINES: usize = 1_000;

pub(super) struct ReadFile(pub Files);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    path: String,
    #[serde(default)]
    from_line: Option<usize>,
    #[serde(default)]
    to_line: Option<usize>,
}

#[async_trait]
impl Pure for ReadFile {
    fn spec(&self) -> ToolSpec {
        let properties = json!({
            "path": {"type": "string", "description": "below the root, such as src/main.rs"},
            "from_line": {"type": "integer", "minimum": 1, "description": "first line, from 1"},
            "to_line": {"type": "integer", "minimum": 1, "description": "last line; at most 1000 lines are shown"},
        });
        spec("read_file", "Shows lines of a text file, each with its number.", &properties, &["path"])
    }

    async fn call(&self, arguments: &Arguments) -> Result<Vec<u8>, ToolError> {
        let wanted: Wanted = read_arguments(arguments)?;
        let path = Inside::read(&wanted.path)?;
        let from = wanted.from_line.unwrap_or(1).max(1);
        let to = wanted.to_line.unwrap_or(usize::MAX).min(from.saturating_add(LINES - 1));
        let (bytes, size) = match &self.0 {
            Files::Tree(tree) => {
                let (tree, path) = (tree.clone(), path.clone());
                blocking(move || tree.read(&path, MAX_FILE)).await?
            }
            Files::Revision(revision) => {
                let bytes = revision.read(&path).await?;
                let size = bytes.len() as u64;
                (bytes, size)
            }
        };
        if lines::is_binary(&bytes) {
            return Err(ToolError::said(format!("`{}` is not text: {size} bytes", path.text())));
        }
        let count = lines::count(&bytes);
        if from > count.max(1) {
            return Err(ToolError::said(format!("`{}` has {count} lines; ask for one of them", path.text())));
        }
        let mut shown = lines::numbered(&bytes, from, to);
        if to < count {
            shown.extend_from_slice(format!("[lines {from} to {to} of {count}]\n").as_bytes());
        }
        if (bytes.len() as u64) < size {
            shown.extend_from_slice(format!("[only the first {} of {size} bytes are read]\n", bytes.len()).as_bytes());
        }
        Ok(shown)
    }
}
