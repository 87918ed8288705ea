//! Says in a job's live output what its models say, gathered: a model says a word dozens of times a second, and each
//! piece of output is a row.
//!
//! First words are said at once. Then words are gathered, for longer the more jobs of the process speak, and the more a
//! job has said already: readers see a steady stream, and the store a bounded number of rows. What a slow store cannot
//! take yet is gathered too; the model is never held up.

mod lines;

use crate::{agents::Said, context::Context, store::LiveEvent};
use lines::{Lines, Piece};
use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, sleep_until},
};

/// How long words are gathered after some were said, where few jobs speak.
const LEAST: Duration = Duration::from_millis(40);
/// The same where [`MANY`] do, or more.
const MOST: Duration = Duration::from_millis(500);
/// As many as a worker is expected to carry.
const MANY: u32 = 1_000;
/// After so many events of one job its words are gathered for as long again, and so on, so that an answer of any length
/// has room in its job's live output.
const EVENTS: u32 = 1_000;
/// How often what was said so far is kept at most.
const KEEP: Duration = Duration::from_millis(500);

/// All jobs of a process that speak. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choir(Arc<AtomicUsize>);

/// What was heard of one job's models and not said yet.
#[derive(Debug)]
pub(crate) struct Aloud {
    choir: Choir,
    lines: Mutex<Lines>,
    heard: Notify,
}

impl Choir {
    /// One more job speaks, until the answer of this is dropped.
    pub fn join(&self) -> Aloud {
        self.0.fetch_add(1, Ordering::Relaxed);
        Aloud { choir: self.clone(), lines: Mutex::default(), heard: Notify::new() }
    }

    /// How long to gather for a job that has said so many events.
    fn gather(&self, events: u32) -> Duration {
        let speak = u32::try_from(self.0.load(Ordering::Relaxed)).unwrap_or(MANY).min(MANY);
        (LEAST + MOST.saturating_sub(LEAST) * speak / MANY) * (1 + events / EVENTS)
    }
}

impl Drop for Aloud {
    fn drop(&mut self) {
        self.choir.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Aloud {
    /// The same, which only remembers what it hears.
    #[must_use]
    pub fn muted(self, muted: bool) -> Self {
        self.lines().mute(muted);
        self
    }

    /// Hears a run; never waits.
    pub fn hear(&self, said: &Said) {
        match said {
            Said::Text { step, attempt, text, .. } => self.lines().hear(*step, *attempt, text),
            Said::Again { step, attempt, .. } => self.lines().again(*step, *attempt),
            Said::Progress { .. } => return,
        }
        self.heard.notify_one();
    }

    /// What a step said is on record, in these words: what was not heard of it, or was heard otherwise, is said now.
    pub fn noted(&self, step: u32, text: &str) {
        self.lines().noted(step, text);
        self.heard.notify_one();
    }

    /// An earlier run of the job said this.
    pub fn recall(&self, past: impl IntoIterator<Item = LiveEvent>) {
        let mut lines = self.lines();
        past.into_iter().for_each(|event| lines.recall(event));
    }

    /// What was heard of a step that is not on record yet.
    pub fn unfinished(&self) -> String {
        self.lines().unfinished()
    }

    /// Does the work and says meanwhile what is heard of it; all of that is said when this returns. `keep` is called from
    /// time to time when something was heard.
    pub async fn during<T>(&self, cx: &Context, keep: &(dyn Fn() + Sync), work: impl Future<Output = T>) -> T {
        let done = tokio::select! {
            biased;
            done = work => done,
            never = self.say_always(cx, keep) => match never {},
        };
        self.say(cx).await;
        done
    }

    async fn say_always(&self, cx: &Context, keep: &(dyn Fn() + Sync)) -> Infallible {
        let (mut events, mut kept, mut is_news) = (0, Instant::now(), false);
        loop {
            tokio::select! {
                () = self.heard.notified() => {
                    events += self.say(cx).await;
                    is_news = true;
                }
                // Also what was said last, before a silence.
                () = sleep_until(kept + KEEP), if is_news => {}
            }
            if is_news && kept.elapsed() >= KEEP {
                keep();
                (kept, is_news) = (Instant::now(), false);
            }
            sleep(self.choir.gather(events)).await;
        }
    }

    /// Says what is waiting; answers how many events that were. Dropped in the middle, it says the rest the next time.
    async fn say(&self, cx: &Context) -> u32 {
        let mut events = 0;
        loop {
            let Some(piece) = self.lines().next() else { return events };
            match piece {
                Piece::Text { step, attempt, text } => cx.text(step, attempt, &text).await,
                Piece::Reset { step, attempt } => cx.reset(step, attempt).await,
                Piece::Cut => cx.cut().await,
            }
            self.lines().said();
            events += 1;
        }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_speak_the_longer_words_are_gathered() {
        let choir = Choir::default();
        let one = choir.join();
        assert!(choir.gather(0) < Duration::from_millis(45));
        let many: Vec<_> = (0..1_999).map(|_| choir.join()).collect();
        assert_eq!(choir.gather(0), MOST);
        drop(many);
        assert!(choir.gather(0) < Duration::from_millis(45));
        // Ten minutes of one answer leave room for the rest of the job's output.
        let (mut events, mut time) = (0, Duration::ZERO);
        while time < Duration::from_mins(10) {
            time += choir.gather(events);
            events += 1;
        }
        assert!(u64::from(events) < crate::store::MAX_OUTPUT_EVENTS / 2, "{events}");
        drop(one);
        assert_eq!(choir.0.load(Ordering::Relaxed), 0);
    }
}
