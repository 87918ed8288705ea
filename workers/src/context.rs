//! What a handler knows about the job it runs, and how it talks to the outside meanwhile.

use crate::{
    sessions::Left,
    store::{Lease, LiveEvent},
    voice::Voice,
};
use flotilla_jobs::{Attempts, Invalid, JobId, Progress};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Handed to every handler. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Context {
    pub(crate) lease: Lease,
    pub(crate) kind: String,
    pub(crate) tenant: String,
    pub(crate) cancelled: CancellationToken,
    pub(crate) stopping: CancellationToken,
    pub(crate) resumed: Option<Arc<Progress>>,
    pub(crate) voice: Voice,
    pub(crate) left: LeftSlot,
}

/// What a run leaves in its session, if it ends now. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct LeftSlot(Arc<(Mutex<Option<Left>>, Notify)>);

impl LeftSlot {
    pub(crate) fn set(&self, left: Option<Left>) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = left;
        self.0.1.notify_one();
    }

    /// What it leaves now, once that has changed. For one who waits.
    pub(crate) async fn changed(&self) -> Option<Left> {
        self.0.1.notified().await;
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn take(&self) -> Option<Left> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Context {
    /// Largest piece of output kept whole, in bytes; a longer one is split.
    pub const MAX_OUTPUT_BYTES: usize = 64 * 1024;

    /// The job's id.
    pub fn id(&self) -> JobId {
        self.lease.job()
    }

    /// The right to run it: what seams ask for that change something on the job's behalf.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// The job's kind.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Whose job it is.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// Earlier runs of this job, by cause.
    pub fn attempts(&self) -> Attempts {
        self.lease.attempts
    }

    /// How far an earlier run said it was: the last [`Context::progress`] on record, for a handler that can go on from
    /// there. What is said before a run ends is on record before the next one starts. `None` in a first run, and where
    /// nothing was said or the record does not answer: a handler must be able to start from the beginning.
    pub fn resumed(&self) -> Option<&Progress> {
        self.resumed.as_deref()
    }

    /// Cancelled when the job must end now: someone asked, its time is up, its worker ends, or its lease is lost. The
    /// engine drops the handler shortly after, and knows which it was: a handler need not.
    pub fn cancelled(&self) -> &CancellationToken {
        &self.cancelled
    }

    /// Cancelled when the worker shuts down and its time to drain is over: a long handler should save what it has and
    /// return at its next safe point, within seconds. An error, or `Snooze` for no time, then hands the job over to
    /// another worker without spending an attempt.
    pub fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Says how far the job is. Never waits: where the outside is slow, old news is dropped; the last word is kept.
    pub fn progress(&self, done: u64, total: Option<u64>, message: impl Into<String>) {
        let event = LiveEvent::Progress(Progress { done, total, message: message.into() });
        self.voice.try_say(&self.lease, event);
    }

    /// Appends to the job's live output; waits while the buffer is full.
    pub async fn output(&self, text: &str) {
        self.say(text, |text| LiveEvent::Output { text }).await;
    }

    /// Appends what a model says in a try at a step; waits as [`Context::output`] does.
    pub async fn text(&self, step: u32, attempt: u32, text: &str) {
        self.say(text, |text| LiveEvent::Text { step, attempt, text }).await;
    }

    /// Says that a new try begins at a step: what was said of it, and of steps after it, is void. Whoever follows
    /// drops it.
    pub async fn reset(&self, step: u32, attempt: u32) {
        self.voice.say(&self.lease, LiveEvent::Reset { step, attempt }).await;
    }

    /// Says that what follows is not said: only the record has it.
    pub async fn cut(&self) {
        self.voice.say(&self.lease, LiveEvent::Cut).await;
    }

    async fn say(&self, text: &str, event: impl Fn(String) -> LiveEvent) {
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at(rest.floor_char_boundary(Self::MAX_OUTPUT_BYTES.min(rest.len())));
            if !self.voice.say(&self.lease, event(piece.to_owned())).await {
                return;
            }
            rest = tail;
        }
    }

    /// Says what the job leaves in its session if it ends now, in place of what was said before. It goes on record in
    /// one transaction with a final result, also with one that says cancelled or failed: a handler that streams says
    /// from time to time what it has so far, marked as partial, and at its end the whole answer. Where the job runs
    /// again nothing of it stays.
    pub fn leave(&self, left: Left) -> Result<(), Invalid> {
        left.check()?;
        self.left.set(Some(left));
        Ok(())
    }
}
