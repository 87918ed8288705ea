//! What operators are given: the image's recipe, the compose files, nginx in front. Images cannot be built everywhere, so
//! all that is in them is checked and run without.

mod compose;
mod dockerfile;
#[cfg(target_os = "linux")]
mod names;
#[cfg(target_os = "linux")]
mod nginx;
#[cfg(target_os = "linux")]
mod rootfs;
#[cfg(target_os = "linux")]
#[path = "../../workers/tests/support/servers.rs"]
#[allow(dead_code, reason = "shared with tests that harm their servers")]
mod servers;
#[path = "../support/mod.rs"]
mod support;

use std::{fs, path::Path};

/// A file of the project.
fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
