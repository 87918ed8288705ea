//! Where a message goes, and where its answer comes from: the store of this process, or a server.

use super::super::{
    backend::{Backend, Direct},
    remote::{PATIENCE, PAUSE, Remote},
};
use crate::{
    chat::{Seen, Turn, posted},
    exit::Failure,
};
use flotilla_jobs::{
    JobId, SessionEntry, SessionId,
    api::{ChatEvent, ChatNews, ChatRequest, EntriesFrom},
    client::{ChatEvents, Client, Error},
};
use flotilla_workers::producer::NewChat;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use std::sync::Arc;
use tokio::time::sleep;

/// The other side.
#[allow(clippy::large_enum_variant, reason = "there is one")]
pub enum Line {
    Here { direct: Direct, queue: &'static str },
    Server(Remote),
}

impl Line {
    pub fn backend(&self) -> &dyn Backend {
        match self {
            Self::Here { direct, .. } => direct,
            Self::Server(remote) => remote,
        }
    }

    /// Posts a message and follows its answer, through outages and restarts.
    pub fn say(&self, message: ChatRequest) -> BoxStream<'static, Result<ChatEvent, Failure>> {
        match self {
            Self::Here { direct, queue } => here(direct.clone(), message, (*queue).to_owned()),
            Self::Server(remote) => there(remote.client().clone(), message),
        }
    }

    /// What was said last in a session, the newest first; `None` where there is no such session.
    pub async fn last(&self, session: SessionId, most: usize) -> Result<Option<Vec<SessionEntry>>, Failure> {
        let branch = self.backend().entries(session, EntriesFrom::Branch(None)).await?;
        Ok(branch.map(|branch| branch.entries.into_iter().take(most).collect()))
    }
}

fn here(direct: Direct, message: ChatRequest, queue: String) -> BoxStream<'static, Result<ChatEvent, Failure>> {
    stream::once(async move {
        let chat = NewChat { queue: Some(queue), ..message.into() };
        let at = posted(direct.producer.post_chat(chat).await?);
        let turn = Turn::new(Arc::clone(&direct.store), Arc::clone(&direct.followers), at, Seen::default());
        Ok::<_, Failure>(stream::unfold(turn, |mut turn| async move {
            let next = turn.next().await?;
            Some((next.map(|(_, event)| event).map_err(Failure::from), turn))
        }))
    })
    .flat_map(|turn| match turn {
        Ok(events) => events.boxed(),
        Err(failure) => stream::once(async { Err(failure) }).boxed(),
    })
    .boxed()
}

fn there(client: Client, message: ChatRequest) -> BoxStream<'static, Result<ChatEvent, Failure>> {
    let follower = Follower { client, message, job: None, events: None, last: None, failures: 0, over: false };
    stream::unfold(follower, |mut follower| async move { follower.next().await.map(|event| (event, follower)) }).boxed()
}

struct Follower {
    client: Client,
    message: ChatRequest,
    /// Known once the message is on record.
    job: Option<JobId>,
    events: Option<ChatEvents>,
    last: Option<String>,
    failures: u32,
    over: bool,
}

impl Follower {
    async fn next(&mut self) -> Option<Result<ChatEvent, Failure>> {
        while !self.over {
            match self.read().await {
                Ok(Some(event)) => {
                    self.failures = 0;
                    let again = self.job.is_some();
                    if let ChatEvent::Chat(ChatNews::Posted(at)) = &event {
                        self.job = Some(at.job);
                        // Whoever comes back is told so once more.
                        if again {
                            continue;
                        }
                    }
                    return Some(Ok(event));
                }
                Ok(None) => {
                    self.over = self.events.as_ref().is_some_and(ChatEvents::is_done);
                    self.events = None;
                    if self.over {
                        return None;
                    }
                }
                // The stream broke off, perhaps for a deploy: it goes on where it was.
                Err(error) if error.is_transient() && self.failures < PATIENCE => self.events = None,
                Err(error) => {
                    self.over = true;
                    return Some(Err(error.into()));
                }
            }
            self.failures += 1;
            sleep(PAUSE).await;
        }
        None
    }

    async fn read(&mut self) -> Result<Option<ChatEvent>, Error> {
        let events = match (&mut self.events, self.job) {
            (Some(events), _) => events,
            (none, Some(job)) => none.insert(self.client.chat_events(job, self.last.as_deref()).await?),
            (none, None) => none.insert(self.client.chat_stream(&self.message, None).await?),
        };
        let event = events.next().await?;
        self.last = events.last_id().map(str::to_owned);
        Ok(event)
    }
}
