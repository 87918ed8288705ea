//! The job kinds this binary runs.

use flotilla_workers::{
    handlers::{self, Roots},
    registry::Registry,
};
use std::path::PathBuf;

/// Kinds whose handlers read git work trees below `roots` only; `None` for anywhere.
pub fn registry(roots: Option<Vec<PathBuf>>) -> Registry {
    handlers::standard(roots.map_or(Roots::Anywhere, Roots::Below))
}
