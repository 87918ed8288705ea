//! Which work trees a code-review may name over HTTP: whoever can reach the API must not read any directory with it.

use super::error::{ApiError, Code};
use flotilla_jobs::{
    Job,
    kinds::{CodeReview, Source},
};
use flotilla_workers::store::Submission;
use std::path::{Component, Path, PathBuf};

/// Refuses a work tree that is not below one of `roots`.
pub fn check(job: &Submission, roots: &[PathBuf]) -> Result<(), ApiError> {
    if job.kind != CodeReview::KIND {
        return Ok(());
    }
    // Where its kind is known here it was parsed before; where it is not, the worker checks it against its own roots.
    let Ok(CodeReview { source: Source::WorkTree { path, .. } }) = serde_json::from_str(job.payload.get()) else {
        return Ok(());
    };
    if roots.iter().any(|root| is_below(&path, root)) {
        return Ok(());
    }
    let message =
        "work trees are reviewed over HTTP only below a directory in http.review_roots; send the diff instead";
    Err(ApiError::new(Code::ForbiddenPath, message).field("payload.source.path"))
}

/// Whether a path is below a root, by its name and, as far as it is on this machine, where its links lead.
fn is_below(path: &Path, root: &Path) -> bool {
    if path.components().any(|part| matches!(part, Component::ParentDir)) || !path.starts_with(root) {
        return false;
    }
    match (path.canonicalize(), root.canonicalize()) {
        (Ok(path), Ok(root)) => path.starts_with(root),
        // Only the worker's machine has it; the worker looks again.
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_dots_lead_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        let outside = dir.path().join("outside");
        std::fs::create_dir_all(root.join("repo")).unwrap();
        std::fs::create_dir_all(&outside).unwrap();
        std::os::unix::fs::symlink(&outside, root.join("link")).unwrap();

        assert!(is_below(&root.join("repo"), &root));
        assert!(is_below(&root.join("elsewhere"), &root), "on another machine");
        assert!(!is_below(&root.join("link"), &root));
        assert!(!is_below(&root.join("../outside"), &root));
        assert!(!is_below(&dir.path().join("root2"), &root));
    }
}
