//! The cache of a store that can be made to fail.

use super::Faulty;
use crate::{
    cache::{Cache, CacheName, Group, Keep, Sort},
    store::Error,
};
use async_trait::async_trait;

#[async_trait]
impl Cache for Faulty {
    async fn cached(&self, name: &CacheName) -> Result<Option<Vec<u8>>, Error> {
        self.faults.pass("cached", self.store.cached(name)).await
    }

    async fn keep(&self, keep: Keep) -> Result<bool, Error> {
        self.faults.pass("keep", self.store.keep(keep)).await
    }

    fn is_apart(&self) -> bool {
        self.store.is_apart()
    }

    async fn drop_cached(&self, sort: Sort, group: Option<Group>) -> Result<u32, Error> {
        self.faults.pass("drop_cached", self.store.drop_cached(sort, group)).await
    }
}
