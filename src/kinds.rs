//! The job kinds this binary runs.

use flotilla_workers::{
    handlers::{self, Host, Roots},
    registry::Registry,
};
use std::path::PathBuf;

/// Kinds whose handlers read git work trees below `roots` only; `None` for anywhere.
pub fn registry(roots: Option<Vec<PathBuf>>) -> Registry {
    let host = Host::from(roots.map_or(Roots::Anywhere, Roots::Below));
    handlers::standard(match std::env::var_os("PATH") {
        Some(path) => host.with_path(&path),
        None => host,
    })
}
