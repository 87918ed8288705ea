//! What a store knows of the archive, behind the same switches.

use super::Faulty;
use crate::{
    archive::{IdleSessions, Mark, Object, Shelf},
    sessions::{SessionEntry, SessionId},
    store::Error,
};
use async_trait::async_trait;
use std::time::Duration;

#[async_trait]
impl Shelf for Faulty {
    async fn idle_sessions(&self, age: Duration, after: Option<SessionId>, limit: u32) -> Result<IdleSessions, Error> {
        self.faults.pass("idle_sessions", self.store.idle_sessions(age, after, limit)).await
    }

    async fn begin_archive(&self, id: SessionId, name: &str) -> Result<Mark, Error> {
        self.faults.pass("begin_archive", self.store.begin_archive(id, name)).await
    }

    async fn commit_archive(&self, object: &Object) -> Result<bool, Error> {
        self.faults.pass("commit_archive", self.store.commit_archive(object)).await
    }

    async fn archived_object(&self, id: SessionId) -> Result<Option<Object>, Error> {
        self.faults.pass("archived_object", self.store.archived_object(id)).await
    }

    async fn restore_session(&self, object: &Object, entries: Vec<SessionEntry>, keep: bool) -> Result<bool, Error> {
        self.faults.pass("restore_session", self.store.restore_session(object, entries, keep)).await
    }

    async fn doomed_objects(&self, limit: u32) -> Result<Vec<String>, Error> {
        self.faults.pass("doomed_objects", self.store.doomed_objects(limit)).await
    }

    async fn object_removed(&self, name: &str, gone: bool) -> Result<(), Error> {
        self.faults.pass("object_removed", self.store.object_removed(name, gone)).await
    }
}
