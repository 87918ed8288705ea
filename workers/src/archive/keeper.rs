//! Takes sessions to the archive and back, and removes what nobody needs there.

use super::{IdleSessions, MAX_LOOK, Mark, Object, Objects, format, objects::corrupt};
use crate::{
    metrics::{ArchiveEvent, Metrics},
    sessions::{MAX_PAGE, Session, SessionEntry, SessionId},
    store::{Error, Store},
};
use flotilla_jobs::api::ArchiveReply;
use futures_util::{StreamExt, stream};
use std::{fmt, sync::Arc, time::Duration};
use tokio::{sync::Semaphore, time::Instant};

/// Sessions that go at once.
const AT_ONCE: usize = 4;
/// Sessions that come back at once: each is in memory meanwhile.
const BACK_AT_ONCE: usize = 4;

/// An archive, and the store whose sessions go there.
pub struct Archive {
    store: Arc<dyn Store>,
    objects: Objects,
    /// Whether objects stay when their sessions come back.
    keep: bool,
    metrics: Arc<Metrics>,
    back: Semaphore,
}

/// What came of a look for sessions that nobody spoke in for long.
#[derive(Clone, Copy, Debug, Default)]
pub struct Idled {
    /// Sessions that are archived now.
    pub archived: u64,
    /// Those that did not go, because something went wrong.
    pub failed: u64,
    /// Where to go on; none where there are no more.
    pub next: Option<SessionId>,
}

impl Archive {
    /// `store` is the one that knows of the archive, and answers [`Error::Archived`].
    pub fn new(store: Arc<dyn Store>, objects: Objects, keep: bool, metrics: Arc<Metrics>) -> Self {
        Self { store, objects, keep, metrics, back: Semaphore::new(BACK_AT_ONCE) }
    }

    /// Takes a session to the archive; `None` where there is no such session.
    pub async fn archive(&self, id: SessionId) -> Result<Option<ArchiveReply>, Error> {
        let done = self.try_archive(id).await;
        if let Err(error) = &done {
            self.metrics.archive(ArchiveEvent::Failed);
            tracing::warn!(session = %id, %error, "a session was not archived");
        }
        done
    }

    async fn try_archive(&self, id: SessionId) -> Result<Option<ArchiveReply>, Error> {
        let name = format!("sessions/{id}/{:016x}.jsonl", rand::random::<u64>());
        let session = match self.store.begin_archive(id, &name).await? {
            Mark::Begun(session) => *session,
            Mark::Busy => return Ok(Some(ArchiveReply::Busy)),
            Mark::Empty => return Ok(Some(ArchiveReply::Empty)),
            Mark::TooLarge => return Ok(Some(ArchiveReply::TooLarge)),
            Mark::Archived => return Ok(Some(ArchiveReply::Already)),
            Mark::NoSession => return Ok(None),
        };
        match self.move_out(&session, name.clone()).await {
            Ok(true) => Ok(Some(ArchiveReply::Archived)),
            Ok(false) => {
                self.remove(&name).await;
                Ok(Some(ArchiveReply::Changed))
            }
            Err(error) => {
                // Whether a commit without an answer was carried out only the record knows, which takes this for nothing
                // then. If it was not, it cannot be any more, and the object is removed later.
                if let Err(error) = self.store.object_removed(&name, false).await {
                    tracing::debug!(object = name, %error, "not noted; it is removed once it is old");
                }
                Err(error)
            }
        }
    }

    async fn move_out(&self, session: &Session, name: String) -> Result<bool, Error> {
        let Some(entries) = self.read(session.id).await? else { return Ok(false) };
        let written = format::write(session, &entries).map_err(|why| corrupt(&name, &why))?;
        let object = Object {
            session: session.id,
            version: session.version,
            hash: format::hash(&written),
            bytes: written.len() as u64,
            entries: entries.len() as u64,
            name,
        };
        self.objects.put(&object.name, written).await?;
        // What is not there as it was written must not be all that is left.
        self.fetch(&object).await?.ok_or_else(|| corrupt(&object.name, "it is not there after it was written"))?;
        let moved = self.store.commit_archive(&object).await?;
        if moved {
            self.metrics.archive(ArchiveEvent::Archived);
            self.metrics.archive_bytes(object.bytes);
            tracing::debug!(session = %object.session, object = object.name, entries = object.entries, "archived");
        }
        Ok(moved)
    }

    /// All entries of a session; `None` where they went meanwhile.
    async fn read(&self, id: SessionId) -> Result<Option<Vec<SessionEntry>>, Error> {
        let mut all: Vec<SessionEntry> = Vec::new();
        loop {
            let after = all.last().map_or(0, |entry| entry.id);
            match self.store.entries(id, after, MAX_PAGE).await {
                Err(Error::Archived(_)) => return Ok(None),
                page if page.as_ref().is_ok_and(Vec::is_empty) => return Ok(Some(all)),
                page => all.extend(page?),
            }
        }
    }

    /// The entries of an object that is whole; `None` where there is no such object.
    async fn fetch(&self, object: &Object) -> Result<Option<Vec<SessionEntry>>, Error> {
        let Some(read) = self.objects.get(&object.name, object.bytes).await? else { return Ok(None) };
        if format::hash(&read) != object.hash {
            return Err(corrupt(&object.name, "its SHA-256 is not that of what was written"));
        }
        let entries = format::read(&read).map_err(|why| corrupt(&object.name, &why))?;
        if entries.len() as u64 != object.entries {
            return Err(corrupt(&object.name, "it has not the entries that were written"));
        }
        Ok(Some(entries))
    }

    /// Brings a session back, where it is archived.
    pub async fn restore(&self, id: SessionId) -> Result<(), Error> {
        let restored = self.try_restore(id).await;
        if let Err(error) = &restored {
            self.metrics.archive(ArchiveEvent::Failed);
            tracing::warn!(session = %id, %error, "a session was not restored");
        }
        restored
    }

    async fn try_restore(&self, id: SessionId) -> Result<(), Error> {
        let closed = |_| Error::Unavailable { what: "archive", detail: "it is closed".to_owned() };
        let _turn = self.back.acquire().await.map_err(closed)?;
        // Whoever waited for the same session finds it there.
        let Some(object) = self.store.archived_object(id).await? else { return Ok(()) };
        let Some(entries) = self.fetch(&object).await? else {
            // Perhaps somebody else brought it back in this moment.
            return match self.store.archived_object(id).await? {
                Some(still) if still.name == object.name => {
                    Err(corrupt(&object.name, "it is not there; is sessions.archive_url where it was written?"))
                }
                _ => Ok(()),
            };
        };
        if self.store.restore_session(&object, entries, self.keep).await? {
            self.metrics.archive(ArchiveEvent::Restored);
            tracing::debug!(session = %id, object = object.name, "restored");
            if !self.keep {
                self.remove(&object.name).await;
            }
        }
        Ok(())
    }

    /// Removes an object that nobody needs; one that cannot be removed is remembered, and tried again.
    pub(super) async fn remove(&self, name: &str) {
        let gone = self.objects.remove(name).await;
        if let Err(error) = &gone {
            self.metrics.archive(ArchiveEvent::Failed);
            tracing::warn!(object = name, %error, "an object of the archive was not removed; it is tried again");
        }
        if let Err(error) = self.store.object_removed(name, gone.is_ok()).await {
            tracing::debug!(object = name, %error, "not noted; it is removed again");
        }
    }

    /// Removes at most `limit` objects that nobody needs; answers how many were tried.
    pub async fn sweep(&self, limit: u32) -> Result<usize, Error> {
        let names = self.store.doomed_objects(limit).await?;
        let tried = names.len();
        stream::iter(names).for_each_concurrent(AT_ONCE, |name| async move { self.remove(&name).await }).await;
        Ok(tried)
    }

    /// Takes sessions that nobody spoke in since `age` ago to the archive, from after `after` on, until about `most`
    /// went, or `time` is over.
    pub async fn idle(
        &self,
        age: Duration,
        after: Option<SessionId>,
        most: u64,
        time: Duration,
    ) -> Result<Idled, Error> {
        let (start, mut done) = (Instant::now(), Idled { next: after, ..Idled::default() });
        loop {
            let IdleSessions { idle, next } = self.store.idle_sessions(age, done.next, MAX_LOOK).await?;
            for some in idle.chunks(AT_ONCE * 8) {
                if done.archived + done.failed >= most || start.elapsed() >= time {
                    return Ok(done);
                }
                let replies = stream::iter(some.to_vec()).map(|id| self.archive(id)).buffer_unordered(AT_ONCE);
                for reply in replies.collect::<Vec<_>>().await {
                    done.archived += u64::from(matches!(reply, Ok(Some(ArchiveReply::Archived))));
                    done.failed += u64::from(reply.is_err());
                }
                done.next = some.last().copied();
            }
            done.next = next;
            if next.is_none() {
                return Ok(done);
            }
        }
    }
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive").field("objects", &self.objects).field("keep", &self.keep).finish_non_exhaustive()
    }
}
