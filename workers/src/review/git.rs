//! Calls of the git program on a repository that nobody vouches for.
//!
//! A repository's own configuration is code: it names programs for filters, diffs, hooks, pagers and monitors. So each
//! call gets an environment and a configuration of ours, on top of which the repository's has no say, and is bounded
//! in time and output. Nothing is written to the repository, and nothing is fetched.

mod call;
mod config;

pub(crate) use call::Call;

use super::{host::Host, roots::Roots, watch::Watch};
use std::{
    ffi::{OsStr, OsString},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// Why a call of git gave no answer.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum Error {
    /// The program could not be started.
    #[error("git could not be started: {0}; install it on this worker, in a directory of its PATH")]
    Start(io::Error),
    /// It did not end in time.
    #[error("git {call} did not end within {} s; the disk may be slow, or the repository too large", .limit.as_secs())]
    Timeout { call: String, limit: Duration },
    /// It said more than is read.
    #[error("git {call} answered more than {} MiB; compare with a base that is nearer, so that less changed", .max >> 20)]
    TooMuch { call: String, max: usize },
    /// It ended with an error.
    #[error("git {call} failed ({status}): {message}")]
    Failed { call: String, status: String, message: String },
    /// The pipe to it broke.
    #[error("git {call} could not be talked to: {error}")]
    Pipe { call: String, error: io::Error },
    /// The job was cancelled or the worker shuts down.
    #[error("git was stopped since the review was interrupted")]
    Interrupted,
    /// The repository's own configuration is out of all bounds.
    #[error("the repository configures {0} filters, more than git can be told to leave alone; remove some")]
    Filters(usize),
}

impl Error {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Start(_) | Self::Timeout { .. } | Self::Pipe { .. } | Self::Interrupted)
    }
}

/// A directory git is called in.
#[derive(Clone, Debug)]
pub(crate) struct Git {
    dir: PathBuf,
    path: OsString,
    settings: Vec<(OsString, OsString)>,
    attributes: Option<OsString>,
    watch: Watch,
}

impl Git {
    /// For the repository of `dir`: reads which programs it configures, to turn each of them off. Where an
    /// operator named the roots it is below, it may belong to another user.
    pub async fn open(dir: &Path, host: &Host, watch: &Watch) -> Result<Self, Error> {
        let mut settings = config::fixed();
        if host.roots != Roots::Anywhere {
            settings.push(("safe.directory".into(), dir.into()));
        }
        let path = host.path.clone();
        let mut git = Self { dir: dir.to_owned(), path, settings, attributes: None, watch: watch.clone() };
        let names = git.call(["config", "--list", "-z", "--name-only"]).run().await?;
        git.settings.extend(config::without_filters(&names)?);
        Ok(git)
    }

    /// Reads `.gitattributes` from a revision rather than from the work tree, where the change itself could hide its
    /// lines with them.
    pub fn with_attributes_of(mut self, revision: &str) -> Self {
        self.attributes = Some(revision.into());
        self
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Prepares a call.
    pub fn call<const N: usize>(&self, args: [&str; N]) -> Call<'_> {
        Call::new(self, args.iter().map(OsString::from).collect())
    }

    /// Variables of the environment: all of them.
    fn environment(&self) -> Vec<(OsString, OsString)> {
        let mut all: Vec<(OsString, OsString)> = [
            ("HOME", "/nonexistent"),
            ("LC_ALL", "C"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_SYSTEM", "/dev/null"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_ATTR_NOSYSTEM", "1"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_NO_LAZY_FETCH", "1"),
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            // No protocol is called that, so none is allowed, whatever `protocol.*.allow` says.
            ("GIT_ALLOW_PROTOCOL", "none"),
            ("GIT_LITERAL_PATHSPECS", "1"),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .to_vec();
        all.push(("PATH".into(), self.path.clone()));
        if let Some(revision) = &self.attributes {
            all.push(("GIT_ATTR_SOURCE".into(), revision.clone()));
        }
        // Not `-c`, which ends a key at its first `=`: a filter's name may hold one.
        all.push(("GIT_CONFIG_COUNT".into(), self.settings.len().to_string().into()));
        for (at, (key, value)) in self.settings.iter().enumerate() {
            all.push((format!("GIT_CONFIG_KEY_{at}").into(), key.clone()));
            all.push((format!("GIT_CONFIG_VALUE_{at}").into(), value.clone()));
        }
        all
    }
}

/// What git said, fit for a message: its last lines, without control characters.
fn said(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let tail = text.ceil_char_boundary(text.len().saturating_sub(500));
    let line = text[tail..].trim().replace(['\n', '\t'], " ");
    line.chars().filter(|c| !c.is_control()).collect()
}

/// A path of bytes, as git writes them.
pub(crate) fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    PathBuf::from(OsStr::from_bytes(bytes))
}
