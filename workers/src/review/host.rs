//! What of its machine a review may use.

use super::roots::Roots;
use std::ffi::OsString;

/// Where programs are looked for unless somebody says.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin:/run/current-system/sw/bin";

/// What of its machine a review may use.
#[derive(Clone, Debug)]
pub struct Host {
    pub(crate) roots: Roots,
    pub(crate) path: OsString,
}

impl Host {
    /// Looks for git in these directories, as in the variable `PATH`. Those that are not absolute are left out: git is
    /// called in the repository, which must not bring its own.
    #[must_use]
    pub fn with_path(mut self, path: &OsString) -> Self {
        let absolute = std::env::split_paths(path).filter(|directory| directory.is_absolute());
        if let Ok(path) = std::env::join_paths(absolute)
            && !path.is_empty()
        {
            self.path = path;
        }
        self
    }
}

impl From<Roots> for Host {
    fn from(roots: Roots) -> Self {
        Self { roots, path: PATH.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_not_looked_for_in_the_repository() {
        let host = Host::from(Roots::Anywhere);
        assert_eq!(host.clone().with_path(&".:/a::b:/c".into()).path, "/a:/c");
        assert_eq!(host.with_path(&".".into()).path, PATH);
    }
}
