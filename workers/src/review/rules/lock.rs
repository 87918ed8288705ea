//! `lock/*`: manifests and their lock files, which change together.

mod dependencies;
#[cfg(test)]
mod tests;

use super::{Facts, catalog::RuleInfo, findings::Findings};
use crate::review::change::{Change, ChangedFile};
use flotilla_jobs::kinds::{Category, Severity};
use std::collections::HashSet;

pub(super) const RULES: &[&RuleInfo] = &[&MISSING, &WITHOUT_MANIFEST];

static MISSING: RuleInfo = RuleInfo::new(
    "lock/missing",
    Severity::Medium,
    Category::Dependencies,
    "Dependencies changed, the lock file did not",
    "The next build resolves anew, and may get other versions than you tested; a build that insists on the lock file \
     fails. Update the lock file, and commit both.",
);

static WITHOUT_MANIFEST: RuleInfo = RuleInfo::new(
    "lock/without-manifest",
    Severity::Info,
    Category::Dependencies,
    "The lock file changed, no manifest did",
    "That is right for an update within the allowed versions. Otherwise it came along by accident, or somebody points \
     a dependency elsewhere: look at what changed in it.",
);

/// A way to manage packages: the manifest's name and its lock files' names.
struct Manager {
    manifest: &'static str,
    locks: &'static [&'static str],
    read: dependencies::Reader,
}

const MANAGERS: [Manager; 6] = [
    Manager { manifest: "Cargo.toml", locks: &["Cargo.lock"], read: dependencies::cargo },
    Manager {
        manifest: "package.json",
        locks: &["package-lock.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "npm-shrinkwrap.json"],
        read: dependencies::npm,
    },
    Manager { manifest: "go.mod", locks: &["go.sum"], read: dependencies::go },
    Manager { manifest: "pyproject.toml", locks: &["poetry.lock", "uv.lock", "pdm.lock"], read: dependencies::python },
    Manager { manifest: "Gemfile", locks: &["Gemfile.lock"], read: dependencies::gem },
    Manager { manifest: "composer.json", locks: &["composer.lock"], read: dependencies::composer },
];

pub(super) fn check(change: &Change<'_>, facts: &Facts, findings: &mut Findings) {
    let paths: Vec<String> = change.files.iter().map(|changed| changed.diff.path()).collect();
    let changed: HashSet<&str> = paths.iter().map(String::as_str).collect();
    // Folders with a changed manifest in or below them: a lock file serves the whole workspace under it.
    let served: HashSet<(&str, &str)> =
        paths.iter().flat_map(|path| folders(path).map(|folder| (name(path), folder))).collect();
    for (file, path) in change.files.iter().zip(&paths) {
        for manager in &MANAGERS {
            if name(path) == manager.manifest && !file.diff.is_deleted() && (manager.read)(&file.diff) {
                missing(manager, path, &changed, facts, findings);
            }
            if manager.locks.contains(&name(path)) && is_edited(file) {
                let folder = folders(path).next().unwrap_or_default();
                if !served.contains(&(manager.manifest, folder)) {
                    findings.add_whole(path, &WITHOUT_MANIFEST, "");
                }
            }
        }
    }
}

/// Silent unless the lock file nearest to the manifest is known to exist: many libraries commit none.
fn missing(manager: &Manager, path: &str, changed: &HashSet<&str>, facts: &Facts, findings: &mut Findings) {
    for folder in folders(path) {
        let locks: Vec<String> = manager
            .locks
            .iter()
            .map(|lock| if folder.is_empty() { (*lock).to_owned() } else { format!("{folder}/{lock}") })
            .collect();
        if locks.iter().any(|lock| changed.contains(lock.as_str())) {
            return;
        }
        if let Some(lock) = locks.iter().find(|lock| facts.present.contains(*lock)) {
            findings.add_whole(path, &MISSING, lock).title(format!("Dependencies changed, {} did not", name(lock)));
            return;
        }
    }
}

/// Neither new nor gone nor moved: those say nothing about the versions in it.
fn is_edited(file: &ChangedFile<'_>) -> bool {
    file.diff.old_path.is_some() && file.diff.old_path == file.diff.new_path && file.diff.counts() != (0, 0)
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The folder of a file and those above it, the nearest first; the root is empty.
fn folders(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| (!path.is_empty()).then(|| path.rsplit_once('/').map_or("", |(up, _)| up)))
        .skip(1)
}
