//! `git_show`, `git_log`, `git_diff`: what git knows, asked without any program or setting of the repository's.

use super::{
    path::Inside,
    read_arguments,
    revision::{git_said, resolve},
    spec,
};
use crate::{
    agents::{
        model::ToolSpec,
        tool::{Arguments, Pure, ToolError},
    },
    review::git::Git,
};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

/// Bytes of one answer that are read.
const MAX_ANSWER: usize = 4 << 20;
/// Commits that are listed where nothing is said, and at most.
const COMMITS: u32 = 20;
const MAX_COMMITS: u32 = 200;
/// How a commit is shown.
const FORMAT: &str = "--format=commit %H%nauthor %an%ndate %aI%n%n%w(0,4,4)%B";
/// Nothing that another program would have a part in.
const PLAIN: [&str; 6] =
    ["--no-ext-diff", "--no-textconv", "--no-color", "--submodule=short", "--ignore-submodules=dirty", "--no-prefix"];

pub(super) struct GitShow(pub Git);
pub(super) struct GitLog(pub Git);
pub(super) struct GitDiff(pub Git);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Show {
    revision: String,
    #[serde(default)]
    path: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Log {
    #[serde(default)]
    revision: Option<String>,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    count: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Diff {
    from: String,
    to: String,
    #[serde(default)]
    path: Option<String>,
}

fn revision(what: &str) -> Value {
    json!({"type": "string", "description": format!("{what}: a commit, branch or tag, such as HEAD~2")})
}

fn path() -> Value {
    json!({"type": "string", "description": "only this file or directory"})
}

#[async_trait]
impl Pure for GitShow {
    fn spec(&self) -> ToolSpec {
        let properties = json!({"revision": revision("what to show"), "path": path()});
        spec("git_show", "Shows a commit: who, when, its message and its diff.", &properties, &["revision"])
    }

    async fn call(&self, arguments: &Arguments) -> Result<Vec<u8>, ToolError> {
        let wanted: Show = read_arguments(arguments)?;
        let commit = resolve(&self.0, &wanted.revision).await?;
        let call = self.0.call(["show", "--no-show-signature", "--no-notes", FORMAT]).args(PLAIN).arg(commit);
        answer(call, wanted.path.as_deref()).await
    }
}

#[async_trait]
impl Pure for GitLog {
    fn spec(&self) -> ToolSpec {
        let properties = json!({
            "revision": revision("where to begin (HEAD where it is left out)"),
            "path": path(),
            "count": {"type": "integer", "minimum": 1, "maximum": MAX_COMMITS},
        });
        spec("git_log", "Lists commits, the newest first, with their messages.", &properties, &[])
    }

    async fn call(&self, arguments: &Arguments) -> Result<Vec<u8>, ToolError> {
        let wanted: Log = read_arguments(arguments)?;
        let commit = resolve(&self.0, wanted.revision.as_deref().unwrap_or("HEAD")).await?;
        let count = format!("--max-count={}", wanted.count.unwrap_or(COMMITS).clamp(1, MAX_COMMITS));
        let call =
            self.0.call(["log", "--no-show-signature", "--no-notes", "--no-color", FORMAT]).arg(count).arg(commit);
        answer(call, wanted.path.as_deref()).await
    }
}

#[async_trait]
impl Pure for GitDiff {
    fn spec(&self) -> ToolSpec {
        let properties = json!({"from": revision("before"), "to": revision("after"), "path": path()});
        spec("git_diff", "Shows what differs between two revisions.", &properties, &["from", "to"])
    }

    async fn call(&self, arguments: &Arguments) -> Result<Vec<u8>, ToolError> {
        let wanted: Diff = read_arguments(arguments)?;
        let (from, to) = (resolve(&self.0, &wanted.from).await?, resolve(&self.0, &wanted.to).await?);
        answer(self.0.call(["diff"]).args(PLAIN).arg(from).arg(to), wanted.path.as_deref()).await
    }
}

/// What git answers for a path, or for all.
async fn answer(call: crate::review::git::Call<'_>, path: Option<&str>) -> Result<Vec<u8>, ToolError> {
    let path = Inside::read(path.unwrap_or_default())?;
    let call = call.arg("--");
    let call = if path.is_root() { call } else { call.arg(path.text()) };
    let said = call.at_most(MAX_ANSWER).run().await.map_err(|error| git_said(&error))?;
    Ok(if said.is_empty() { b"[nothing]\n".to_vec() } else { said })
}
