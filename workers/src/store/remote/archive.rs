//! The archive of the joined store: all that is known of it is on record.

use super::Remote;
use crate::{
    archive::{IdleSessions, Mark, Object, Shelf},
    sessions::{SessionEntry, SessionId},
    store::Error,
};
use async_trait::async_trait;
use std::time::Duration;

#[async_trait]
impl Shelf for Remote {
    async fn idle_sessions(&self, age: Duration, after: Option<SessionId>, limit: u32) -> Result<IdleSessions, Error> {
        self.record.idle_sessions(age, after, limit).await
    }

    async fn begin_archive(&self, id: SessionId, name: &str) -> Result<Mark, Error> {
        self.record.begin_archive(id, name).await
    }

    async fn commit_archive(&self, object: &Object) -> Result<bool, Error> {
        let moved = self.record.commit_archive(object).await?;
        if moved {
            self.forget_context(object.session).await;
        }
        Ok(moved)
    }

    async fn archived_object(&self, id: SessionId) -> Result<Option<Object>, Error> {
        self.record.archived_object(id).await
    }

    async fn restore_session(&self, object: &Object, entries: Vec<SessionEntry>, keep: bool) -> Result<bool, Error> {
        self.record.restore_session(object, &entries, keep).await
    }

    async fn doomed_objects(&self, limit: u32) -> Result<Vec<String>, Error> {
        self.record.doomed_objects(limit).await
    }

    async fn object_removed(&self, name: &str, gone: bool) -> Result<(), Error> {
        self.record.object_removed(name, gone).await
    }
}
