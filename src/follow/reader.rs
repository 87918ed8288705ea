//! The one task of a process that asks the store for news of jobs that are followed, and hands them round.
//!
//! Wake-ups say which jobs changed. They gather for a moment; then one query reads what those jobs said, and another the
//! states of those that may have another one. A wake-up does not say which of the two it is for, so a job's state is asked for
//! when it said nothing new, and not each time it says a word.

use super::tell;
use flotilla_jobs::{JobEvent, JobId, JobState, StateChange};
use flotilla_workers::store::{Error, NumberedEvent, Signal, Store};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{
        Notify,
        broadcast::{
            Receiver, Sender,
            error::{RecvError, TryRecvError},
        },
    },
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// How long wake-ups gather: a chatty job must not cause a query a word.
pub(super) const GATHER: Duration = Duration::from_millis(25);
/// How often a job is looked at for which no wake-up comes. With many jobs less often: see [`poll_every`].
const POLL: Duration = Duration::from_millis(500);
/// Where nothing is watched.
const IDLE: Duration = Duration::from_hours(1);
/// So much rarer for each job that is watched, so that polls alone are at most 500 rows a second.
const POLL_EACH: Duration = Duration::from_millis(2);
/// A job that says nothing for so long is asked for its state, if that may have changed.
const QUIET: Duration = Duration::from_millis(100);
/// No state that may have changed is older, however much its job says.
const STATE_AGE: Duration = Duration::from_secs(1);
/// Most jobs of one query.
const JOBS: usize = 500;
/// Most events of one job in one query.
const EVENTS: u32 = 100;
/// What a job said at once and is longer than this is not handed round: each follower reads it by itself.
const MAX_BYTES: usize = 256 * 1024;
/// Most pieces of news that wait for a follower; one that is later reads from the store.
const LATE: usize = 16;
/// After a store that did not answer, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// What is new about a job.
pub(super) struct News {
    pub(super) events: Vec<JobEvent>,
    /// The number of the last event on record.
    pub(super) upto: u64,
    pub(super) state: Option<StateChange>,
    /// It is not on record any more.
    pub(super) gone: bool,
}

/// The jobs that are followed.
#[derive(Default)]
pub(super) struct Watched {
    jobs: Mutex<Jobs>,
    joined: Notify,
}

#[derive(Default)]
struct Jobs {
    by_id: HashMap<JobId, Watch>,
    closed: bool,
}

struct Watch {
    /// The last event that was read.
    upto: u64,
    state: Option<StateChange>,
    to: Sender<Arc<News>>,
    /// There may be more events.
    changed: bool,
    /// The state may be another one.
    stale: bool,
    /// Somebody joined, who has to hear where it stands.
    joined: bool,
    looked_at: Instant,
    said_at: Option<Instant>,
    state_at: Option<Instant>,
}

/// A job to look at.
struct Look {
    id: JobId,
    upto: u64,
    stale: bool,
    /// Its state is asked for even where it said something.
    ask_state: bool,
}

impl Watched {
    /// What is new about a job from now on, for somebody who has read up to this event; at first, where it stands.
    pub(super) fn watch(&self, id: JobId, upto: u64) -> Receiver<Arc<News>> {
        let mut jobs = self.lock();
        if jobs.closed {
            return Sender::new(1).subscribe();
        }
        let watch = jobs.by_id.entry(id).or_insert_with(|| Watch::new(upto));
        (watch.changed, watch.stale, watch.joined) = (true, true, true);
        let news = watch.to.subscribe();
        drop(jobs);
        self.joined.notify_one();
        news
    }

    /// Whether nothing is read any more.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        let mut jobs = self.lock();
        jobs.closed = true;
        jobs.by_id.clear();
    }

    /// Takes note of a wake-up; answers whether it is about anything that is watched.
    fn note(&self, signal: &Signal) -> bool {
        let mut jobs = self.lock();
        let changed: Vec<&mut Watch> = match signal {
            Signal::Changed(id) => jobs.by_id.get_mut(id).into_iter().collect(),
            Signal::Resync => jobs.by_id.values_mut().collect(),
            Signal::Work(_) | Signal::Cancel(_) | Signal::Returned => Vec::new(),
        };
        let any = !changed.is_empty();
        for watch in changed {
            (watch.changed, watch.stale) = (true, true);
        }
        any
    }

    /// The jobs to look at now, or when there will be one.
    fn due(&self, now: Instant) -> (Vec<Look>, Instant) {
        let mut jobs = self.lock();
        jobs.by_id.retain(|_, watch| watch.to.receiver_count() > 0);
        let poll = poll_every(jobs.by_id.len());
        let (mut due, mut next) = (Vec::new(), now + IDLE);
        for (id, watch) in &mut jobs.by_id {
            let at = watch.due(poll);
            if at > now {
                next = next.min(at);
                continue;
            }
            watch.stale |= at == watch.looked_at + poll;
            watch.looked_at = now;
            watch.changed = false;
            let told = watch.state.as_ref().map(|state| state.state);
            let ask_state = watch.stale
                && (told != Some(JobState::Running)
                    || watch.joined
                    || watch.state_at.is_none_or(|at| now >= at + STATE_AGE));
            due.push(Look { id: *id, upto: watch.upto, stale: watch.stale, ask_state });
        }
        (due, next)
    }

    /// What was not read is to be read again.
    fn again(&self, looks: &[Look]) {
        let mut jobs = self.lock();
        for look in looks {
            if let Some(watch) = jobs.by_id.get_mut(&look.id) {
                watch.changed = true;
            }
        }
    }

    #[allow(clippy::option_option, reason = "not asked for, not on record, found")]
    /// Hands round what was found about a job. `state` is `None` where it was not asked for.
    fn tell(&self, id: JobId, events: Vec<NumberedEvent>, state: Option<Option<StateChange>>) {
        let mut jobs = self.lock();
        let Some(watch) = jobs.by_id.get_mut(&id) else { return };
        let news = watch.news(events, state);
        let over = news.gone || news.state.as_ref().is_some_and(|state| state.state.is_terminal());
        if over || watch.joined || news.state.is_some() || !news.events.is_empty() || news.upto > watch.upto {
            watch.upto = news.upto;
            watch.joined &= news.state.is_none();
            // Nobody listens any more: then nobody needs to know.
            let _ = watch.to.send(Arc::new(news));
        }
        if over {
            // Whoever comes now finds its end on record.
            jobs.by_id.remove(&id);
        }
    }
}

impl Watch {
    fn new(upto: u64) -> Self {
        Self {
            upto,
            state: None,
            to: Sender::new(LATE),
            changed: true,
            stale: true,
            joined: true,
            looked_at: Instant::now(),
            said_at: None,
            state_at: None,
        }
    }

    /// When it is to be looked at.
    fn due(&self, poll: Duration) -> Instant {
        let polled = self.looked_at + poll;
        if self.changed {
            self.looked_at
        } else if self.stale {
            self.said_at.map_or(self.looked_at, |at| at + QUIET).min(polled)
        } else {
            polled
        }
    }

    #[allow(clippy::option_option, reason = "not asked for, not on record, found")]
    fn news(&mut self, events: Vec<NumberedEvent>, state: Option<Option<StateChange>>) -> News {
        let now = Instant::now();
        let upto = events.last().map_or(self.upto, |event| event.seq);
        if !events.is_empty() {
            self.said_at = Some(now);
            self.changed |= events.len() == EVENTS as usize;
        }
        let mut told = None;
        let gone = matches!(state, Some(None));
        if let Some(Some(state)) = state {
            self.state_at = Some(now);
            self.stale = false;
            if self.joined || self.state.as_ref() != Some(&state) {
                self.state = Some(state.clone());
                told = Some(state);
            }
        }
        let events: Vec<JobEvent> = events.into_iter().map(tell).collect();
        let bytes: usize = events.iter().map(size).sum();
        News { events: if bytes > MAX_BYTES { Vec::new() } else { events }, upto, state: told, gone }
    }
}

fn size(event: &JobEvent) -> usize {
    match event {
        JobEvent::Output { text, .. } | JobEvent::Text { text, .. } => text.len(),
        JobEvent::Progress { progress, .. } => progress.message.len(),
        JobEvent::State(_) | JobEvent::Reset { .. } | JobEvent::Cut { .. } => 0,
    }
}

/// How often a job is polled while so many are watched.
fn poll_every(watched: usize) -> Duration {
    POLL.max(POLL_EACH * u32::try_from(watched).unwrap_or(u32::MAX))
}

/// Reads until told to stop.
pub(super) async fn run(store: Arc<dyn Store>, watched: Arc<Watched>, stop: CancellationToken) {
    stop.run_until_cancelled(read_always(&*store, &watched)).await;
    watched.close();
}

async fn read_always(store: &dyn Store, watched: &Watched) {
    let mut signals = store.signals();
    let mut pause = PAUSE.0;
    loop {
        while let Some(signal) = waiting(&mut signals) {
            watched.note(&signal);
        }
        let now = Instant::now();
        let (due, next) = watched.due(now);
        if due.is_empty() {
            tokio::select! {
                () = hear(&mut signals, watched) => {}
                () = watched.joined.notified() => {}
                () = sleep_until(next) => {}
            }
            continue;
        }
        match look(store, watched, &due).await {
            Ok(()) => {
                pause = PAUSE.0;
                sleep_until(now + GATHER).await;
            }
            Err(error) => {
                if !error.is_transient() {
                    tracing::error!(%error, jobs = due.len(), "news of jobs cannot be read");
                }
                watched.again(&due);
                sleep(pause).await;
                pause = PAUSE.1.min(pause * 2);
            }
        }
    }
}

/// A wake-up that came already.
fn waiting(signals: &mut Receiver<Signal>) -> Option<Signal> {
    match signals.try_recv() {
        Ok(signal) => Some(signal),
        Err(TryRecvError::Lagged(_)) => Some(Signal::Resync),
        Err(TryRecvError::Empty | TryRecvError::Closed) => None,
    }
}

/// Returns after a wake-up about something that is watched. Where none will come any more the store is closing, and polls are
/// all that is left.
async fn hear(signals: &mut Receiver<Signal>, watched: &Watched) {
    loop {
        let signal = match signals.recv().await {
            Ok(signal) => signal,
            Err(RecvError::Lagged(_)) => Signal::Resync,
            Err(RecvError::Closed) => std::future::pending().await,
        };
        if watched.note(&signal) {
            return;
        }
    }
}

async fn look(store: &dyn Store, watched: &Watched, due: &[Look]) -> Result<(), Error> {
    for looks in due.chunks(JOBS) {
        let asks: Vec<(JobId, u64)> = looks.iter().map(|look| (look.id, look.upto)).collect();
        let found = store.read_many(&asks, EVENTS).await?;
        let ask = |(look, events): (&Look, &Vec<NumberedEvent>)| {
            (look.ask_state || look.stale && events.is_empty()).then_some(look.id)
        };
        let asked: Vec<JobId> = looks.iter().zip(&found).filter_map(ask).collect();
        let states = if asked.is_empty() { Vec::new() } else { store.states(&asked).await? };
        let mut states: HashMap<JobId, Option<StateChange>> = asked.into_iter().zip(states).collect();
        for (look, events) in looks.iter().zip(found) {
            watched.tell(look.id, events, states.remove(&look.id));
        }
    }
    Ok(())
}
