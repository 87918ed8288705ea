//! Sessions, as a server keeps them.

use super::{Client, Error};
use crate::{
    Session, SessionId, SessionPage,
    api::{
        ArchiveAnswer, ArchiveIdle, ArchiveReply, Entries, EntriesFrom, ForkSession, OpenSession, SessionChange, Swept,
    },
};
use reqwest::{Method, StatusCode};

impl Client {
    /// Sessions, of one tenant or of all, the newest first, those older than `after`.
    pub async fn sessions(
        &self,
        tenant: Option<&str>,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<SessionPage, Error> {
        let mut query = vec![("limit", limit.to_string())];
        query.extend(tenant.map(|tenant| ("tenant", tenant.to_owned())));
        query.extend(after.map(|id| ("after", id.to_string())));
        self.call(Method::GET, "v1/sessions", &query, None::<&()>).await
    }

    /// Opens a session. One of that id that is there already is answered as it is.
    pub async fn open_session(&self, new: &OpenSession) -> Result<Session, Error> {
        self.call(Method::POST, "v1/sessions", &[], Some(new)).await
    }

    /// One session; `None` where there is none of that id.
    pub async fn session(&self, id: SessionId) -> Result<Option<Session>, Error> {
        absent_is_none(self.call(Method::GET, &format!("v1/sessions/{id}"), &[], None::<&()>).await)
    }

    /// Changes what is not `None`; `None` where there is no such session.
    pub async fn change_session(&self, id: SessionId, change: &SessionChange) -> Result<Option<Session>, Error> {
        absent_is_none(self.call(Method::PATCH, &format!("v1/sessions/{id}"), &[], Some(change)).await)
    }

    /// One page of what was said in a session; `None` where there is none of that id.
    pub async fn entries(&self, id: SessionId, from: EntriesFrom, limit: u32) -> Result<Option<Entries>, Error> {
        let from = match from {
            EntriesFrom::After(after) => ("after", after.to_string()),
            EntriesFrom::Branch(from) => ("branch", from.map_or_else(|| "head".to_owned(), |entry| entry.to_string())),
        };
        let query = [("limit", limit.to_string()), from];
        absent_is_none(self.call(Method::GET, &format!("v1/sessions/{id}/entries"), &query, None::<&()>).await)
    }

    /// Opens a session that has what another one has up to an entry; `None` where there is no such session.
    pub async fn fork_session(&self, id: SessionId, fork: &ForkSession) -> Result<Option<Session>, Error> {
        absent_is_none(self.call(Method::POST, &format!("v1/sessions/{id}/fork"), &[], Some(fork)).await)
    }

    /// Takes a session to the archive; `None` where there is no such session.
    pub async fn archive_session(&self, id: SessionId) -> Result<Option<ArchiveReply>, Error> {
        let path = format!("v1/sessions/{id}/archive");
        let answer = self.call::<ArchiveAnswer>(Method::POST, &path, &[], None::<&()>).await;
        Ok(absent_is_none(answer)?.map(|answer| answer.reply))
    }

    /// Takes sessions that nobody spoke in for so long to the archive, a bounded number at a time.
    pub async fn archive_idle(&self, idle: ArchiveIdle) -> Result<Swept, Error> {
        self.call(Method::POST, "v1/sessions/archive", &[], Some(&idle)).await
    }

    /// Brings a session back, where it is archived; `None` where there is no such session.
    pub async fn restore_session(&self, id: SessionId) -> Result<Option<Session>, Error> {
        absent_is_none(self.call(Method::POST, &format!("v1/sessions/{id}/restore"), &[], None::<&()>).await)
    }

    /// Deletes a session with all that was said in it; answers whether it was there.
    pub async fn delete_session(&self, id: SessionId) -> Result<bool, Error> {
        let url = self.url(&format!("v1/sessions/{id}"), &[])?;
        let deleted = self.send(self.http.delete(url).timeout(self.timeout)).await.map(drop);
        Ok(absent_is_none(deleted)?.is_some())
    }
}

fn absent_is_none<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(Error::Refused { status, ref code, .. })
            if status == StatusCode::NOT_FOUND.as_u16() && code == "session_not_found" =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
