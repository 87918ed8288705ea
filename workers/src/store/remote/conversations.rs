//! Sessions of the joined store: all of it is on record; the queue gets the jobs, and hears of those that are cancelled.

use super::Remote;
use crate::{
    cache::{self, Sort},
    sessions::{
        Message, NewSession, Origin, Post, Posted, Room, Session, SessionChange, SessionEntry, SessionId, SessionPage,
        Sessions, Turn,
    },
    store::{Error, Lease, Submission, turns},
};
use async_trait::async_trait;
use flotilla_jobs::JobId;

#[async_trait]
impl Sessions for Remote {
    async fn open_session(&self, new: NewSession) -> Result<Session, Error> {
        turns::check_new(&new)?;
        self.record.open_session(&new).await
    }

    async fn session(&self, id: SessionId) -> Result<Option<Session>, Error> {
        self.record.session(id).await
    }

    async fn change_session(&self, id: SessionId, change: SessionChange) -> Result<Option<Session>, Error> {
        turns::check_change(&change)?;
        self.record.change_session(id, &change).await
    }

    async fn list_sessions(
        &self,
        tenant: Option<&str>,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<SessionPage, Error> {
        self.record.list_sessions(tenant, after, limit).await
    }

    async fn post(&self, posts: Vec<Post>) -> Result<Vec<Posted>, Error> {
        turns::check_posts(&posts)?;
        let jobs: Vec<Submission> = posts.iter().map(|post| post.job.clone()).collect();
        self.intake.note_queues(&jobs).await?;
        match self.record.post(&posts).await {
            Err(error) => {
                self.intake.recorded(Err(again(&error)), &jobs).await.ok();
                Err(error)
            }
            Ok(reply) => {
                self.intake.recorded(Ok(()), &reply.jobs).await?;
                self.tell_cancelled(&reply.interrupted).await;
                Ok(reply.answers)
            }
        }
    }

    async fn begin_turn(&self, lease: &Lease) -> Result<Turn, Error> {
        self.record.begin_turn(lease).await
    }

    async fn hear(&self, lease: &Lease, after: u64) -> Result<Option<Vec<SessionEntry>>, Error> {
        self.record.hear(lease, after).await
    }

    async fn branch(&self, session: SessionId, from: Option<u64>, room: Room) -> Result<Vec<SessionEntry>, Error> {
        self.record.branch(session, from, room).await
    }

    async fn entries(&self, session: SessionId, after: u64, limit: u32) -> Result<Vec<SessionEntry>, Error> {
        self.record.entries(session, after, limit).await
    }

    async fn message_of(&self, job: JobId) -> Result<Option<Message>, Error> {
        self.record.message_of(job).await
    }

    async fn fork(&self, origin: Origin, new: NewSession) -> Result<Option<Session>, Error> {
        turns::check_new(&new)?;
        self.record.fork(origin, &new).await
    }

    async fn delete_session(&self, id: SessionId) -> Result<bool, Error> {
        let Some(jobs) = self.record.delete_session(id).await? else { return Ok(false) };
        self.tell_cancelled(&jobs).await;
        self.forget_context(id).await;
        Ok(true)
    }
}

impl Remote {
    /// Drops what turns were told of a session. Where the queue does not hear of it now, it goes after its time; nobody
    /// looks for it meanwhile.
    pub(super) async fn forget_context(&self, id: SessionId) {
        if let Err(error) = self.queues.drop_cached(Sort::Contexts, Some(cache::group_of(id))).await {
            tracing::debug!(%error, session = %id, "what was cached of a session stays until its time is over");
        }
    }

    /// The wish is on record already; where the queue does not hear of it now, a job that runs goes on to its end.
    async fn tell_cancelled(&self, jobs: &[JobId]) {
        if jobs.is_empty() {
            return;
        }
        if let Err(error) = self.do_cancel(jobs).await {
            tracing::warn!(%error, jobs = jobs.len(), "turns that are to be cancelled were not told so");
        }
    }
}

/// What matters of an error for jobs that may be on record.
fn again(error: &Error) -> Error {
    let detail = error.to_string();
    if error.is_transient() {
        Error::Unavailable { what: "postgres", detail }
    } else {
        Error::Corrupt { what: "postgres", detail }
    }
}
