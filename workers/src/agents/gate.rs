//! The gate in front of a model call: it waits a little for its provider, and puts the job off rather than wait for long.
//!
//! A worker's slot is for jobs that can go on: one whose provider is busy for longer leaves it to those that need another
//! model, and keeps its place in the line meanwhile.

use super::model::{Class, ModelError, retry};
use crate::{
    admission::{Admission, Admitted, Ask, Permit, Told, Used, Why},
    journal::Error,
    metrics::AgentMetrics,
};
use flotilla_jobs::Usage;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

#[cfg(test)]
mod tests;

/// Longest wait in place; whoever would wait longer is put off.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// A store that is away is asked so often while patience lasts.
const TRIES: u32 = 10;

/// Lets calls of models through, as many as the fleet may make.
#[derive(Clone)]
pub struct Gate {
    admission: Arc<dyn Admission>,
    metrics: Arc<AgentMetrics>,
    patience: Duration,
}

/// What came of asking.
#[derive(Debug)]
pub enum Entry {
    /// Make the call, then say what it used.
    Go(Pass),
    /// Run the job again after so long (cause `throttle`: no attempt is spent), and ask as the same holder.
    Snooze(Duration, Why),
    /// It would never be let through: this limit of the model allows less than one such call needs.
    TooLarge {
        #[allow(missing_docs)]
        limit: &'static str,
        #[allow(missing_docs)]
        allowed: u64,
        #[allow(missing_docs)]
        needed: u64,
    },
    /// The caller wanted no more.
    Cancelled,
}

/// The right to make one call, to be ended with [`Pass::done`].
///
/// One that is dropped instead, because its job was, is left to its lease: until that ends it takes up a stream, and
/// what it might have used counts as used. Nothing may wait in a destructor, and a task that outlives its job would be
/// nobody's. The same holder that asks again has its stream back at once.
#[must_use = "a pass that is not done takes up a stream until its lease ends"]
pub struct Pass {
    admission: Arc<dyn Admission>,
    permit: Permit,
}

impl Gate {
    /// A gate before these limits.
    pub fn new(admission: Arc<dyn Admission>, metrics: Arc<AgentMetrics>) -> Self {
        Self { admission, metrics, patience: PATIENCE }
    }

    /// Asks until the call goes, at most [`PATIENCE`] long. `ask.holder` names this one call within the fleet.
    ///
    /// While the store is away it goes on asking for as long, and then fails as the store does.
    pub async fn enter(&self, ask: &Ask, stop: &CancellationToken) -> Result<Entry, Error> {
        let (start, mut reason, away) = (Instant::now(), None, self.patience / TRIES);
        loop {
            // Never cut short: a permit whose answer nobody hears would take up a stream.
            let wait = match self.admission.admit(ask).await {
                Ok(Admitted::Go(permit)) => {
                    self.metrics.waited(&ask.lane.provider, reason, start.elapsed());
                    return Ok(Entry::Go(Pass { admission: Arc::clone(&self.admission), permit }));
                }
                Ok(Admitted::TooLarge { limit, allowed, needed }) => {
                    return Ok(Entry::TooLarge { limit, allowed, needed });
                }
                Ok(Admitted::Wait { wait, why }) => {
                    if start.elapsed() + wait > self.patience {
                        self.metrics.waited(&ask.lane.provider, Some(why), start.elapsed() + wait);
                        return Ok(Entry::Snooze(wait, why));
                    }
                    reason = Some(why);
                    wait
                }
                Err(error) if error.is_transient() && start.elapsed() + away <= self.patience => away,
                Err(error) => return Err(error),
            };
            tokio::select! {
                () = sleep(wait) => {}
                () = stop.cancelled() => {
                    if let Err(error) = self.admission.leave(&ask.lane, &ask.holder).await {
                        tracing::debug!(%error, lane = %ask.lane, "a place in the line is left to lapse");
                    }
                    return Ok(Entry::Cancelled);
                }
            }
        }
    }
}

impl Pass {
    /// Ends the call. A store that cannot be told costs nothing but room: the permit ends with its lease.
    pub async fn done(self, used: Used) {
        let lane = self.permit.lane.clone();
        if let Err(error) = self.admission.release(self.permit, used).await {
            tracing::warn!(%error, %lane, "a model call's end was not told; its stream counts until its lease ends");
        }
    }

    /// What was let through.
    pub fn permit(&self) -> &Permit {
        &self.permit
    }
}

impl std::fmt::Debug for Pass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Pass").field(&self.permit).finish()
    }
}

/// What a call used that was answered.
pub fn used_by_answer(usage: Option<&Usage>, told: Told) -> Used {
    Used {
        input: usage.map(Usage::prompt),
        output: usage.map(|usage| usage.output),
        healthy: Some(true),
        told,
        ..Used::default()
    }
}

/// What a call used that failed, and what its failure says about its provider.
pub fn used_by_failure(error: &ModelError) -> Used {
    // Who never began to answer gave nothing; whether it read anything is known where it refused or was not reached.
    let (input, output) = match (&error.usage, error.begun, error.class) {
        (Some(usage), ..) => (Some(usage.prompt()), Some(usage.output)),
        (None, true, _) => (None, None),
        (None, false, Class::Cut | Class::Cancelled) => (None, Some(0)),
        (None, false, _) => (Some(0), Some(0)),
    };
    let healthy = match error.class {
        Class::Unreachable | Class::Overloaded | Class::Cut => Some(false),
        // It works, and refuses us or what we asked; or nobody waited for it.
        Class::RateLimited | Class::Exhausted | Class::Denied | Class::TooLong | Class::Invalid | Class::Cancelled => {
            None
        }
    };
    Used {
        input,
        output,
        healthy,
        sleep: retry::is_lane_asleep(error),
        open: retry::opens_breaker(error),
        told: *error.told,
    }
}
