//! `list_dir`: what is in a directory.

use super::{
    Files, blocking,
    path::Inside,
    read_arguments, spec,
    tree::{Entry, Sort, entries},
};
use crate::agents::{
    model::ToolSpec,
    tool::{Arguments, Pure, ToolError},
};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;

/// Entries that are shown at most.
const MAX_ENTRIES: usize = 1_000;

pub(super) struct ListDir(pub Files);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default)]
    path: String,
}

#[async_trait]
impl Pure for ListDir {
    fn spec(&self) -> ToolSpec {
        let properties =
            json!({"path": {"type": "string", "description": "below the root; the root where it is left out"}});
        spec("list_dir", "Lists the files and directories in a directory.", &properties, &[])
    }

    async fn call(&self, arguments: &Arguments) -> Result<Vec<u8>, ToolError> {
        let wanted: Wanted = read_arguments(arguments)?;
        let path = Inside::read(&wanted.path)?;
        let (mut found, more) = match &self.0 {
            Files::Tree(tree) => {
                let tree = tree.clone();
                let list = move || {
                    let dir = tree.dir(&path)?;
                    entries(&dir, MAX_ENTRIES).map_err(|error| ToolError::said(format!("it cannot be listed: {error}")))
                };
                blocking(list).await?
            }
            Files::Revision(revision) => (revision.list(&path).await?, false),
        };
        let more = more || found.len() > MAX_ENTRIES;
        found.truncate(MAX_ENTRIES);
        let mut text: String = found.iter().map(line).collect();
        if text.is_empty() {
            text.push_str("[the directory is empty]\n");
        }
        if more {
            text.push_str("[there are more entries than 1000; list directories below]\n");
        }
        Ok(text.into_bytes())
    }
}

fn line(Entry { name, sort, size }: &Entry) -> String {
    // A name must not look like two.
    let name = name.replace(['\n', '\r'], "?");
    match (sort, size) {
        (Sort::Directory, _) => format!("{name}/\n"),
        (Sort::File, Some(size)) => format!("{name}  ({size} bytes)\n"),
        (Sort::File, None) => format!("{name}\n"),
        (Sort::Link, _) => format!("{name}  (a link, which is not followed)\n"),
        (Sort::Submodule, _) => format!("{name}  (a submodule, whose files are not here)\n"),
        (Sort::Other, _) => format!("{name}  (not a regular file)\n"),
    }
}
