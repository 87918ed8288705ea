//! The cache of a store whose calls are timed.

use super::Metered;
use crate::{
    cache::{Cache, CacheName, Group, Keep, Sort},
    store::Error,
};
use async_trait::async_trait;

#[async_trait]
impl Cache for Metered {
    async fn cached(&self, name: &CacheName) -> Result<Option<Vec<u8>>, Error> {
        self.time("cached", self.store.cached(name)).await
    }

    async fn keep(&self, keep: Keep) -> Result<bool, Error> {
        self.time("keep", self.store.keep(keep)).await
    }

    fn is_apart(&self) -> bool {
        self.store.is_apart()
    }

    async fn drop_cached(&self, sort: Sort, group: Option<Group>) -> Result<u32, Error> {
        self.time("drop_cached", self.store.drop_cached(sort, group)).await
    }
}
