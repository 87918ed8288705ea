//! `apply_patch`: a unified diff on the job's own work tree, all of it or nothing.

mod text;

use super::{
    blocking,
    path::Inside,
    read_arguments,
    scratch::{Change, MAX_FILE, Scratch},
    spec,
    tree::Tree,
};
use crate::agents::{
    model::ToolSpec,
    tool::{Arguments, Effect, ToolError},
};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;
use std::fmt::Write as _;
use text::{FilePatch, Patch};

/// Longest patch, in bytes.
const MAX_PATCH: usize = 1 << 20;
/// Most files of one patch.
const MAX_FILES: usize = 64;

pub(super) struct ApplyPatch(pub Scratch);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    patch: String,
}

impl ApplyPatch {
    async fn apply(&self, arguments: &Arguments, key: &str) -> Result<Vec<u8>, ToolError> {
        let Wanted { patch } = read_arguments(arguments)?;
        if patch.len() > MAX_PATCH {
            let what = format!("the patch has {} bytes, above the limit of {MAX_PATCH}", patch.len());
            return Err(ToolError::said(what));
        }
        let (scratch, key) = (self.0.clone(), key.to_owned());
        let apply = move || {
            let patch = Patch::read(&patch).map_err(ToolError::said)?;
            if patch.files.len() > MAX_FILES {
                let what = format!("the patch changes {} files, above the limit of {MAX_FILES}", patch.files.len());
                return Err(ToolError::said(what));
            }
            scratch.change(&key, |tree| changes(tree, &patch))
        };
        blocking(apply).await
    }
}

#[async_trait]
impl Effect for ApplyPatch {
    fn spec(&self) -> ToolSpec {
        let properties = json!({"patch": {"type": "string", "description":
            "a unified diff: `--- a/PATH`, `+++ b/PATH`, hunks with `@@`; /dev/null for a file that is new or removed"}});
        spec("apply_patch", "Applies a unified diff to files of the work tree.", &properties, &["patch"])
    }

    async fn call(&self, arguments: &Arguments, key: &str) -> Result<Vec<u8>, ToolError> {
        self.apply(arguments, key).await
    }

    async fn reconcile(&self, _: &Arguments, key: &str) -> Result<Option<Vec<u8>>, ToolError> {
        let (scratch, key) = (self.0.clone(), key.to_owned());
        blocking(move || scratch.reconcile(&key)).await
    }

    async fn restore(&self, arguments: &Arguments, key: &str) -> Result<(), ToolError> {
        self.apply(arguments, key).await.map(drop)
    }
}

/// What the files are after a patch, and what the model is told.
fn changes(tree: &Tree, wanted: &Patch) -> Result<(Vec<Change>, Vec<u8>), ToolError> {
    let (mut changes, mut said) = (Vec::<Change>::new(), String::new());
    for FilePatch { old, new, hunks } in &wanted.files {
        let (old, new) = (old.as_deref().map(Inside::read).transpose()?, new.as_deref().map(Inside::read).transpose()?);
        let Some(path) = new.clone().or_else(|| old.clone()) else { continue };
        if old.as_ref().is_some_and(|old| *old != path) {
            return Err(ToolError::said("a patch does not rename; remove one file and add the other"));
        }
        if changes.iter().any(|change| change.path == path) {
            return Err(ToolError::said(format!("the patch names `{}` twice; put its hunks together", path.text())));
        }
        let before = match &old {
            Some(path) => whole(tree, path)?,
            None if tree.read(&path, 1).is_ok() => {
                return Err(ToolError::said(format!("`{}` is there already; change it instead", path.text())));
            }
            None => String::new(),
        };
        let after =
            text::apply(&before, hunks).map_err(|what| ToolError::said(format!("`{}`: {what}", path.text())))?;
        if after.len() > MAX_FILE {
            let what = format!("`{}` would be above the limit of {MAX_FILE} bytes for a file", path.text());
            return Err(ToolError::said(what));
        }
        if new.is_none() && !after.is_empty() {
            let what = format!("`{}` is to be removed, and the patch leaves lines of it", path.text());
            return Err(ToolError::said(what));
        }
        let what = match (&old, &new) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "changed",
        };
        // Writing to a string does not fail.
        let _ = writeln!(said, "`{}` is {what}", path.text());
        changes.push(Change { path, content: new.map(|_| after.into_bytes()) });
    }
    Ok((changes, said.into_bytes()))
}

fn whole(tree: &Tree, path: &Inside) -> Result<String, ToolError> {
    let (bytes, size) = tree.read(path, MAX_FILE as u64)?;
    if size > MAX_FILE as u64 {
        let what = format!("`{}` has {size} bytes, above the limit of {MAX_FILE} for a patch", path.text());
        return Err(ToolError::said(what));
    }
    String::from_utf8(bytes).map_err(|_| ToolError::said(format!("`{}` is not text", path.text())))
}
