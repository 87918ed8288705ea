//! How fast a lane goes: what is left of its limits, in whole numbers, and no clock of its own.
//!
//! Each limit is a bucket that holds what a minute allows and is refilled continuously, so an idle lane may begin with
//! a minute's worth at once. What a provider says is left is a second bucket on top: it only ever takes away, and a later
//! word of the provider replaces it. The scripts of the Redis store (`lane.lua`) do the same sums; the cases in
//! `tests/conformance/admission.rs` hold both.

use super::{Ask, LaneLimits, Left, Told};
use crate::clock::{Millis, millis};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Parts of a request or a token: with as many as a minute has milliseconds, a limit a minute is parts a millisecond, and
/// nothing is ever rounded.
pub(crate) const PARTS: i64 = 60_000;
/// Longest time that a bucket is refilled for, a provider is left alone, or a call holds its place: what is kept of a lane
/// is kept a little longer.
pub(crate) const LONGEST: Duration = Duration::from_hours(24);

/// What is left of a lane's limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Pace {
    /// When it was last refilled.
    at: Millis,
    requests: Bucket,
    input: Bucket,
    output: Bucket,
}

/// Calls that a lane would let through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Need {
    pub requests: u64,
    pub input: u64,
    pub output: u64,
}

/// How long until calls fit, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Until {
    /// By what is certain.
    pub firm: Millis,
    /// By the output that was taken at its most and may yet be given back.
    pub soft: Millis,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Bucket {
    /// Parts left; below zero where more was used than was asked for. `None` is full.
    level: Option<i64>,
    told: Option<Ceiling>,
}

/// What a provider said is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Ceiling {
    level: i64,
    /// Parts that come back each millisecond; 0 where all of it comes back at once.
    slope: i64,
    until: Millis,
}

impl Pace {
    /// Brings it up to `now`.
    pub(crate) fn refill(&mut self, limits: &LaneLimits, now: Millis) {
        // A clock that was set back refills nothing.
        let passed = if self.at == 0 { 0 } else { now.saturating_sub(self.at).clamp(0, millis(LONGEST)) };
        self.at = now;
        for (bucket, limit) in self.buckets(limits) {
            bucket.refill(limit, passed, now);
        }
    }

    /// How long until `need` fits; it must have been refilled.
    pub(crate) fn until(&self, need: Need, limits: &LaneLimits) -> Until {
        let requests = self.requests.own(need.requests, limits.requests_per_minute);
        let input = self.input.own(need.input, limits.input_tokens_per_minute);
        let told = [
            self.requests.told(need.requests, limits.requests_per_minute, self.at),
            self.input.told(need.input, limits.input_tokens_per_minute, self.at),
            self.output.told(need.output, limits.output_tokens_per_minute, self.at),
        ];
        let firm = told.into_iter().fold(requests.max(input), Millis::max);
        Until { firm, soft: self.output.own(need.output, limits.output_tokens_per_minute) }
    }

    /// Takes what a call may use.
    pub(crate) fn take(&mut self, need: Need, limits: &LaneLimits) {
        let needs = [need.requests, need.input, need.output];
        for ((bucket, limit), need) in self.buckets(limits).into_iter().zip(needs) {
            bucket.change(parts(need).saturating_neg(), limit);
        }
    }

    /// Gives tokens back that were taken and not used; takes more where they are below zero.
    pub(crate) fn give_back(&mut self, input: i64, output: i64, limits: &LaneLimits) {
        for ((bucket, limit), back) in self.buckets(limits).into_iter().zip([0, input, output]) {
            bucket.change(back.saturating_mul(PARTS), limit);
        }
    }

    /// Notes what the provider said is left.
    pub(crate) fn correct(&mut self, told: &Told, limits: &LaneLimits) {
        let now = self.at;
        let left = [told.requests, told.input_tokens, told.output_tokens];
        for ((bucket, limit), left) in self.buckets(limits).into_iter().zip(left) {
            if let Some(left) = left {
                bucket.told = Ceiling::new(left, limit, now);
            }
        }
    }

    /// The provider refused a call and did not say what is left: whatever was counted here, it is used up.
    pub(crate) fn empty(&mut self, limits: &LaneLimits) {
        for (bucket, limit) in self.buckets(limits) {
            if limit.is_some() {
                bucket.level = bucket.level.map(|level| level.min(0)).or(Some(0));
            }
        }
    }

    fn buckets(&mut self, limits: &LaneLimits) -> [(&mut Bucket, Option<u64>); 3] {
        [
            (&mut self.requests, limits.requests_per_minute),
            (&mut self.input, limits.input_tokens_per_minute),
            (&mut self.output, limits.output_tokens_per_minute),
        ]
    }
}

impl Need {
    /// What this call takes.
    pub(crate) fn of(ask: &Ask) -> Self {
        Self { requests: 1, input: ask.input, output: ask.output }
    }

    /// Both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
        }
    }

    /// The limit that alone keeps such a call out for ever: its name, what it allows and what is needed.
    pub(crate) fn too_large(self, limits: &LaneLimits) -> Option<(&'static str, u64, u64)> {
        let streams = limits.streams.map(u64::from);
        [
            ("requests_per_minute", limits.requests_per_minute, self.requests),
            ("input_tokens_per_minute", limits.input_tokens_per_minute, self.input),
            ("output_tokens_per_minute", limits.output_tokens_per_minute, self.output),
            ("streams", streams, self.requests),
        ]
        .into_iter()
        .find_map(|(name, limit, need)| limit.filter(|most| need > *most).map(|most| (name, most, need)))
    }
}

impl Bucket {
    fn refill(&mut self, limit: Option<u64>, passed: Millis, now: Millis) {
        self.level = limit.map(|most| {
            let back = passed.saturating_mul(speed(most));
            self.level.unwrap_or_else(|| parts(most)).saturating_add(back).min(parts(most))
        });
        if let Some(told) = &mut self.told {
            told.level = told.level.saturating_add(passed.saturating_mul(told.slope));
            let full = limit.is_some_and(|most| told.level >= parts(most));
            // All of it is there again, whatever was taken since: of that the provider's next word tells.
            if full || told.until <= now {
                self.told = None;
            }
        }
    }

    /// Until our own limit lets `need` through.
    fn own(&self, need: u64, limit: Option<u64>) -> Millis {
        let Some((most, level)) = limit.zip(self.level) else { return 0 };
        divide_up(parts(need).saturating_sub(level), speed(most))
    }

    /// Until what the provider said lets `need` through, and no longer than until it says nothing any more.
    fn told(&self, need: u64, limit: Option<u64>, now: Millis) -> Millis {
        let Some(told) = self.told else { return 0 };
        let need = limit.map_or(parts(need), |most| parts(need.min(most)));
        let over = told.until.saturating_sub(now).max(0);
        match need.saturating_sub(told.level) {
            ..=0 => 0,
            lacks if told.slope > 0 => divide_up(lacks, told.slope).min(over),
            _ => over,
        }
    }

    fn change(&mut self, by: i64, limit: Option<u64>) {
        let most = limit.map_or(i64::MAX, parts);
        if let Some(level) = &mut self.level {
            // A debt of more than a minute would hold the lane up for longer than the provider does.
            *level = level.saturating_add(by).clamp(most.saturating_neg(), most);
        }
        if let Some(told) = &mut self.told {
            told.level = told.level.saturating_add(by).clamp(most.saturating_neg(), most);
        }
    }
}

impl Ceiling {
    /// `None` where it is no less than our own limit, or already over.
    fn new(left: Left, limit: Option<u64>, now: Millis) -> Option<Self> {
        let reset = millis(left.reset.min(LONGEST));
        if reset == 0 || limit.is_some_and(|most| left.remaining >= most) {
            return None;
        }
        let level = parts(left.remaining);
        let slope = limit.map_or(0, |most| (parts(most) - level) / reset);
        Some(Self { level, slope, until: now.saturating_add(reset) })
    }
}

fn parts(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(PARTS)
}

/// Parts that come back each millisecond.
fn speed(limit: u64) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX).max(1)
}

fn divide_up(parts: i64, by: i64) -> Millis {
    if parts <= 0 { 0 } else { (parts - 1) / by + 1 }
}

#[cfg(test)]
mod tests;
