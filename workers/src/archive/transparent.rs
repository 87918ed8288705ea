//! A store whose archived sessions come back when somebody asks for what was said in them.

use super::Archive;
use crate::{
    sessions::{
        Message, NewSession, Origin, Post, Posted, Room, Session, SessionChange, SessionEntry, SessionId, SessionPage,
        Sessions, Turn,
    },
    store::{Error, Lease, Store},
};
use async_trait::async_trait;
use flotilla_jobs::JobId;
use std::sync::Arc;

/// How often what was brought back may be archived again before it is used. Only somebody who archives all the time what
/// is used all the time gets there.
const TRIES: usize = 5;

/// `store`, with its archive behind it.
pub fn with_archive(store: Arc<dyn Store>, archive: Arc<Archive>) -> Arc<dyn Store> {
    Arc::new(Archived { store, archive })
}

pub(super) struct Archived {
    pub(super) store: Arc<dyn Store>,
    archive: Arc<Archive>,
}

impl Archived {
    /// Asks the store; what it does not have is brought back, and it is asked again.
    async fn ask<T, F>(&self, most: usize, ask: impl Fn() -> F + Send + Sync) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        let mut tries = 0;
        loop {
            match ask().await {
                Err(Error::Archived(id)) if tries < most => self.archive.restore(id).await?,
                answer => return answer,
            }
            tries += 1;
        }
    }
}

#[async_trait]
impl Sessions for Archived {
    async fn open_session(&self, new: NewSession) -> Result<Session, Error> {
        self.store.open_session(new).await
    }

    async fn session(&self, id: SessionId) -> Result<Option<Session>, Error> {
        let session = self.store.session(id).await?;
        if session.as_ref().is_none_or(|session| session.archived_at.is_none()) {
            return Ok(session);
        }
        self.archive.restore(id).await?;
        self.store.session(id).await
    }

    async fn change_session(&self, id: SessionId, change: SessionChange) -> Result<Option<Session>, Error> {
        self.store.change_session(id, change).await
    }

    async fn list_sessions(
        &self,
        tenant: Option<&str>,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<SessionPage, Error> {
        self.store.list_sessions(tenant, after, limit).await
    }

    async fn post(&self, posts: Vec<Post>) -> Result<Vec<Posted>, Error> {
        // Each of its sessions may be archived.
        self.ask(posts.len() + TRIES, || self.store.post(posts.clone())).await
    }

    async fn message_of(&self, job: JobId) -> Result<Option<Message>, Error> {
        self.ask(TRIES, || self.store.message_of(job)).await
    }

    async fn begin_turn(&self, lease: &Lease) -> Result<Turn, Error> {
        self.ask(TRIES, || self.store.begin_turn(lease)).await
    }

    async fn hear(&self, lease: &Lease, after: u64) -> Result<Option<Vec<SessionEntry>>, Error> {
        self.store.hear(lease, after).await
    }

    async fn branch(&self, session: SessionId, from: Option<u64>, room: Room) -> Result<Vec<SessionEntry>, Error> {
        self.ask(TRIES, || self.store.branch(session, from, room)).await
    }

    async fn entries(&self, session: SessionId, after: u64, limit: u32) -> Result<Vec<SessionEntry>, Error> {
        self.ask(TRIES, || self.store.entries(session, after, limit)).await
    }

    async fn fork(&self, origin: Origin, new: NewSession) -> Result<Option<Session>, Error> {
        self.ask(TRIES, || self.store.fork(origin, new.clone())).await
    }

    async fn delete_session(&self, id: SessionId) -> Result<bool, Error> {
        let object = self.store.archived_object(id).await?;
        let deleted = self.store.delete_session(id).await?;
        if let (true, Some(object)) = (deleted, object) {
            self.archive.remove(&object.name).await;
        }
        Ok(deleted)
    }
}
