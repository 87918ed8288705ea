//! Where work trees may lie.

use std::path::{Path, PathBuf};

/// Where the work trees of code reviews may lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Roots {
    /// Anywhere: the person who asks and the worker are the same user.
    Anywhere,
    /// Below one of these directories: who asks must not read any directory with it.
    Below(Vec<PathBuf>),
}

impl Roots {
    /// Whether a path, free of links, is below a root. Roots themselves may be links.
    pub(crate) fn allow(&self, real: &Path) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Below(roots) => roots.iter().any(|root| root.canonicalize().is_ok_and(|root| real.starts_with(root))),
        }
    }

    /// Whether everything git would read of a repository is below a root, wherever its links and pointers lead. A
    /// `.git` file or a link in `.git` could name any other repository of this machine.
    pub(crate) fn allow_repository(&self, git_dirs: &[PathBuf]) -> bool {
        if *self == Self::Anywhere {
            return true;
        }
        let inside = |path: &Path| match path.canonicalize() {
            Ok(real) => self.allow(&real),
            Err(_) => !path.is_symlink(),
        };
        git_dirs.iter().all(|dir| {
            let parts = ["HEAD", "index", "refs", "packed-refs", "objects", "objects/pack", "objects/info"];
            dir.canonicalize().is_ok_and(|real| self.allow(&real))
                && parts.iter().all(|part| inside(&dir.join(part)))
                && alternates(&dir.join("objects")).iter().all(|path| inside(path))
        })
    }
}

/// Other object stores this one borrows from.
fn alternates(objects: &Path) -> Vec<PathBuf> {
    let file = objects.join("info/alternates");
    let text = if file.is_file() { std::fs::read(file).unwrap_or_default() } else { Vec::new() };
    let text = String::from_utf8_lossy(&text);
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| objects.join(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink, slice};

    #[test]
    fn a_repository_may_not_borrow_from_outside() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        let (root, outside) = (dir.join("root"), dir.join("outside"));
        fs::create_dir_all(&outside).unwrap();
        let roots = Roots::Below(vec![root.clone()]);
        let repo = |name: &str| {
            let git = root.join(name).join(".git");
            fs::create_dir_all(git.join("objects/info")).unwrap();
            git
        };
        let good = repo("good");
        assert!(roots.allow_repository(slice::from_ref(&good)));
        assert!(!roots.allow_repository(&[good, outside.clone()]));
        let linked = repo("linked");
        symlink(&outside, linked.join("refs")).unwrap();
        assert!(!roots.allow_repository(slice::from_ref(&linked)));
        assert!(Roots::Anywhere.allow_repository(&[linked]));
        let borrowing = repo("borrowing");
        fs::write(borrowing.join("objects/info/alternates"), format!("{}\n", outside.display())).unwrap();
        assert!(!roots.allow_repository(&[borrowing]));
    }

    #[test]
    fn links_and_siblings_are_not_below() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        let root = dir.join("root");
        fs::create_dir_all(root.join("repo")).unwrap();
        let roots = Roots::Below(vec![root.clone()]);
        assert!(roots.allow(&root.join("repo")));
        assert!(!roots.allow(&dir.join("root2")));
        assert!(!Roots::Below(Vec::new()).allow(&root));
    }
}
