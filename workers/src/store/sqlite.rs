//! Both halves of a store in one SQLite file.
use super::{OpenError, Store};
use crate::clock::Clock;
use std::{path::PathBuf, sync::Arc};
/// Shim.
#[derive(Clone, Debug)]
pub struct Options {
    /// The file.
    pub path: PathBuf,
    /// Time.
    pub clock: Clock,
}
/// Shim.
pub async fn open(_: Options) -> Result<Arc<dyn Store>, OpenError> {
    Err(OpenError::Unreachable { what: "sqlite", detail: "shim".to_owned() })
}
/// Shim.
pub async fn migrate(_: &Options) -> Result<Vec<String>, OpenError> {
    Ok(Vec::new())
}
