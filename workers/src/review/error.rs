//! Why a change could not be reviewed.

use super::{diff::Malformed, git};
use std::path::PathBuf;

/// Why a change could not be reviewed, and what would help.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The work tree is not below a root.
    #[error(
        "`{}` is not below a directory in http.review_roots, or its repository reaches outside of them; \
         add its directory there, or send the diff instead", .0.display()
    )]
    Forbidden(PathBuf),
    /// There is no such directory, or this process may not enter it.
    #[error("`{}` cannot be read on this worker: {}; give the top of a git work tree", .0.display(), .1)]
    Unreadable(PathBuf, std::io::Error),
    /// The repository or a revision is not what was asked for.
    #[error("{0}")]
    Repository(String),
    /// A call of git did not work.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The diff breaks the format.
    #[error("the diff cannot be read: {0}")]
    Malformed(#[from] Malformed),
    /// There is no way yet to fetch what was asked for.
    #[error("pull requests cannot be reviewed yet; check the branch out and give its work tree, or send the diff")]
    PullRequest,
    /// The job was cancelled or the worker shuts down.
    #[error("the review was interrupted before its end")]
    Interrupted,
    /// A part of the pipeline panicked.
    #[error("the review broke off: {0}")]
    Broken(String),
}

impl Error {
    /// Whether the same review may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Interrupted => true,
            Self::Git(error) => error.is_transient(),
            _ => false,
        }
    }

    /// A stable code for the job's result.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Forbidden(_) => "forbidden_path",
            Self::Unreadable(..) | Self::Repository(_) => "invalid_source",
            Self::Git(_) => "git",
            Self::Malformed(_) => "malformed_diff",
            Self::PullRequest => "unsupported_source",
            Self::Interrupted => "interrupted",
            Self::Broken(_) => "panic",
        }
    }
}
