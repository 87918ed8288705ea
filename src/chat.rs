//! A message of a chat, from its post to the answer, as its client is told: the events of the job whose turn answers it, and
//! at the end the whole answer from the record.

use crate::follow::Followers;
use flotilla_jobs::{
    JobEvent, JobId, JobState,
    api::{ChatAnswer, ChatEvent, ChatNews},
};
use flotilla_workers::{
    producer::Said,
    sessions::Message,
    store::{Error, Store},
};
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep_until};

/// How often it is asked whether another turn took up a message whose own job waits.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Ends the id of a stream's last event.
pub const END: &str = ".end";

/// How it stands with a message that was just posted.
pub fn posted(said: Said) -> ChatAnswer {
    let Said { session, entry, job, duplicate, interrupts } = said;
    ChatAnswer { duplicate, interrupts, ..of(Message { session, entry, turn: None }, job) }
}

/// The same of one that was posted with this job, some time ago.
pub fn of(message: Message, job: JobId) -> ChatAnswer {
    ChatAnswer {
        session: message.session,
        entry: message.entry,
        job,
        duplicate: false,
        interrupts: None,
        joined: message.turn.filter(|turn| *turn != job),
        state: JobState::Pending,
        reply: None,
        reason: None,
        error: None,
        events: Some(format!("/v1/chat/stream?job={job}")),
    }
}

/// The last event that a client saw: of which job, where that is not the message's own, and its number there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    joined: Option<JobId>,
    /// Its number.
    pub after: u64,
    /// It has seen the end.
    pub end: bool,
}

impl Seen {
    /// Reads the id of an event: `STEP.ATTEMPT.N` or `N`, behind the job's id and a dot in a turn that was joined.
    pub fn parse(id: &str) -> Option<Self> {
        let (id, end) = id.strip_suffix(END).map_or((id, false), |id| (id, true));
        let joined = id.split_once('.').and_then(|(job, _)| job.parse().ok());
        Some(Self { joined, after: JobEvent::number_of(id)?, end })
    }
}

/// A message that waits for its answer.
pub struct Turn {
    store: Arc<dyn Store>,
    followers: Arc<Followers>,
    at: ChatAnswer,
    seen: Seen,
    stage: Stage,
    news: BoxStream<'static, Result<JobEvent, Error>>,
    /// The number of the last event of the job that is followed.
    last: u64,
    look_at: Instant,
}

enum Stage {
    /// The client hears that it is posted.
    Posted,
    /// It is not known yet whose turn it is.
    Placed,
    Followed,
    /// The job has ended, and this is what it left.
    Ends,
    Over,
}

impl Turn {
    /// The message that stands so, for a client that has seen this.
    pub fn new(store: Arc<dyn Store>, followers: Arc<Followers>, at: ChatAnswer, seen: Seen) -> Self {
        let news = stream::empty().boxed();
        let look_at = Instant::now() + LOOK_EVERY;
        Self { store, followers, at, seen, stage: Stage::Posted, news, last: 0, look_at }
    }

    /// How it stands.
    pub fn at(&self) -> &ChatAnswer {
        &self.at
    }

    /// Whether everything was said.
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// The next event and its id. `None` after the answer, and where there is nothing more to be told.
    pub async fn next(&mut self) -> Option<Result<(Option<String>, ChatEvent), Error>> {
        loop {
            let next = match self.stage {
                Stage::Over => return None,
                Stage::Posted => {
                    self.stage = Stage::Placed;
                    return Some(Ok((None, ChatEvent::Chat(ChatNews::Posted(self.at.clone())))));
                }
                Stage::Placed => self.place().await,
                Stage::Followed => self.follow().await,
                Stage::Ends => self.end().await,
            };
            match next {
                Ok(Some(event)) => return Some(Ok(event)),
                Ok(None) => {}
                Err(error) if error.is_transient() => {
                    tracing::debug!(job.id = %self.at.job, %error, "the store does not answer; the chat goes on");
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                Err(error) => {
                    self.stage = Stage::Over;
                    return Some(Err(error));
                }
            }
        }
    }

    async fn place(&mut self) -> Result<Option<(Option<String>, ChatEvent)>, Error> {
        if let Some(joined) = self.look().await? {
            return Ok(Some(joined));
        }
        self.begin(self.at.job, if self.seen.joined.is_none() { self.seen.after } else { 0 });
        Ok(None)
    }

    /// Whether another job's turn took up the message: then that is the one to follow.
    async fn look(&mut self) -> Result<Option<(Option<String>, ChatEvent)>, Error> {
        self.look_at = Instant::now() + LOOK_EVERY;
        let turn = self.store.message_of(self.at.job).await?.and_then(|message| message.turn);
        let Some(turn) = turn.filter(|turn| *turn != self.at.job) else { return Ok(None) };
        self.at.joined = Some(turn);
        self.begin(turn, if self.seen.joined == Some(turn) { self.seen.after } else { 0 });
        Ok(Some((Some(format!("{turn}.{}", self.last)), ChatEvent::Chat(ChatNews::Joined(self.at.clone())))))
    }

    fn begin(&mut self, job: JobId, after: u64) {
        self.news = self.followers.follow(job, after).boxed();
        self.last = after;
        self.stage = Stage::Followed;
    }

    async fn follow(&mut self) -> Result<Option<(Option<String>, ChatEvent)>, Error> {
        // A job that runs has its turn.
        let waits = self.at.joined.is_none() && matches!(self.at.state, JobState::Pending | JobState::Scheduled);
        let event = tokio::select! {
            event = self.news.next() => event,
            () = sleep_until(self.look_at), if waits => return self.look().await,
        };
        let Some(event) = event.transpose()? else {
            self.stage = Stage::Over;
            return Ok(None);
        };
        if let JobEvent::State(change) = &event {
            if change.state.is_terminal()
                && self.at.joined.is_none()
                && let Some(joined) = self.look().await?
            {
                return Ok(Some(joined));
            }
            self.at.state = change.state;
            self.at.reason.clone_from(&change.reason);
            if change.state.is_terminal() {
                self.stage = Stage::Ends;
            }
        }
        self.last = event.seq().unwrap_or(self.last);
        Ok(Some((Some(self.id(&event.id(self.last))), ChatEvent::Job(event))))
    }

    async fn end(&mut self) -> Result<Option<(Option<String>, ChatEvent)>, Error> {
        let job = self.store.get(self.at.turn()).await?;
        self.stage = Stage::Over;
        let Some(job) = job else { return Ok(None) };
        (self.at.state, self.at.error, self.at.reason) = (job.state, job.error, job.reason);
        let reply = job.output.as_ref().map(|output| serde_json::from_str(output.get())).transpose();
        self.at.reply = reply.map_err(|error| Error::Corrupt {
            what: "a reply",
            detail: format!("of job {} cannot be read: {error}", self.at.turn()),
        })?;
        let news = match &self.at.reply {
            Some(_) => ChatNews::Answer(self.at.clone()),
            None => ChatNews::Error(self.at.clone()),
        };
        Ok(Some((Some(format!("{}{END}", self.id(&self.last.to_string()))), ChatEvent::Chat(news))))
    }

    fn id(&self, id: &str) -> String {
        self.at.joined.map_or_else(|| id.to_owned(), |turn| format!("{turn}.{id}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_read_from_an_id() {
        let job = JobId::new();
        let seen = |id: &str| Seen::parse(id);
        assert_eq!(seen("2.1.7"), Some(Seen { joined: None, after: 7, end: false }));
        assert_eq!(seen("7.end"), Some(Seen { joined: None, after: 7, end: true }));
        assert_eq!(seen(&format!("{job}.2.1.7")), Some(Seen { joined: Some(job), after: 7, end: false }));
        assert_eq!(seen(&format!("{job}.0")), Some(Seen { joined: Some(job), after: 0, end: false }));
        assert_eq!((seen("x"), seen(""), seen(".end")), (None, None, None));
    }
}
