//! Admission: how much of a provider the whole fleet uses at once, and when a provider rests.
//!
//! Limits are counted for each [`Lane`] in the queue store. Held by `tests/conformance/admission.rs`, on both stores.

pub(crate) mod breaker;
pub(crate) mod decide;
pub(crate) mod pace;

use crate::store::Error;
use async_trait::async_trait;
use flotilla_jobs::api::LaneStats;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{fmt, time::Duration};

/// Lets calls through, as many as providers allow.
#[async_trait]
pub trait Admission: Send + Sync {
    /// Lets a call through now, or says how long to wait before asking again. Those who wait are let through in the order
    /// they first asked, as far as they ask again in time, and the rate that is allowed is used up while any of them asks.
    async fn admit(&self, ask: &Ask) -> Result<Admitted, Error>;

    /// Says what a call that was let through used, what the provider said of its limits, and whether it answered: a stream
    /// ends, the rate is corrected, the breaker of its provider counts.
    async fn release(&self, permit: Permit, used: Used) -> Result<(), Error>;

    /// Forgets that this holder waits for a lane: its job ended or goes elsewhere.
    async fn leave(&self, lane: &Lane, holder: &str) -> Result<(), Error>;

    /// Every lane and every provider that was used lately, for people and metrics.
    async fn lanes(&self) -> Result<Vec<LaneState>, Error>;
}

/// What a provider counts its limits for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Lane {
    pub provider: String,
    /// Which key, by a name that gives nothing away.
    pub key: String,
    pub model: String,
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.provider, self.key, self.model)
    }
}

/// What a lane allows; `None` for any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct LaneLimits {
    pub requests_per_minute: Option<u64>,
    pub input_tokens_per_minute: Option<u64>,
    pub output_tokens_per_minute: Option<u64>,
    pub streams: Option<u32>,
}

/// When a provider is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct BreakerLimits {
    /// Failures in a row, over the fleet, that open it.
    pub failures: u32,
    /// How long it stays open; then one call is let through to try.
    pub rest: Duration,
}

/// A call that wants to be made.
#[derive(Clone, Debug)]
pub struct Ask {
    #[allow(missing_docs)]
    pub lane: Lane,
    #[allow(missing_docs)]
    pub limits: LaneLimits,
    #[allow(missing_docs)]
    pub breaker: BreakerLimits,
    /// Who asks: the same each time the same call asks again.
    pub holder: String,
    /// Estimated tokens.
    pub input: u64,
    /// Most tokens it may give.
    pub output: u64,
    /// When a stream that is never released counts no more: its worker died.
    pub lease: Duration,
}

/// The answer to an [`Ask`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admitted {
    /// Go.
    Go(Permit),
    /// Ask again after so long.
    Wait {
        #[allow(missing_docs)]
        wait: Duration,
        #[allow(missing_docs)]
        why: Why,
    },
    /// It needs more than a minute allows: it would never be let through.
    TooLarge {
        /// The limit's name and number.
        limit: &'static str,
        #[allow(missing_docs)]
        allowed: u64,
        #[allow(missing_docs)]
        needed: u64,
    },
}

/// Why a call waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// A limit of ours, or one the provider told.
    Rate,
    /// Too many streams.
    Streams,
    /// The provider asked for quiet.
    Asleep,
    /// The provider fails.
    Breaker,
}

impl Why {
    /// The name in metrics and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Streams => "streams",
            Self::Asleep => "asleep",
            Self::Breaker => "breaker",
        }
    }
}

/// The right to make one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    #[allow(missing_docs)]
    pub lane: Lane,
    /// Names it in the store.
    pub id: u64,
    /// Tokens it was let through with.
    pub input: u64,
    #[allow(missing_docs)]
    pub output: u64,
    #[allow(missing_docs)]
    pub limits: LaneLimits,
    #[allow(missing_docs)]
    pub breaker: BreakerLimits,
}

/// What a call used.
#[derive(Clone, Debug, Default)]
pub struct Used {
    /// As counted by the provider; `None` leaves the estimate.
    pub input: Option<u64>,
    #[allow(missing_docs)]
    pub output: Option<u64>,
    /// Whether the provider works: `None` where the call says nothing about it (it was refused for what it asked, or
    /// cancelled).
    pub healthy: Option<bool>,
    /// The lane sleeps for so long, for everyone.
    pub sleep: Option<Duration>,
    /// The breaker opens at once: money or a key is missing there, and trying on is useless.
    pub open: bool,
    /// What the provider said is left.
    pub told: Told,
}

/// What a provider's headers say is left in its own windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Told {
    pub requests: Option<Left>,
    pub input_tokens: Option<Left>,
    pub output_tokens: Option<Left>,
}

/// What is left, and when all of it is there again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Left {
    pub remaining: u64,
    pub reset: Duration,
}

/// A lane as it is now.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct LaneState {
    pub lane: Lane,
    pub streams: u32,
    pub waiting: u32,
    /// For how long it sleeps on.
    pub asleep: Option<Duration>,
    /// For how long its provider's breaker stays open.
    pub open: Option<Duration>,
}

impl From<LaneState> for LaneStats {
    fn from(state: LaneState) -> Self {
        let Lane { provider, key, model } = state.lane;
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            provider,
            key,
            model,
            streams: state.streams,
            waiting: state.waiting,
            asleep_ms: state.asleep.map(ms),
            breaker_open_ms: state.open.map(ms),
        }
    }
}

impl Permit {
    /// For this call. The same holder gets the same one, so that who did not hear that it may go, or goes on where its
    /// dead worker stopped, does not take a second stream.
    pub(crate) fn of(ask: &Ask) -> Self {
        let Ask { lane, limits, breaker, holder, input, output, .. } = ask;
        let hash = Sha256::digest(holder.as_bytes());
        // Without the sign: stores count in signed numbers.
        let id = hash.iter().take(8).fold(0, |id, byte| id << 8 | u64::from(*byte)) >> 1;
        Self { lane: lane.clone(), id, input: *input, output: *output, limits: *limits, breaker: *breaker }
    }
}

impl Used {
    /// Tokens in and out that a call was let through with and did not use; below zero where it used more.
    pub(crate) fn unused(&self, permit: &Permit) -> (i64, i64) {
        let back = |taken: u64, used: Option<u64>| {
            let tokens = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
            tokens(taken).saturating_sub(used.map_or(tokens(taken), tokens))
        };
        (back(permit.input, self.input), back(permit.output, self.output))
    }
}
