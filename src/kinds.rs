//! The job kinds this binary runs.

use flotilla_jobs::kinds::Drill;
use flotilla_workers::{
    agents::Agents,
    engine_side::EngineSide,
    handlers::{self, Driller, Host, Roots},
    registry::Registry,
};
use std::path::PathBuf;

/// Kinds whose handlers read git work trees below `roots` only; `None` for anywhere. `drills` adds the kind that rehearses
/// failures. Without `agents` reviews are made by rules alone; agents that chat need the store that they have their
/// sessions in.
pub fn registry(
    roots: Option<Vec<PathBuf>>,
    drills: bool,
    agents: Option<Agents>,
    store: Option<EngineSide>,
) -> Registry {
    let host = Host::from(roots.map_or(Roots::Anywhere, Roots::Below));
    let host = match std::env::var_os("PATH") {
        Some(path) => host.with_path(&path),
        None => host,
    };
    let standard = handlers::standard(host, agents, store);
    if drills { standard.with::<Drill>(Driller) } else { standard }
}
