//! The cache of the joined store: all of it is in the queue's Redis; the record knows nothing of it.

use super::Remote;
use crate::{
    cache::{Cache, CacheName, Group, Keep, Sort, check_keep},
    store::Error,
};
use async_trait::async_trait;

#[async_trait]
impl Cache for Remote {
    async fn cached(&self, name: &CacheName) -> Result<Option<Vec<u8>>, Error> {
        self.queues.cached(name).await
    }

    async fn keep(&self, keep: Keep) -> Result<bool, Error> {
        check_keep(&keep)?;
        self.queues.keep(&keep).await
    }

    fn is_apart(&self) -> bool {
        true
    }

    async fn drop_cached(&self, sort: Sort, group: Option<Group>) -> Result<u32, Error> {
        self.queues.drop_cached(sort, group).await
    }
}
