//! Which files a program reaches: Landlock, whole or not at all.

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, PathBeneath, PathFd, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, RulesetStatus, Scope, path_beneath_rules,
};
use std::path::{Path, PathBuf};

/// The first that keeps signals and abstract sockets in: Linux 6.12.
const NEEDED: ABI = ABI::V6;

/// Lets this process read below `read`, do as it likes below `dir` but for special files, and nothing else.
pub(super) fn confine(read: &[PathBuf], dir: &Path) -> Result<(), String> {
    let status = restrict(read, dir).map_err(|error| {
        format!("Landlock of Linux 6.12 (ABI 6) is not to be had: {error}; use such a kernel, with Landlock enabled")
    })?;
    match status {
        RulesetStatus::FullyEnforced => Ok(()),
        _ => Err("Landlock is enforced in part only; use Linux 6.12 or later, with Landlock enabled".to_owned()),
    }
}

fn restrict(read: &[PathBuf], dir: &Path) -> Result<RulesetStatus, Box<dyn std::error::Error>> {
    let all = AccessFs::from_all(NEEDED);
    let special = AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::MakeSock | AccessFs::IoctlDev | AccessFs::Refer;
    let device = AccessFs::ReadFile | AccessFs::WriteFile;
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(all)?
        .handle_access(AccessNet::from_all(NEEDED))?
        .scope(Scope::from_all(NEEDED))?
        .create()?
        .add_rules(path_beneath_rules(read, AccessFs::from_read(NEEDED)))?;
    // The check has no directory of its own, and may write nowhere.
    if dir != Path::new("/") {
        rules = rules.add_rule(PathBeneath::new(PathFd::new(dir)?, (all & !special) | AccessFs::Refer))?;
    }
    for name in ["/dev/null", "/dev/zero", "/dev/urandom"] {
        rules = rules.add_rule(PathBeneath::new(PathFd::new(name)?, device))?;
    }
    let status = rules.restrict_self()?;
    Ok(if status.no_new_privs { status.ruleset } else { RulesetStatus::NotEnforced })
}
