//! What the reviewing agent may look at beside the change: files of the reviewed commit and its history, from git's objects.
//!
//! Nothing is checked out, and what is not committed is not there. What tools say is shown to a model as the change is:
//! secrets are masked, hidden characters spelled out.

use crate::{
    agents::{
        Tool, Toolbox,
        model::ToolSpec,
        tool::{Arguments, Pure, ToolError},
        tools::{BadReading, Reading},
    },
    review::{self, Error, Host, Prepared, Watch},
};
use async_trait::async_trait;
use flotilla_jobs::kinds::Source;
use std::sync::Arc;

/// Those that the agent's file may name.
const NAMES: [&str; 6] = ["read_file", "list_dir", "grep", "git_show", "git_log", "git_diff"];

/// The tools for a change; none where there is no repository but only a diff.
pub(super) async fn of(source: &Source, prepared: &Prepared, host: &Host, watch: &Watch) -> Result<Toolbox, Error> {
    let toolbox = Toolbox::default().partial();
    let Source::WorkTree { path, .. } = source else { return Ok(toolbox) };
    let review = prepared.review();
    // Looked at again: what is at a path may have become something else.
    let git = review::repository(path, host, watch).await?;
    let all = match Reading::of(git, &review.head, &review.base).await {
        Ok(reading) => reading.toolbox(),
        Err(BadReading::Git(error)) => return Err(Error::Git(error)),
        // A first commit is compared with nothing, which has no attributes to go by. It stays so in every attempt.
        Err(BadReading::Revision(_) | BadReading::Directory(_)) => return Ok(toolbox),
    };
    let shown = NAMES.iter().filter_map(|name| all.get(name)).filter_map(|tool| match tool {
        Tool::Pure(tool) => Some(Tool::Pure(Arc::new(Shown(Arc::clone(tool))))),
        Tool::Idempotent(_) | Tool::Effect(_) => None,
    });
    Ok(shown.fold(toolbox, Toolbox::with))
}

/// A tool whose output is fit for others than the repository's people.
struct Shown(Arc<dyn Pure>);

#[async_trait]
impl Pure for Shown {
    fn spec(&self) -> ToolSpec {
        self.0.spec()
    }

    async fn call(&self, arguments: &Arguments) -> Result<Vec<u8>, ToolError> {
        let said = self.0.call(arguments).await?;
        let shown = tokio::task::spawn_blocking(move || review::fit_to_show(&said)).await;
        shown.map(String::into_bytes).map_err(|_| ToolError::said("the tool broke off"))
    }
}
