//! Tools: those that read files of a work tree or of a revision, and what git knows of them; and those that change the
//! job's own copy of a revision ([`Scratch`]).
//!
//! Nothing outside of the tree is reached, whatever is in it: links are not followed, git's own directory is not shown,
//! and what is neither a file nor a directory is not opened. In a work tree the kernel holds this, file by file
//! (`openat2` by `cap-std`); a revision is answered from git's objects, and nothing is checked out. The repository's
//! configuration and attributes run nothing: see [`crate::review`]'s calls of git.

mod find;
mod git;
mod grep;
mod http;
mod lines;
mod list;
#[cfg(feature = "mcp")]
pub mod mcp;
mod patch;
mod path;
mod read;
mod revision;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
pub mod sandbox;
mod scratch;
mod tree;
mod write;

pub use http::{BadHost, Hosts, HttpSettings, http_get};
#[cfg(target_os = "linux")]
pub use run::{BadCommand, CommandLine, Commands, run};
pub use scratch::{Scratch, ScratchLimits};

use super::{
    model::ToolSpec,
    tool::{Arguments, Pure, Role, Tool, ToolError, Toolbox},
};
use crate::review::{GitError, Host, Watch, git::Git};
use revision::Revision;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::{io, path::Path, sync::Arc};
use tree::Tree;

/// What the tools read.
#[derive(Clone)]
pub struct Reading {
    files: Files,
    git: Option<Git>,
}

/// Where files are read from.
#[derive(Clone)]
enum Files {
    Tree(Tree),
    Revision(Revision),
}

/// Why there is nothing to read.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum BadReading {
    #[error("the directory cannot be read: {0}")]
    Directory(#[from] io::Error),
    #[error(transparent)]
    Git(#[from] GitError),
    #[error("the revision is not in the repository: {0}")]
    Revision(String),
}

impl Reading {
    /// The files of a directory as they are now; without git.
    pub fn tree(dir: &Path) -> io::Result<Self> {
        Ok(Self { files: Files::Tree(Tree::open(dir)?), git: None })
    }

    /// The files of a repository at a revision, and its history. Attributes are those of `attributes`, a revision that
    /// the change under review has no say in.
    pub async fn revision(
        dir: &Path,
        revision: &str,
        attributes: &str,
        host: &Host,
        watch: &Watch,
    ) -> Result<Self, BadReading> {
        Self::of(Git::open(dir, host, watch).await?, revision, attributes).await
    }

    /// The same of a repository that is open.
    pub(crate) async fn of(git: Git, revision: &str, attributes: &str) -> Result<Self, BadReading> {
        let resolve = async |revision: &str| {
            revision::resolve(&git, revision).await.map_err(|error| BadReading::Revision(error.to_string()))
        };
        let (commit, attributes) = (resolve(revision).await?, resolve(attributes).await?);
        let git = git.clone().with_attributes_of(&attributes);
        Ok(Self { files: Files::Revision(Revision::new(git.clone(), commit)), git: Some(git) })
    }

    /// The files of a repository's work tree as they are now, and its history.
    pub async fn work_tree(dir: &Path, attributes: &str, host: &Host, watch: &Watch) -> Result<Self, BadReading> {
        let read = Self::revision(dir, attributes, attributes, host, watch).await?;
        Ok(Self { files: Files::Tree(Tree::open(dir)?), git: read.git })
    }

    /// All tools for it: `read_file`, `list_dir`, `grep`, and where there is git `git_show`, `git_log`, `git_diff`.
    pub fn toolbox(&self) -> Toolbox {
        let files: [Arc<dyn Pure>; 3] = [
            Arc::new(read::ReadFile(self.files.clone())),
            Arc::new(list::ListDir(self.files.clone())),
            Arc::new(grep::Grep(self.files.clone())),
        ];
        let mut toolbox = Toolbox::default();
        for tool in files {
            toolbox = toolbox.with_role(Tool::Pure(tool), Role::FilesystemRead);
        }
        if let Some(git) = &self.git {
            let git: [Arc<dyn Pure>; 3] = [
                Arc::new(git::GitShow(git.clone())),
                Arc::new(git::GitLog(git.clone())),
                Arc::new(git::GitDiff(git.clone())),
            ];
            for tool in git {
                toolbox = toolbox.with_role(Tool::Pure(tool), Role::FilesystemRead);
            }
        }
        toolbox
    }
}

/// What a model wrote, as a tool's own arguments.
fn read_arguments<T: DeserializeOwned>(arguments: &Arguments) -> Result<T, ToolError> {
    serde_json::from_value(Value::Object(arguments.clone()))
        .map_err(|error| ToolError::said(format!("the arguments do not fit: {error}")))
}

/// A tool's description; `properties` are its arguments, of which these are required.
fn spec(name: &str, description: &str, properties: &Value, required: &[&str]) -> ToolSpec {
    let parameters = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    ToolSpec { name: name.to_owned(), description: description.to_owned(), parameters }
}

/// Runs what blocks on a thread that may be blocked.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ToolError> + Send + 'static,
) -> Result<T, ToolError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(ToolError::said("the tool broke off")))
}

#[cfg(test)]
mod tests;
