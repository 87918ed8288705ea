//! Hands in jobs to a store in the same process.

mod chat;
mod room;

pub use chat::{ChatError, NewChat, Said};
pub use room::{MaxWaiting, QueueFull};

use crate::{
    registry::Registry,
    safety::Guards,
    store::{self, Store, Submission},
};
use flotilla_jobs::{Accepted, Enqueue, Invalid, Job, MAX_BATCH, NewJob, Options, kinds::ChatTurn};
use room::Room;
use std::sync::Arc;

/// Validates jobs by what a registry knows about their kinds and puts them into a store. Cheap to clone.
#[derive(Clone)]
pub struct Producer {
    store: Arc<dyn Store>,
    registry: Registry,
    unknown_kinds: bool,
    room: Option<Arc<Room>>,
    guards: Guards,
}

/// A submit failed; nothing of it was accepted, unless the store's error says that this is not known.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// More jobs wait than may.
    #[error(transparent)]
    QueueFull(#[from] QueueFull),
    /// The store, or the jobs.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::Store(invalid.into())
    }
}

/// A job was not let in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nobody registered its kind here.
    #[error("kind: `{kind}` is not known; use one of: {}", known.join(", "))]
    UnknownKind {
        /// What was asked for.
        kind: String,
        /// What is known here.
        known: Vec<&'static str>,
    },
    /// Its input or an option does not hold up.
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

impl From<Refused> for Invalid {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Invalid(invalid) => invalid,
            Refused::UnknownKind { kind, known } => {
                Self::new("kind", format!("`{kind}` is not known; use one of: {}", known.join(", ")))
            }
        }
    }
}

impl Producer {
    /// A producer that refuses kinds the registry does not know.
    pub fn new(store: Arc<dyn Store>, registry: Registry) -> Self {
        Self { store, registry, unknown_kinds: false, room: None, guards: Guards::default() }
    }

    /// Whether kinds the registry does not know are let in: other workers may know them. Their input is not checked.
    #[must_use]
    pub fn accept_unknown_kinds(mut self, accept: bool) -> Self {
        self.unknown_kinds = accept;
        self
    }

    /// Looks at messages to agents by these.
    #[must_use]
    pub fn guarded(mut self, guards: Guards) -> Self {
        self.guards = guards;
        self
    }

    /// Refuses jobs while as many wait in their queue as this allows. Clones of this producer count together.
    #[must_use]
    pub fn max_waiting(mut self, limits: MaxWaiting) -> Self {
        self.room = (!limits.is_unlimited()).then(|| Arc::new(Room::new(limits)));
        self
    }

    /// Checks a job as far as it can be checked and resolves its options.
    ///
    /// A turn of a chat is refused: it is on record with its message, or nobody could answer it.
    pub fn admit(&self, job: NewJob) -> Result<Submission, Refused> {
        if job.kind == ChatTurn::KIND {
            let how = "`chat-turn` goes with its message: post it to /v1/chat, or use `flotilla chat`";
            return Err(Invalid::new("kind", how).into());
        }
        self.admit_kind(job)
    }

    fn admit_kind(&self, job: NewJob) -> Result<Submission, Refused> {
        job.validate()?;
        let defaults = match self.registry.check(&job) {
            Some(checked) => checked?,
            None if self.unknown_kinds => Options::default(),
            None => {
                return Err(Refused::UnknownKind { kind: job.kind, known: self.registry.kinds().collect() });
            }
        };
        Ok(Submission::new(job, defaults)?)
    }

    /// Puts admitted jobs on record: all of them, or none.
    pub async fn enqueue_all(&self, jobs: Vec<Submission>) -> Result<Vec<Accepted>, Error> {
        let Some(room) = &self.room else { return Ok(self.store.enqueue(jobs).await?) };
        let place = room.take(&*self.store, &jobs).await?;
        let answer = self.store.enqueue(jobs).await;
        place.settle(answer.as_deref().ok());
        Ok(answer?)
    }
}

impl Enqueue for Producer {
    type Error = Error;

    async fn submit(&self, jobs: Vec<NewJob>) -> Result<Vec<Accepted>, Error> {
        if jobs.len() > MAX_BATCH {
            return Err(Invalid::new("jobs", format!("are {}; at most {MAX_BATCH} at a time", jobs.len())).into());
        }
        let many = jobs.len() > 1;
        let admitted = jobs.into_iter().enumerate().map(|(i, job)| {
            self.admit(job).map_err(|refused| {
                let invalid = Invalid::from(refused);
                Error::from(if many { invalid.under(&format!("[{i}]")) } else { invalid })
            })
        });
        let admitted = admitted.collect::<Result<Vec<_>, _>>()?;
        self.enqueue_all(admitted).await
    }
}
