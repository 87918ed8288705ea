//! Messages of chats: the session is opened where it is not there, and a message goes on record with the job that
//! answers it, once for each name its client gave it.

use super::{Error, Producer, Refused};
use crate::{
    clock::{Millis, system_now},
    safety::{Hit, Verdict},
    sessions::{Busy, NewSession, Post, Posted, Session, SessionChange, SessionId},
    store::{Store, Submission},
};
use flotilla_jobs::{Accepted, Invalid, Job, JobId, NewJob, Options, api::ChatRequest, check_key, kinds::ChatTurn};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

/// The agent that answers.
const AGENT: &str = "chat";
/// Whose a message is that says no tenant.
const TENANT: &str = "default";
/// Who says a message that names no user.
const USER: &str = "user";
/// A message that names itself, and no session, opens the same one again for so long at least.
const DAY_MS: Millis = 24 * 60 * 60 * 1000;

/// A message to post.
#[derive(Clone, Debug, Default)]
pub struct NewChat {
    /// Where it is said; a new session where it is `None`, or where there is none of this id.
    pub session: Option<SessionId>,
    /// What the user says.
    pub message: String,
    /// The client's own name for it: posted again, it is the same message.
    pub client_id: Option<String>,
    /// Who says it; `user` unless set.
    pub user: Option<String>,
    /// Whose session it is; `default` unless set.
    pub tenant: Option<String>,
    /// A model or route the user would like.
    pub model: Option<String>,
    /// What becomes of a message while a turn is unfinished, from this one on; the session's own otherwise.
    pub busy: Option<Busy>,
    /// Kept with the message.
    pub meta: Option<Box<RawValue>>,
    /// The queue of the job; `default` unless set.
    pub queue: Option<String>,
    /// W3C `traceparent` of the caller.
    pub trace: Option<String>,
}

impl From<ChatRequest> for NewChat {
    fn from(request: ChatRequest) -> Self {
        let ChatRequest { session, message, client_id, user, tenant, model, busy, meta, .. } = request;
        Self { session, message, client_id, user, tenant, model, busy, meta, queue: None, trace: None }
    }
}

/// A message on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// Where it was said.
    pub session: SessionId,
    /// The message.
    pub entry: u64,
    /// The job that answers it, or that says which one did.
    pub job: JobId,
    /// Whether it was on record before.
    pub duplicate: bool,
    /// The job whose turn is cancelled for it.
    pub interrupts: Option<JobId>,
}

/// A message was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// Its session refuses messages while a turn is unfinished.
    #[error(
        "session {session} is busy: the turn of job {job} is unfinished; wait for it, cancel it, or post with another \
         `busy` than `reject`"
    )]
    #[allow(missing_docs)]
    Busy { session: SessionId, job: JobId },
    /// As many messages wait there as may, or it is as long as it may be.
    #[error(
        "session {0} is full: it has {most} messages that wait or {entries} entries; wait for answers, or go on in \
         another session", most = crate::sessions::MAX_WAITING, entries = crate::sessions::MAX_ENTRIES
    )]
    Full(SessionId),
    /// It was deleted meanwhile, or it is another tenant's.
    #[error("there is no session {0} of this tenant")]
    NoSession(SessionId),
    /// The message does not hold up.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The queue is full, or the store failed.
    #[error(transparent)]
    Submit(#[from] Error),
}

impl From<Invalid> for ChatError {
    fn from(invalid: Invalid) -> Self {
        Self::Refused(invalid.into())
    }
}

impl From<crate::store::Error> for ChatError {
    fn from(error: crate::store::Error) -> Self {
        Self::Submit(error.into())
    }
}

/// The content of a message's entry.
#[derive(Serialize)]
struct Content<'a> {
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safety: Option<Found>,
}

/// What was found in a message, kept with it.
#[derive(Serialize)]
struct Found {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rules: Vec<Hit>,
    hidden_characters: u64,
    hidden_passages: u64,
}

impl Producer {
    /// Puts a message on record with the job that answers it.
    ///
    /// What is posted twice under one `client_id` is one message; without a session it opens the same one again, for a
    /// day at least.
    pub async fn post_chat(&self, mut chat: NewChat) -> Result<Said, ChatError> {
        let safety = self.look_at(&mut chat)?;
        let tenant = chat.tenant.clone().unwrap_or_else(|| TENANT.to_owned());
        flotilla_jobs::check_name("tenant", &tenant)?;
        chat.client_id.as_deref().map_or(Ok(()), |id| check_key("client_id", id))?;
        let (found, session) = find(&*self.store, &chat, &tenant).await?;
        // Before a session is opened for nothing.
        let job = self.admit_turn(&chat, session)?;
        open(&*self.store, &chat, &tenant, found, session).await?;
        let client_id = chat.client_id.unwrap_or_else(|| Uuid::now_v7().to_string());
        let content = Content { text: &chat.message, meta: chat.meta.as_deref(), safety };
        let content = to_raw_value(&content).map_err(|e| Invalid::new("meta", e.to_string()))?;

        let place = match &self.room {
            Some(room) => Some(room.take(&*self.store, std::slice::from_ref(&job)).await.map_err(Error::from)?),
            None => None,
        };
        let posted = self.store.post(vec![Post { session, client_id, content, job }]).await;
        let posted = posted.map(|all| all.into_iter().next());
        if let Some(place) = place {
            let accepted = match &posted {
                Ok(Some(Posted::Accepted { job, duplicate, .. })) => Some(Accepted { id: *job, duplicate: *duplicate }),
                _ => None,
            };
            place.settle(accepted.as_ref().map(std::slice::from_ref));
        }
        match posted? {
            Some(Posted::Accepted { entry, job, duplicate, interrupts }) => {
                Ok(Said { session, entry, job, duplicate, interrupts })
            }
            Some(Posted::Busy(job)) => Err(ChatError::Busy { session, job }),
            Some(Posted::Full) => Err(ChatError::Full(session)),
            Some(Posted::NoSession) | None => Err(ChatError::NoSession(session)),
        }
    }

    /// Looks at a message before it is taken, and takes out what is to be taken out.
    fn look_at(&self, chat: &mut NewChat) -> Result<Option<Found>, Invalid> {
        let verdict = self.guards.look(AGENT, &chat.message);
        let is_clean = verdict.is_clean();
        let Verdict { text, hits: rules, characters: hidden_characters, passages: hidden_passages, refused } = verdict;
        if let Some(why) = refused {
            return Err(Invalid::new("message", why));
        }
        chat.message = text;
        Ok((!is_clean).then_some(Found { rules, hidden_characters, hidden_passages }))
    }

    fn admit_turn(&self, chat: &NewChat, session: SessionId) -> Result<Submission, Refused> {
        let turn = ChatTurn {
            session: session.to_string(),
            message: chat.message.clone(),
            user: chat.user.clone().unwrap_or_else(|| USER.to_owned()),
            model: chat.model.clone(),
            stream: true,
        };
        turn.validate()?;
        let options = Options { queue: chat.queue.clone(), trace: chat.trace.clone(), ..Options::default() };
        self.admit_kind(NewJob::of(&turn)?.with(options.or(ChatTurn::defaults())))
    }
}

/// The session of a message, and its id also where it is not there.
async fn find(store: &dyn Store, chat: &NewChat, tenant: &str) -> Result<(Option<Session>, SessionId), ChatError> {
    let (found, id) = match (chat.session, &chat.client_id) {
        (Some(id), _) => (store.session(id).await?, id),
        (None, None) => (None, SessionId::new()),
        (None, Some(client_id)) => {
            let now = system_now();
            let yesterday = store.session(session_of(tenant, client_id, now - DAY_MS)).await?;
            (yesterday, session_of(tenant, client_id, now))
        }
    };
    let id = found.as_ref().map_or(id, |session| session.id);
    Ok((found, id))
}

/// Opens the session where it is not there, and has it take second messages as this one says.
async fn open(
    store: &dyn Store,
    chat: &NewChat,
    tenant: &str,
    found: Option<Session>,
    id: SessionId,
) -> Result<(), ChatError> {
    let session = if let Some(session) = found {
        session
    } else {
        let busy = chat.busy.unwrap_or_default();
        store.open_session(NewSession { id, tenant: tenant.to_owned(), title: None, busy }).await?
    };
    if session.tenant != tenant {
        return Err(ChatError::NoSession(session.id));
    }
    match chat.busy.filter(|busy| *busy != session.busy) {
        None => Ok(()),
        Some(busy) => {
            let change = SessionChange { busy: Some(busy), ..SessionChange::default() };
            store.change_session(session.id, change).await?.map(drop).ok_or(ChatError::NoSession(session.id))
        }
    }
}

/// The session that a message opens on this day: of the same name, the same one.
fn session_of(tenant: &str, client_id: &str, now: Millis) -> SessionId {
    let hash = Sha256::new().chain_update(tenant).chain_update([0]).chain_update(client_id).finalize();
    let day = (now - now.rem_euclid(DAY_MS)).max(0).cast_unsigned();
    let mut random = [0; 10];
    random.copy_from_slice(&hash[..10]);
    SessionId(Builder::from_unix_timestamp_millis(day, &random).into_uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_without_a_session_opens_the_same_one_all_day() {
        let noon = 20_000 * DAY_MS + DAY_MS / 2;
        let first = session_of("acme", "one", noon);
        assert_eq!(first, session_of("acme", "one", noon + 1000));
        assert_eq!(first, session_of("acme", "one", noon + DAY_MS - DAY_MS));
        for other in [
            session_of("acme", "two", noon),
            session_of("other", "one", noon),
            session_of("acme", "one", noon + DAY_MS),
        ] {
            assert_ne!(first, other);
        }
        assert!(session_of("acme", "one", noon + DAY_MS) > first);
    }
}
