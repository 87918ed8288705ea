//! When a provider is left alone: its breaker, as a value that changes by what calls report.

use super::{BreakerLimits, pace::LONGEST};
use crate::clock::{Millis, millis};

/// A provider's breaker. It is closed where nothing is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Breaker {
    /// Failures in a row.
    pub failures: u32,
    /// Until when nobody is let through; from then on one at a time may try.
    pub open_until: Option<Millis>,
    /// Who tries, and when it counts no more.
    pub trial: Option<(i64, Millis)>,
}

/// What a breaker says to a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Closed,
    /// Nobody goes, for so long.
    Open(Millis),
    /// Somebody tries, for so long at most.
    Tried(Millis),
    /// One may try.
    Free,
}

impl Breaker {
    /// What it says to the call `id`.
    pub(crate) fn standing(&self, id: i64, now: Millis) -> Standing {
        match (self.open_until, self.trial) {
            (None, _) => Standing::Closed,
            (Some(until), _) if until > now => Standing::Open(until - now),
            (Some(_), Some((other, ends))) if other != id && ends > now => Standing::Tried(ends - now),
            _ => Standing::Free,
        }
    }

    /// The call `id` tries, until `ends`.
    pub(crate) fn try_with(&mut self, id: i64, ends: Millis) {
        self.trial = Some((id, ends));
    }

    /// A call that was let through says how its provider is.
    pub(crate) fn report(&mut self, id: i64, healthy: Option<bool>, limits: &BreakerLimits, now: Millis) {
        if self.open_until.is_none() {
            self.failures = match healthy {
                Some(true) => 0,
                Some(false) => self.failures.saturating_add(1),
                None => self.failures,
            };
            if self.failures >= limits.failures.max(1) {
                self.open(limits, now);
            }
            return;
        }
        // Calls that were let through before it opened know nothing new.
        if self.trial.is_some_and(|(trial, _)| trial == id) {
            match healthy {
                Some(true) => *self = Self::default(),
                Some(false) => self.open(limits, now),
                None => self.trial = None,
            }
        }
    }

    /// Nobody is let through until it has rested.
    pub(crate) fn open(&mut self, limits: &BreakerLimits, now: Millis) {
        self.open_until = Some(now.saturating_add(millis(limits.rest.min(LONGEST))));
        self.trial = None;
    }
}
