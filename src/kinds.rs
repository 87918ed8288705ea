//! The job kinds this binary runs.

use flotilla_jobs::kinds::Drill;
use flotilla_workers::{
    handlers::{self, Driller, Host, Roots},
    registry::Registry,
};
use std::path::PathBuf;

/// Kinds whose handlers read git work trees below `roots` only; `None` for anywhere. `drills` adds the kind that rehearses
/// failures.
pub fn registry(roots: Option<Vec<PathBuf>>, drills: bool) -> Registry {
    let host = Host::from(roots.map_or(Roots::Anywhere, Roots::Below));
    let standard = handlers::standard(match std::env::var_os("PATH") {
        Some(path) => host.with_path(&path),
        None => host,
    });
    if drills { standard.with::<Drill>(Driller) } else { standard }
}
