//! `code-review`: findings over the added lines of a change.

use crate::{Invalid, Job, MicroUsd, Options, Usage, names};
use serde::{Deserialize, Serialize};
use std::{fmt, path::PathBuf};

/// A change to review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CodeReview {
    /// Where the change is.
    pub source: Source,
}

/// Where a change comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Source {
    /// A git work tree on the worker's own disk.
    WorkTree {
        /// Absolute path of the work tree.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        path: PathBuf,
        /// Revision to compare with; the diff is against the merge base of it and `head`. Left out: the
        /// remote's default branch, then `main` or `master`, then the parent of `head`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        base: Option<String>,
        /// Revision to review; `HEAD` unless set.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        head: Option<String>,
        /// Also what is staged. Needs `head` to be the checked-out revision.
        #[serde(default)]
        staged: bool,
        /// Also what is changed in the work tree but not staged, untracked files included.
        #[serde(default)]
        unstaged: bool,
    },
    /// A unified diff given inline, in git's format, at most 3 MiB.
    Diff {
        /// The text of the diff.
        diff: String,
    },
    /// A pull request of a repository on a forge.
    PullRequest {
        /// `owner/name`.
        repository: String,
        /// Its number.
        number: u64,
    },
}

/// What a review found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Review {
    /// The commit the change was compared with; empty for an inline diff.
    pub base: String,
    /// The commit that was reviewed; empty for an inline diff.
    pub head: String,
    /// Files that were looked at.
    pub files: Vec<ReviewedFile>,
    /// Files that were left out, and why.
    pub skipped: Vec<SkippedFile>,
    /// What was found: the most severe first, then by path and line.
    pub findings: Vec<Finding>,
    /// Findings that a person had marked as accepted, in the file or in `.flotilla.toml`.
    #[serde(default)]
    pub suppressed: u32,
    /// Things the reader should know about the review itself, such as settings that could not be read.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What a model did for it; left out where none was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentWork>,
}

/// What a model did for a review, and what it cost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgentWork {
    /// The models that answered, as they are called in the configuration.
    pub models: Vec<String>,
    /// Steps on record, those of earlier attempts included.
    pub steps: u32,
    /// Calls of models.
    pub calls: u64,
    #[allow(missing_docs)]
    pub usage: Usage,
    /// In micro-dollars, of the calls whose cost is known; left out where that is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<MicroUsd>,
    /// Calls whose cost is not known: the model has no price, or their worker died meanwhile.
    #[serde(skip_serializing_if = "is_none")]
    pub unknown: u64,
    /// Calls whose provider did not say what they used: `cost` has the most that they may have cost.
    #[serde(skip_serializing_if = "is_none")]
    pub estimated: u64,
    /// How long the last attempt took.
    pub duration_ms: u64,
    /// Parts that the change was cut into.
    pub batches: u32,
    /// Findings that models proposed.
    pub proposed: u32,
    /// Of those: named no line of the change, broke the format, or are milder than the team wants.
    pub dropped: u32,
    /// Of those: discarded by the second look that each gets.
    pub discarded: u32,
    /// Of those: say what another finding says already.
    pub duplicates: u32,
    /// Of those: more than the team wants to see.
    pub over_limit: u32,
    /// Hidden characters in what models were shown; they saw escapes instead.
    pub hidden_characters: u64,
    /// Files whose added lines models were not shown, or not all, and why.
    pub left_out: Vec<SkippedFile>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// A file of the change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[allow(missing_docs)]
pub struct ReviewedFile {
    pub path: String,
    pub added: u32,
    pub removed: u32,
}

/// A file of the change that was not looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[allow(missing_docs)]
pub struct SkippedFile {
    pub path: String,
    pub reason: String,
}

/// One thing a person should look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Finding {
    /// Stable id of the rule: `secret/aws-access-key`; `model/` and its category for what a model found.
    pub rule: String,
    /// Who found it.
    #[serde(default)]
    pub source: FoundBy,
    /// Path in the repository, with `/`.
    pub path: String,
    /// First line in the new version of the file, from 1; 0 where the finding is about the whole file.
    pub start_line: u32,
    /// Last line, inclusive.
    pub end_line: u32,
    #[allow(missing_docs)]
    pub severity: Severity,
    #[allow(missing_docs)]
    pub category: Category,
    /// One line, at most 80 characters.
    pub title: String,
    /// Why it matters and what to do.
    pub body: String,
    /// Exact replacement for the lines, only where one is certain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
    /// The lines, for people; secrets in it are masked.
    #[serde(default)]
    pub excerpt: String,
    /// Identity of the finding that survives moved lines: hex of a hash over rule, path and normalized text.
    pub fingerprint: String,
    /// How sure a model is that it is right, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
}

/// Who found something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum FoundBy {
    /// A rule: the same lines give the same finding.
    #[default]
    Rule,
    /// A model: it may be wrong.
    Model,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth a look.
    Low,
    /// Should be fixed.
    Medium,
    /// Should not be merged.
    High,
    /// Must not be merged: act now.
    Critical,
}

impl Severity {
    /// Every severity, the mildest first.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[allow(missing_docs)]
pub enum Category {
    Security,
    Correctness,
    Testing,
    Maintainability,
    Dependencies,
    Data,
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 6] =
        [Self::Security, Self::Correctness, Self::Testing, Self::Maintainability, Self::Dependencies, Self::Data];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::Correctness => "correctness",
            Self::Testing => "testing",
            Self::Maintainability => "maintainability",
            Self::Dependencies => "dependencies",
            Self::Data => "data",
        }
    }
}

impl CodeReview {
    /// Largest inline diff, in bytes.
    pub const MAX_DIFF_BYTES: usize = 3 * 1024 * 1024;
}

impl Job for CodeReview {
    const KIND: &'static str = "code-review";
    type Output = Review;

    fn defaults() -> Options {
        Options { max_attempts: Some(3), timeout_ms: Some(15 * 60_000), ..Options::default() }
    }

    fn validate(&self) -> Result<(), Invalid> {
        match &self.source {
            Source::WorkTree { path, base, head, staged, unstaged } => {
                if !path.is_absolute() {
                    return Err(Invalid::new(
                        "source.path",
                        format!("`{}` is not absolute; a worker has no current directory of yours", path.display()),
                    ));
                }
                for (field, revision) in [("source.base", base), ("source.head", head)] {
                    revision.as_deref().map_or(Ok(()), |r| validate_revision(field, r))?;
                }
                if (*staged || *unstaged) && head.as_deref().is_some_and(|h| h != "HEAD") {
                    return Err(Invalid::new(
                        "source.head",
                        "cannot be set together with staged or unstaged, which are relative to HEAD",
                    ));
                }
                Ok(())
            }
            Source::Diff { diff } if diff.len() > Self::MAX_DIFF_BYTES => Err(Invalid::new(
                "source.diff",
                format!("is {} bytes; at most {} are accepted inline", diff.len(), Self::MAX_DIFF_BYTES),
            )),
            Source::Diff { .. } => Ok(()),
            Source::PullRequest { repository, number } => {
                let parts: Vec<&str> = repository.split('/').collect();
                if parts.len() != 2 || parts.iter().any(|p| p.is_empty() || p.starts_with('.') || p.starts_with('-')) {
                    return Err(Invalid::new("source.repository", "use owner/name"));
                }
                names::key("source.repository", repository)?;
                if *number == 0 {
                    return Err(Invalid::new("source.number", "is 0; pull requests count from 1"));
                }
                Ok(())
            }
        }
    }
}

/// A revision may not look like an option of git, nor hold what git itself forbids in a name.
fn validate_revision(field: &str, text: &str) -> Result<(), Invalid> {
    names::key(field, text)?;
    if text.starts_with('-') || text.contains("..") || text.contains([' ', ':', '?', '*', '[', '\\']) {
        return Err(Invalid::new(
            field,
            format!("`{}` is not one revision; use a branch, tag or commit", names::clip(text)),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(base: &str) -> CodeReview {
        CodeReview {
            source: Source::WorkTree {
                path: "/repo".into(),
                base: Some(base.into()),
                head: None,
                staged: false,
                unstaged: false,
            },
        }
    }

    #[test]
    fn a_revision_cannot_be_an_option() {
        assert!(tree("main").validate().is_ok());
        assert!(tree("HEAD~3").validate().is_ok());
        for bad in ["--output=/etc/passwd", "a..b", "a b", "HEAD:file", ""] {
            assert!(tree(bad).validate().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_path_must_be_absolute() {
        let job = CodeReview {
            source: Source::WorkTree { path: "repo".into(), base: None, head: None, staged: false, unstaged: false },
        };
        assert!(job.validate().unwrap_err().to_string().starts_with("source.path: `repo` is not absolute"));
    }

    #[test]
    fn the_wire_shape_is_tagged() {
        let job: CodeReview =
            serde_json::from_str(r#"{"source":{"type":"pull_request","repository":"a/b","number":3}}"#).unwrap();
        assert!(job.validate().is_ok());
    }
}
