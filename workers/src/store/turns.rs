//! What both records decide alike about sessions: what becomes of a message, who may begin a turn, what it takes up,
//! and where its answer goes. A record reads what it has under a lock on the session, asks here, and writes it down.

#[cfg(test)]
mod tests;

use super::{Error, keys::keys_of};
use crate::sessions::{Busy, MAX_ENTRIES, MAX_TITLE, MAX_WAITING, NewSession, Post, SessionChange, check_content};
use flotilla_jobs::{Invalid, JobId, check_key, check_name};

/// How often a message is looked for: where it was not, and its session is not archived, it came back in between.
pub(crate) const LOOKS: usize = 2;

/// A session, while it is locked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    pub(crate) busy: Busy,
    /// The highest number given to an entry.
    pub(crate) last: u64,
    pub(crate) head: Option<u64>,
    /// The job whose turn it is, if it is unfinished.
    pub(crate) turn: Option<JobId>,
    /// The queue of that job.
    pub(crate) queue: Option<String>,
    /// The entry that turn goes on from.
    pub(crate) leaf: Option<u64>,
    /// Messages that no turn has taken up and whose jobs are unfinished, in order.
    pub(crate) waiting: Vec<Waiting>,
}

/// A message that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Waiting {
    pub(crate) entry: u64,
    pub(crate) job: JobId,
}

/// The place that an entry gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) entry: u64,
    pub(crate) parent: Option<u64>,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reception {
    /// It waits, as this entry.
    Waits {
        entry: u64,
        interrupts: Option<JobId>,
    },
    Busy(JobId),
    Full,
}

/// The message that was posted with a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Own {
    pub(crate) entry: u64,
    /// `None` while it waits; otherwise the job that took it up.
    pub(crate) taken_by: Option<JobId>,
    /// The newest entry of that job's turn.
    pub(crate) leaf: u64,
}

/// Whether a job's turn begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// It does, or goes on; these messages get their places.
    Begins(Vec<Place>),
    /// It joins the turn of a job that runs later; these messages get their places there.
    Joins(JobId, Vec<Place>),
    Joined(JobId),
    Wait(JobId),
}

impl Seen {
    /// A message arrives with its job.
    pub(crate) fn receive(&mut self, job: JobId) -> Reception {
        let unfinished = self.turn.or(self.waiting.first().map(|waiting| waiting.job));
        if let (Busy::Reject, Some(unfinished)) = (self.busy, unfinished) {
            return Reception::Busy(unfinished);
        }
        if self.waiting.len() >= MAX_WAITING || self.last >= MAX_ENTRIES {
            return Reception::Full;
        }
        self.last += 1;
        self.waiting.push(Waiting { entry: self.last, job });
        let interrupts = self.turn.filter(|_| self.busy == Busy::Interrupt);
        Reception::Waits { entry: self.last, interrupts }
    }

    /// A job of a queue asks for its turn.
    ///
    /// It holds the slot of the session's group in its queue. So another job of that queue whose turn is not over does
    /// not run: it was paused, and waits for the slot, or for someone to resume it. To wait for it would keep it waiting.
    pub(crate) fn begin(&mut self, job: JobId, queue: &str, own: Own) -> Beginning {
        let may_run = self.queue.as_deref() != Some(queue);
        match (own.taken_by, self.turn) {
            (Some(other), _) if other != job => Beginning::Joined(other),
            (_, Some(other)) if other != job && may_run => Beginning::Wait(other),
            (None, Some(other)) if other != job => Beginning::Joins(other, self.take_up_with(own)),
            // It ran before, and it is still its turn.
            (Some(_), Some(same)) if same == job => Beginning::Begins(Vec::new()),
            // It had its turn, and got another one; what was said meanwhile stays where it is.
            (Some(_), _) => {
                (self.turn, self.leaf) = (Some(job), Some(own.leaf));
                Beginning::Begins(Vec::new())
            }
            (None, _) => {
                (self.turn, self.leaf) = (Some(job), self.head);
                Beginning::Begins(self.take_up_with(own))
            }
        }
    }

    /// The turn that runs takes up what waits, if the session steers.
    pub(crate) fn hear(&mut self) -> Vec<Place> {
        let steers = self.busy == Busy::Steer;
        self.take_up(|_| steers)
    }

    /// A turn leaves this many entries; answers their places. None where it is not its turn.
    pub(crate) fn leave(&mut self, job: JobId, entries: usize) -> Vec<Place> {
        if self.turn != Some(job) {
            return Vec::new();
        }
        let room = usize::try_from(MAX_ENTRIES.saturating_sub(self.last)).unwrap_or(usize::MAX);
        (0..entries.min(room)).map(|_| self.follow(self.last + 1)).collect()
    }

    /// Takes up a job's own message, and all that wait where the session says so.
    fn take_up_with(&mut self, own: Own) -> Vec<Place> {
        let joins = self.busy.joins();
        self.take_up(|waiting| joins || waiting.entry == own.entry)
    }

    fn take_up(&mut self, which: impl Fn(&Waiting) -> bool) -> Vec<Place> {
        let (taken, left) = std::mem::take(&mut self.waiting).into_iter().partition::<Vec<_>, _>(|w| which(w));
        self.waiting = left;
        taken.into_iter().map(|waiting| self.follow(waiting.entry)).collect()
    }

    /// An entry follows the leaf of the turn, and becomes the session's head where that leaf was it.
    fn follow(&mut self, entry: u64) -> Place {
        let place = Place { entry, parent: self.leaf };
        if self.head == self.leaf {
            self.head = Some(entry);
        }
        self.leaf = Some(entry);
        self.last = self.last.max(entry);
        place
    }
}

/// Refuses sessions that make no sense.
pub(crate) fn check_new(new: &NewSession) -> Result<(), Error> {
    check_name("tenant", &new.tenant)?;
    new.title.as_deref().map_or(Ok(()), check_title)
}

/// Refuses changes that make no sense.
pub(crate) fn check_change(change: &SessionChange) -> Result<(), Error> {
    change.title.as_deref().map_or(Ok(()), check_title)
}

fn check_title(title: &str) -> Result<(), Error> {
    if title.len() > MAX_TITLE {
        let long = format!("is {} bytes long; use at most {MAX_TITLE}", title.len());
        return Err(Invalid::new("title", long).into());
    }
    if title.chars().any(char::is_control) {
        return Err(Invalid::new("title", "holds a control character; use printable text").into());
    }
    Ok(())
}

/// Refuses messages that make no sense. Nothing of the batch is on record then.
pub(crate) fn check_posts(posts: &[Post]) -> Result<(), Error> {
    for post in posts {
        check_key("client_id", &post.client_id)?;
        check_content("content", &post.content)?;
        if keys_of(&post.job).next().is_some() {
            return Err(Invalid::new("job", "has a unique or idempotency key; a message has its client id").into());
        }
        if post.job.spec.run_at.is_some() {
            return Err(Invalid::new("job", "has a `run_at`; a message is answered in its turn").into());
        }
    }
    Ok(())
}
