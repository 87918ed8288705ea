//! The configuration of ours that goes over the repository's.

use super::Error;
use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt as _,
};

/// Most filters a repository may configure; each takes room in the environment of a call.
const MAX_FILTERS: usize = 1_000;

/// Settings every call gets.
pub(super) fn fixed() -> Vec<(OsString, OsString)> {
    const FIXED: [(&str, &str); 31] = [
        // What would run a program.
        ("core.fsmonitor", "false"),
        ("core.hooksPath", "/dev/null"),
        ("core.pager", "cat"),
        ("core.editor", "false"),
        ("core.askPass", ""),
        ("core.sshCommand", "false"),
        ("core.gitProxy", ""),
        ("core.alternateRefsCommand", ""),
        ("credential.helper", ""),
        ("diff.external", ""),
        ("gpg.program", "false"),
        ("gpg.ssh.program", "false"),
        ("gpg.x509.program", "false"),
        ("log.showSignature", "false"),
        ("protocol.allow", "never"),
        ("submodule.recurse", "false"),
        // What would change how a diff is written.
        ("color.ui", "false"),
        ("core.quotePath", "true"),
        ("diff.noprefix", "false"),
        ("diff.mnemonicPrefix", "false"),
        ("diff.suppressBlankEmpty", "false"),
        ("diff.interHunkContext", "0"),
        ("diff.orderFile", "/dev/null"),
        ("diff.relative", "false"),
        ("diff.wordRegex", ""),
        ("diff.autoRefreshIndex", "true"),
        ("diff.colorMoved", "no"),
        // What would take memory, or processor time of others. A longer file counts as binary.
        ("core.bigFileThreshold", "8m"),
        ("core.packedGitLimit", "256m"),
        ("pack.threads", "1"),
        ("index.threads", "1"),
    ];
    FIXED.map(|(key, value)| (key.into(), value.into())).to_vec()
}

/// Turns every filter off that is among the names of a configuration, each ended by a NUL. Filters run on a mere diff
/// of the work tree.
pub(super) fn without_filters(names: &[u8]) -> Result<Vec<(OsString, OsString)>, Error> {
    let drivers: BTreeSet<&[u8]> = names.split(|&b| b == 0).filter_map(driver).collect();
    if drivers.len() > MAX_FILTERS {
        return Err(Error::Filters(drivers.len()));
    }
    let mut off = Vec::new();
    for driver in drivers {
        for (key, value) in [("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")] {
            let name = [b"filter.", driver, b".", key.as_bytes()].concat();
            off.push((OsStr::from_bytes(&name).to_owned(), value.into()));
        }
    }
    Ok(off)
}

/// The driver in `filter.DRIVER.key`; it may itself hold dots.
fn driver(name: &[u8]) -> Option<&[u8]> {
    let rest = name.strip_prefix(b"filter.")?;
    let end = rest.iter().rposition(|&b| b == b'.')?;
    Some(&rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_found_by_any_name() {
        let names = b"core.bare\0filter.lfs.clean\0filter.a=b.c.process\0filter.lfs.smudge\0filter.x\0";
        let off = without_filters(names).unwrap();
        let keys: Vec<_> = off.iter().map(|(key, _)| key.to_str().unwrap()).collect();
        assert_eq!(keys.len(), 8);
        assert!(keys.contains(&"filter.a=b.c.clean") && keys.contains(&"filter.lfs.process"));
        assert!(off.iter().all(|(key, value)| value.is_empty() || key.to_str().unwrap().ends_with(".required")));
    }

    #[test]
    fn filters_without_number_are_refused() {
        let names = (0..=MAX_FILTERS).map(|n| format!("filter.f{n}.clean\0")).collect::<Vec<_>>().concat();
        assert!(matches!(without_filters(names.as_bytes()), Err(Error::Filters(1_001))));
    }
}
