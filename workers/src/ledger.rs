//! The ledger: what calls cost, and the budgets they must fit in.
//!
//! A call holds its estimated cost on every budget before it is made ([`Journal::begin`](crate::journal::Journal::begin))
//! and gives back what it did not use after it. A hold whose lease ended is void. Held by `tests/conformance/ledger.rs`,
//! on both stores.

use crate::store::Error;
use async_trait::async_trait;
use flotilla_jobs::{
    JobId, MicroUsd,
    api::{SpendQuery, SpendRow},
};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// Knows what was spent.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// What was spent in the days asked for, in rows as asked for; newest day first, then the dearest.
    async fn spend(&self, query: &SpendQuery) -> Result<Vec<SpendRow>, Error>;

    /// How full budgets are now; answers in the order given.
    async fn budgets(&self, budgets: &[Budget]) -> Result<Vec<Fill>, Error>;

    /// Voids at most `batch` holds whose lease ended; their calls become `lost`. Answers how many.
    async fn void_holds(&self, batch: u32) -> Result<u32, Error>;

    /// At most `batch` paused jobs that a budget refused, those after `after`, with what refused them.
    async fn refused(&self, after: Option<JobId>, batch: u32) -> Result<Vec<(JobId, Refused)>, Error>;

    /// What providers counted for each model against what was estimated, over the newest calls (at most 1,000 a
    /// model): how to correct an estimate.
    async fn estimates(&self) -> Result<Vec<Estimated>, Error>;

    /// Deletes at most `batch` calls that began at least `age` ago, and as many budgets of days as long gone; answers
    /// how many went. What is held always stays.
    async fn prune_spend(&self, age: Duration, batch: u32) -> Result<u32, Error>;
}

/// What a budget is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "scope", content = "of", rename_all = "snake_case")]
pub enum Scope {
    /// One job.
    Job(JobId),
    /// One session.
    Session(String),
    /// One tenant.
    Tenant(String),
    /// All there is.
    Fleet,
}

/// The time a budget is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// All of it.
    Total,
    /// A day, UTC, by the store's clock.
    Day,
}

/// Something that has a budget.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Budget {
    #[serde(flatten)]
    pub scope: Scope,
    pub period: Period,
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scope {
            Scope::Job(id) => write!(f, "job {id}")?,
            Scope::Session(name) => write!(f, "session {name}")?,
            Scope::Tenant(name) => write!(f, "tenant {name}")?,
            Scope::Fleet => f.write_str("the fleet")?,
        }
        f.write_str(match self.period {
            Period::Total => "",
            Period::Day => ", per day",
        })
    }
}

/// What a budget allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    #[allow(missing_docs)]
    #[serde(flatten)]
    pub budget: Budget,
    /// `None` for any.
    pub cost: Option<MicroUsd>,
    /// All tokens, in and out; `None` for any.
    pub tokens: Option<u64>,
}

/// A call that costs something.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Call {
    pub provider: String,
    pub model: String,
    /// Its price now, as JSON, so that old rows stay true; `None` where it is not known.
    pub price: Option<Box<serde_json::value::RawValue>>,
    /// What it may use at most, as far as that can be told.
    pub hold: Hold,
    /// Tokens of its input by the estimate alone, before any correction.
    pub estimated_input: u64,
    /// What it must fit in. Budgets are counted whether a limit is set or not.
    pub limits: Vec<Limit>,
    /// For an answer that comes from the cache: what it would have cost otherwise. It holds nothing, and counts as no
    /// call.
    pub saved: Option<MicroUsd>,
}

/// What a call holds until it ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Hold {
    pub cost: MicroUsd,
    pub tokens: u64,
}

/// How full a budget is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Fill {
    pub spent: Hold,
    pub held: Hold,
}

impl Fill {
    /// Whether a call that needs `hold` fits below `limit`.
    pub fn has_room(&self, hold: Hold, limit: &Limit) -> bool {
        let cost = self.spent.cost + self.held.cost + hold.cost;
        let tokens = self.spent.tokens.saturating_add(self.held.tokens).saturating_add(hold.tokens);
        limit.cost.is_none_or(|most| cost <= most) && limit.tokens.is_none_or(|most| tokens <= most)
    }
}

/// A call that did not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Refused {
    pub limit: Limit,
    pub fill: Fill,
    pub hold: Hold,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Limit { budget, cost, tokens }, Fill { spent, held }) = (&self.limit, &self.fill);
        write!(f, "the budget of {budget} has no room: ")?;
        if let Some(most) = cost {
            write!(f, "{} spent, {} held, {} needed of {most}", spent.cost, held.cost, self.hold.cost)?;
        }
        if let Some(most) = tokens {
            let comma = if cost.is_some() { "; " } else { "" };
            write!(
                f,
                "{comma}{} tokens spent, {} held, {} needed of {most}",
                spent.tokens, held.tokens, self.hold.tokens
            )?;
        }
        Ok(())
    }
}

/// Estimates against truth, for one model.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Estimated {
    pub model: String,
    pub calls: u64,
    pub estimated: u64,
    /// [`flotilla_jobs::Usage::prompt`] of the same calls.
    pub counted: u64,
}
