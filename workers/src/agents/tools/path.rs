//! Paths as models write them.

use crate::agents::tool::ToolError;

/// Longest path, in bytes.
const MAX_PATH: usize = 4_096;

/// A path below the root, by its parts: none is empty, `.`, `..` or git's own directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Inside(Vec<String>);

impl Inside {
    /// Reads one; `.` and nothing are the root.
    pub fn read(text: &str) -> Result<Self, ToolError> {
        let refuse = |what: &str| {
            Err(ToolError::said(format!("the path {what}; give one below the root, as list_dir shows it")))
        };
        if text.len() > MAX_PATH {
            return refuse("is longer than 4,096 bytes");
        }
        if text.contains('\0') {
            return refuse("holds a NUL");
        }
        if text.starts_with('/') {
            return refuse("is absolute");
        }
        let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if parts.contains(&"..") {
            return refuse("holds `..`");
        }
        if parts.iter().any(|part| is_git(part)) {
            return refuse("leads to git's own directory");
        }
        Ok(Self(parts.into_iter().map(str::to_owned).collect()))
    }

    pub fn parts(&self) -> &[String] {
        &self.0
    }

    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// With slashes; nothing for the root.
    pub fn text(&self) -> String {
        self.0.join("/")
    }
}

/// Whether a name is git's own directory, on any file system.
pub(super) fn is_git(name: &str) -> bool {
    name.trim_end_matches(['.', ' ']).eq_ignore_ascii_case(".git") || name.eq_ignore_ascii_case("git~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        assert_eq!(Inside::read("./src//a b.rs/").unwrap().text(), "src/a b.rs");
        assert!(Inside::read("").unwrap().is_root() && Inside::read("./.").unwrap().is_root());
        assert_eq!(Inside::read("..a/.gitignore/:(top)x/*").unwrap().parts().len(), 4);
        for bad in
            ["/etc/passwd", "..", "a/../b", "../x", "a\0b", ".git", ".GIT/config", "a/.git/HEAD", ".git./x", "GIT~1"]
        {
            assert!(Inside::read(bad).is_err(), "{bad:?}");
        }
        assert!(Inside::read(&"a/".repeat(3_000)).is_err());
    }
}
