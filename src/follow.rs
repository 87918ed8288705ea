//! Follows one job in a store: its state, progress and output, as they change.

use flotilla_jobs::{JobEvent, JobId, StateChange};
use flotilla_workers::store::{Error, LiveEvent, NumberedEvent, Signal, Store};
use futures_util::{Stream, stream};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, sleep_until, timeout_at},
};

/// How often it looks where no wake-up comes: a job of another process on a SQLite file.
const POLL: Duration = Duration::from_millis(500);
/// How long it lets news gather: a look reads the whole job, so a chatty one must not cause one look a word.
const GATHER: Duration = Duration::from_millis(25);
/// Most events one look takes.
const BATCH: u32 = 500;

/// News of a job from after the event numbered `after`, beginning with its state. It ends after the terminal state, or
/// when the job is no longer on record; an outage of the store is waited out.
pub fn follow(store: Arc<dyn Store>, id: JobId, after: u64) -> impl Stream<Item = Result<JobEvent, Error>> + Send {
    let signals = store.signals();
    let follower = Follower {
        store,
        id,
        after,
        told: None,
        news: VecDeque::new(),
        signals,
        next_look: Instant::now(),
        more: true,
        ended: false,
    };
    stream::unfold(follower, |mut follower| async move { follower.next().await.map(|news| (news, follower)) })
}

struct Follower {
    store: Arc<dyn Store>,
    id: JobId,
    after: u64,
    /// The state told last.
    told: Option<StateChange>,
    news: VecDeque<JobEvent>,
    signals: Receiver<Signal>,
    /// Not before this.
    next_look: Instant,
    /// The last look left something unread.
    more: bool,
    ended: bool,
}

impl Follower {
    async fn next(&mut self) -> Option<Result<JobEvent, Error>> {
        loop {
            if let Some(news) = self.news.pop_front() {
                return Some(Ok(news));
            }
            if self.ended {
                return None;
            }
            if !self.more {
                self.wait().await;
            }
            match self.look().await {
                Ok(()) => {}
                Err(error) if error.is_transient() => {
                    tracing::debug!(job.id = %self.id, %error, "the store does not answer; following goes on");
                    self.more = false;
                }
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
    }

    async fn look(&mut self) -> Result<(), Error> {
        // The state first: what a job said before it ended is then all there when its end is seen.
        let Some(job) = self.store.get(self.id).await? else {
            self.ended = true;
            return Ok(());
        };
        let state = StateChange::from(&job);
        let terminal = state.state.is_terminal();
        let events = self.store.read(self.id, self.after, BATCH).await?;
        self.more = events.len() == BATCH as usize;
        if !terminal {
            self.tell_state(state.clone());
        }
        for event in events {
            self.after = event.seq;
            self.news.push_back(tell(event));
        }
        if terminal && !self.more {
            self.tell_state(state);
            self.ended = true;
        }
        self.next_look = Instant::now() + GATHER;
        Ok(())
    }

    fn tell_state(&mut self, state: StateChange) {
        if self.told.as_ref() != Some(&state) {
            self.news.push_back(JobEvent::State(state.clone()));
            self.told = Some(state);
        }
    }

    fn concerns(&self, signal: &Signal) -> bool {
        match signal {
            Signal::Changed(id) => *id == self.id,
            Signal::Resync => true,
            Signal::Work(_) | Signal::Cancel(_) | Signal::Returned => false,
        }
    }

    async fn wait(&mut self) {
        let deadline = Instant::now() + POLL;
        loop {
            match timeout_at(deadline, self.signals.recv()).await {
                Ok(Ok(signal)) if !self.concerns(&signal) => {}
                // No more wake-ups: the store is closing, and a poll is all that is left.
                Ok(Err(RecvError::Closed)) => return sleep_until(deadline).await,
                _ => return sleep_until(self.next_look).await,
            }
        }
    }
}

fn tell(event: NumberedEvent) -> JobEvent {
    let seq = event.seq;
    match event.event {
        LiveEvent::Progress(progress) => JobEvent::Progress { seq, progress },
        LiveEvent::Output { text } => JobEvent::Output { seq, text },
        LiveEvent::Text { step, attempt, text } => JobEvent::Text { seq, step, attempt, text },
        LiveEvent::Reset { step, attempt } => JobEvent::Reset { seq, step, attempt },
        LiveEvent::Cut => JobEvent::Cut { seq },
    }
}
