//! What to do after a call that failed: the one layer of retries there is. Pure; whoever calls models does as it says.

use super::{Class, ModelError};
use std::time::Duration;

/// Most tries again of one step on one model, before another model or another time.
pub const RETRIES: u32 = 2;
/// The first wait is at most this, and each one after it twice as long,
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// up to this. Waits are drawn evenly between nothing and that ("full jitter").
const MOST_BACKOFF: Duration = Duration::from_secs(8);
/// A longer wait gives the worker back: the job is put off.
pub const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// How long a key that is out of quota for now sleeps at least, where the provider does not say.
const LEAST_SLEEP: Duration = Duration::from_secs(1);

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The same call again after so long, at most [`LONGEST_WAIT`]; as a new attempt where it had begun to answer.
    Again(Duration),
    /// Give the worker back: the job is put off for so long, and no attempt of it is spent. A route with another model may
    /// go there instead.
    Sleep {
        /// From now; at that time the provider may be asked again.
        lane: Duration,
    },
    /// This model is of no use now; the next of the route may be. Where there is none, the step ends with [`fault`].
    OtherModel,
    /// Make the context smaller, once, and try again.
    Compact,
    /// No model and no time helps.
    Stop {
        #[allow(missing_docs)]
        fault: Fault,
    },
}

/// What a step that got no answer failed of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Passes by itself: worth an attempt of the job later.
    Passing,
    /// People must act: pay, or set a key.
    NeedsPeople,
    /// The request is wrong, and will be.
    Wrong,
    /// The caller wanted no more.
    Cancelled,
}

/// What was already done about a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tries {
    /// Calls of this model that were tried again since the step began.
    pub again: u32,
    /// Whether its context was made smaller.
    pub compacted: bool,
}

/// What to do after `error`. `jitter` is drawn evenly from 0 to 1.
pub fn next(error: &ModelError, tries: Tries, jitter: f64) -> Next {
    if let Some(again) = error.should_retry.filter(|_| is_by_status(error.class)) {
        // What the provider says goes before the meaning of its status.
        return if again { later(error, tries, jitter) } else { given_up(error.class) };
    }
    match error.class {
        Class::Unreachable | Class::Overloaded | Class::Cut | Class::RateLimited => later(error, tries, jitter),
        Class::TooLong if !tries.compacted => Next::Compact,
        class => given_up(class),
    }
}

/// Whether the class comes from nothing but a status.
fn is_by_status(class: Class) -> bool {
    matches!(class, Class::Overloaded | Class::RateLimited | Class::Denied | Class::Invalid)
}

fn later(error: &ModelError, tries: Tries, jitter: f64) -> Next {
    let wait = wait(error, tries.again, jitter);
    if wait > LONGEST_WAIT {
        return Next::Sleep { lane: wait };
    }
    if tries.again < RETRIES {
        return Next::Again(wait);
    }
    // A limit is no failure: its jobs wait for as long as it takes.
    if error.class == Class::RateLimited { Next::Sleep { lane: wait } } else { Next::OtherModel }
}

fn given_up(class: Class) -> Next {
    match class {
        Class::TooLong | Class::Invalid | Class::Cancelled => Next::Stop { fault: fault(class) },
        _ => Next::OtherModel,
    }
}

/// What a step failed of, if it fails of this.
pub fn fault(class: Class) -> Fault {
    match class {
        Class::Unreachable | Class::Overloaded | Class::RateLimited | Class::Cut => Fault::Passing,
        Class::Exhausted | Class::Denied => Fault::NeedsPeople,
        Class::TooLong | Class::Invalid => Fault::Wrong,
        Class::Cancelled => Fault::Cancelled,
    }
}

fn wait(error: &ModelError, again: u32, jitter: f64) -> Duration {
    let backoff = backoff(again, jitter);
    match error.class {
        Class::RateLimited => is_lane_asleep(error).unwrap_or_default().max(backoff),
        _ => error.retry_after.unwrap_or(backoff),
    }
}

/// Between nothing and 0.5 s, 1 s, 2 s, … 8 s.
fn backoff(again: u32, jitter: f64) -> Duration {
    let most = FIRST_WAIT.saturating_mul(1 << again.min(16)).min(MOST_BACKOFF);
    most.mul_f64(if jitter.is_finite() { jitter.clamp(0.0, 1.0) } else { 1.0 })
}

/// For how long the key and model are left alone by everyone: after a 429 that passes. As the provider asks; where it
/// does not, until a limit that it says is used up is there again.
pub fn is_lane_asleep(error: &ModelError) -> Option<Duration> {
    if error.class != Class::RateLimited {
        return None;
    }
    let told = &error.told;
    let used_up = [told.requests, told.input_tokens, told.output_tokens];
    let reset = used_up.into_iter().flatten().filter(|left| left.remaining == 0).map(|left| left.reset).max();
    Some(error.retry_after.or(reset).unwrap_or(LEAST_SLEEP))
}

/// Whether the provider is left alone by everyone at once: money or a key is missing there.
pub fn opens_breaker(error: &ModelError) -> bool {
    matches!(error.class, Class::Exhausted | Class::Denied)
}

#[cfg(test)]
mod tests;
