//! What is kept to be found again, done on the engine's runtime.

use super::EngineSide;
use crate::{
    cache::{Cache, CacheName, Group, Keep, Sort},
    store::Error,
};
use async_trait::async_trait;

#[async_trait]
impl Cache for EngineSide {
    async fn cached(&self, name: &CacheName) -> Result<Option<Vec<u8>>, Error> {
        let name = *name;
        self.call(move |store| async move { store.cached(&name).await }).await
    }

    async fn keep(&self, keep: Keep) -> Result<bool, Error> {
        self.call(move |store| async move { store.keep(keep).await }).await
    }

    fn is_apart(&self) -> bool {
        self.opened().is_some_and(|store| store.is_apart())
    }

    async fn drop_cached(&self, sort: Sort, group: Option<Group>) -> Result<u32, Error> {
        self.call(move |store| async move { store.drop_cached(sort, group).await }).await
    }
}
