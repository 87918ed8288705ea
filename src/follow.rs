//! Follows jobs in a store: their state, progress and output, as they change.
//!
//! However many follow, one task of the process ([`reader`]) asks the store what changed, for all of them in one query, and
//! hands it round. A follower that is late, or comes late, reads what it missed from the store itself.

mod reader;
#[cfg(test)]
mod tests;

use flotilla_jobs::{JobEvent, JobId, StateChange};
use flotilla_workers::store::{Error, LiveEvent, NumberedEvent, Store};
use futures_util::{Stream, stream};
use reader::{News, Watched};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    task::JoinHandle,
    time::sleep,
};
use tokio_util::sync::CancellationToken;

/// Before a store that did not answer is asked again.
const AGAIN: Duration = Duration::from_millis(500);
/// Most events that a follower reads at once, and holds.
const PAGE: u32 = 100;

/// All who follow jobs in this process, and the task that reads for them.
pub struct Followers {
    store: Arc<dyn Store>,
    watched: Arc<Watched>,
    stop: CancellationToken,
    reader: Mutex<Option<JoinHandle<()>>>,
}

impl Followers {
    /// Starts to read, for nobody yet.
    pub fn start(store: Arc<dyn Store>) -> Arc<Self> {
        let (watched, stop) = (Arc::new(Watched::default()), CancellationToken::new());
        let task = tokio::spawn(reader::run(Arc::clone(&store), Arc::clone(&watched), stop.clone()));
        Arc::new(Self { store, watched, stop, reader: Mutex::new(Some(task)) })
    }

    /// News of a job from after the event numbered `after`, beginning with its state. It ends after the terminal state, when
    /// the job is no longer on record, or when this is closed; an outage of the store is waited out.
    pub fn follow(
        &self,
        id: JobId,
        after: u64,
    ) -> impl Stream<Item = Result<JobEvent, Error>> + Send + 'static + use<> {
        let follower = Follower {
            store: Arc::clone(&self.store),
            watched: Arc::clone(&self.watched),
            id,
            after,
            told: None,
            news: VecDeque::new(),
            live: None,
            stage: Stage::New,
        };
        stream::unfold(follower, |mut follower| async move { follower.next().await.map(|news| (news, follower)) })
    }

    /// Ends the reading, and with it what is followed.
    pub async fn close(&self) {
        self.stop.cancel();
        let task = self.reader.lock().ok().and_then(|mut task| task.take());
        if let Some(Err(error)) = futures_util::future::OptionFuture::from(task).await {
            tracing::error!(%error, "what reads for followers of jobs broke down");
        }
    }
}

impl Drop for Followers {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Where a follower is.
enum Stage {
    /// It knows nothing.
    New,
    /// There is more on record than it has read. With a state that is the job's last, which is told after it.
    Behind(Option<StateChange>),
    /// It waits for what the reader finds.
    Live,
    Ended,
}

struct Follower {
    store: Arc<dyn Store>,
    watched: Arc<Watched>,
    id: JobId,
    after: u64,
    /// The state told last.
    told: Option<StateChange>,
    news: VecDeque<JobEvent>,
    live: Option<Receiver<Arc<News>>>,
    stage: Stage,
}

impl Follower {
    async fn next(&mut self) -> Option<Result<JobEvent, Error>> {
        loop {
            if let Some(news) = self.news.pop_front() {
                return Some(Ok(news));
            }
            let went = match self.stage {
                Stage::Ended => return None,
                Stage::New => self.begin().await,
                Stage::Behind(_) => self.catch_up().await,
                Stage::Live => {
                    self.hear().await;
                    Ok(())
                }
            };
            match went {
                Ok(()) => {}
                Err(_) if self.watched.is_closed() => self.stage = Stage::Ended,
                Err(error) if error.is_transient() => {
                    tracing::debug!(job.id = %self.id, %error, "the store does not answer; following goes on");
                    sleep(AGAIN).await;
                }
                Err(error) => {
                    self.stage = Stage::Ended;
                    return Some(Err(error));
                }
            }
        }
    }

    async fn begin(&mut self) -> Result<(), Error> {
        let state = self.store.states(&[self.id]).await?.pop().flatten();
        match state {
            None => self.stage = Stage::Ended,
            Some(state) => self.is_at(state),
        }
        if matches!(self.stage, Stage::New) {
            self.stage = Stage::Behind(None);
        }
        Ok(())
    }

    /// Takes note of a state. What a job said before it ended is told before its end.
    fn is_at(&mut self, state: StateChange) {
        if state.state.is_terminal() {
            self.stage = Stage::Behind(Some(state));
        } else {
            self.tell_state(state);
        }
    }

    fn tell_state(&mut self, state: StateChange) {
        if self.told.as_ref() != Some(&state) {
            self.news.push_back(JobEvent::State(state.clone()));
            self.told = Some(state);
        }
    }

    async fn catch_up(&mut self) -> Result<(), Error> {
        let page = self.store.read(self.id, self.after, PAGE).await?;
        let more = page.len() == PAGE as usize;
        for event in page {
            self.after = event.seq;
            self.news.push_back(tell(event));
        }
        if more {
            return Ok(());
        }
        if let Stage::Behind(Some(state)) = std::mem::replace(&mut self.stage, Stage::Live) {
            self.tell_state(state);
            self.stage = Stage::Ended;
        }
        Ok(())
    }

    async fn hear(&mut self) {
        let live = self.live.get_or_insert_with(|| self.watched.watch(self.id, self.after));
        match live.recv().await {
            Ok(news) => self.take(&news),
            // What it missed is on record.
            Err(RecvError::Lagged(_)) => self.stage = Stage::Behind(None),
            Err(RecvError::Closed) if self.watched.is_closed() => self.stage = Stage::Ended,
            Err(RecvError::Closed) => (self.live, self.stage) = (None, Stage::New),
        }
    }

    fn take(&mut self, news: &News) {
        if news.gone {
            self.stage = Stage::Ended;
            return;
        }
        let is_last = news.state.as_ref().is_some_and(|state| state.state.is_terminal());
        if let Some(state) = news.state.clone().filter(|_| !is_last) {
            self.tell_state(state);
        }
        for event in &news.events {
            match event.seq().map(|seq| seq.cmp(&(self.after + 1))) {
                Some(std::cmp::Ordering::Less) => {}
                Some(std::cmp::Ordering::Equal) => {
                    self.after += 1;
                    self.news.push_back(event.clone());
                }
                _ => break,
            }
        }
        if is_last {
            self.stage = Stage::Behind(news.state.clone());
        } else if news.upto > self.after {
            self.stage = Stage::Behind(None);
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
