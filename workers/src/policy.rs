//! From how a run went to what is recorded: all the policy of a run's end, as one pure function.

use flotilla_jobs::{Attempts, Backoff, Fault, Outcome};
use rand::Rng;
use serde_json::value::RawValue;
use std::time::Duration;

use crate::store::End;

#[cfg(test)]
mod tests;

/// Longest wait before a job runs again, whatever its handler or a provider asked for: 366 days.
pub(crate) const MAX_WAIT: Duration = Duration::from_hours(366 * 24);

/// How a handler came to its end.
#[derive(Debug)]
pub(crate) enum Ran {
    /// It returned.
    Returned(Outcome<Box<RawValue>>),
    /// It panicked, saying this.
    Panicked(String),
    /// It did not return in time and was dropped, or it was never started.
    Dropped,
    /// It took the process that ran it alone down with it, so.
    Died(String),
}

/// Why a run had to end before its handler wanted to; where there are several reasons the last here counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    /// The worker shuts down and its time to drain is over: the handler may still return by itself.
    Stopping = 1,
    /// The worker ends now.
    Shutdown = 2,
    /// The whole-job timeout.
    TimedOut = 3,
    /// Someone asked for the job to be cancelled.
    Asked = 4,
    /// Someone else may run the job by now.
    Lost = 5,
}

/// What a job's own options say about the end of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub attempts: Attempts,
    pub max_attempts: u32,
    pub backoff: Backoff,
    pub timeout_ms: u64,
}

/// What to record about a run; `None` where its lease is lost, since then it is not ours to say.
///
/// A finished result is kept whatever else happened: it may have cost money. A run that was cut short by the worker
/// spends no attempt.
pub(crate) fn end(ran: Ran, why: Option<Why>, rules: &Rules, rng: &mut impl Rng) -> Option<End> {
    let end = match (why, ran) {
        (Some(Why::Lost), _) => return None,
        (_, Ran::Returned(Outcome::Done(output))) => End::Completed(output),

        (Some(Why::TimedOut), _) => rules.failed(timeout(rules.timeout_ms), None, rng),

        (_, Ran::Returned(Outcome::Fail(fault))) => End::Failed(storable(fault)),
        // A handler is told of its worker's end as of a wish to cancel, and may take it for one.
        (Some(Why::Shutdown), Ran::Returned(Outcome::Cancel(_))) => End::HandedOver,
        (_, Ran::Returned(Outcome::Cancel(reason))) => End::Cancelled(printable(reason)),
        (Some(Why::Asked), _) => End::Cancelled("cancelled on request".to_owned()),
        (_, Ran::Returned(Outcome::Pause(reason))) => End::Paused(printable(reason)),
        // It runs alone because it lost a worker before: this is its second, and there is no doubt.
        (_, Ran::Died(how)) => End::Quarantined(Fault::new("crash", how)),

        // An error of a handler that was told to stop most often says just that; a retry spends an attempt and a
        // handover does not, and a real fault will show again in the next run.
        (Some(_), Ran::Returned(Outcome::Retry { .. } | Outcome::Snooze(Duration::ZERO))) | (_, Ran::Dropped) => {
            End::HandedOver
        }
        (_, Ran::Returned(Outcome::Snooze(wait))) => End::Snoozed(wait.min(MAX_WAIT)),

        (_, Ran::Returned(Outcome::Retry { fault, after })) => rules.failed(fault, after, rng),
        (_, Ran::Panicked(message)) => rules.failed(Fault::new("panic", message), None, rng),
    };
    Some(end)
}

impl Rules {
    fn failed(&self, fault: Fault, after: Option<Duration>, rng: &mut impl Rng) -> End {
        let fault = storable(fault);
        if self.attempts.is_last(self.max_attempts) {
            return End::Failed(fault);
        }
        let failures = self.attempts.failure.saturating_add(1);
        End::Retry(fault, self.backoff.delay(failures, after, rng).min(MAX_WAIT))
    }
}

fn timeout(ms: u64) -> Fault {
    Fault::new("timeout", format!("the run took longer than its limit of {ms} ms (`timeout_ms`)"))
}

fn storable(fault: Fault) -> Fault {
    Fault { code: printable(fault.code), message: printable(fault.message) }
}

/// The text without U+0000, which Postgres cannot hold: no fault may be lost for what it says.
fn printable(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "␀") } else { text }
}
