//! Says in a job's live output what its models say, gathered: a model says a word dozens of times a second, and each
//! piece of output is a row.

use crate::{agents::Said, context::Context};
use std::{
    convert::Infallible,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::sleep};

/// How long words are gathered after some were said. The first ones are said at once.
const GATHER: Duration = Duration::from_millis(500);

/// What was heard of one job's models and not said yet.
#[derive(Debug, Default)]
pub(crate) struct Aloud {
    words: Mutex<String>,
    heard: Notify,
}

impl Aloud {
    /// Hears a run; never waits.
    pub fn hear(&self, said: &Said) {
        match said {
            Said::Text { text, .. } => self.words().push_str(text),
            // What was said of it stays: whoever read it should know that it counts no more.
            Said::Again { .. } => self.words().push_str("\n(the call was cut off and begins anew)\n"),
            Said::Progress { .. } => return,
        }
        self.heard.notify_one();
    }

    /// Does the work and says meanwhile what is heard of it; all of that is said when this returns.
    pub async fn during<T>(&self, cx: &Context, work: impl Future<Output = T>) -> T {
        let done = tokio::select! {
            biased;
            done = work => done,
            never = self.say_always(cx) => match never {},
        };
        self.say(cx).await;
        done
    }

    async fn say_always(&self, cx: &Context) -> Infallible {
        loop {
            self.heard.notified().await;
            self.say(cx).await;
            sleep(GATHER).await;
        }
    }

    async fn say(&self, cx: &Context) {
        let words = std::mem::take(&mut *self.words());
        cx.output(&words).await;
    }

    fn words(&self) -> MutexGuard<'_, String> {
        self.words.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
