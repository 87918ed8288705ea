//! What both records decide alike about money: which budgets a call counts in, and whether it fits.

use crate::{
    clock::Millis,
    journal::{EndStep, StepOutcome},
    ledger::{Budget, Call, Fill, Hold, Limit, Period, Refused, Scope},
    store::steps::{MAX_COST, MAX_TOKENS},
};
use flotilla_jobs::{Invalid, JobId, MicroUsd};
use jiff::{Timestamp, tz::Offset};
use std::collections::BTreeMap;

/// The name of the period without end.
const TOTAL: &str = "total";

/// The day of a time, UTC.
pub(crate) fn day(now: Millis) -> String {
    let at = Timestamp::from_millisecond(now).unwrap_or(Timestamp::UNIX_EPOCH);
    Offset::UTC.to_datetime(at).date().to_string()
}

/// A budget on record. In the order of these, rows are locked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Account {
    pub(crate) scope: String,
    pub(crate) period: String,
}

impl Account {
    /// The account of a budget, on a day.
    pub(crate) fn of(budget: &Budget, day: &str) -> Self {
        let scope = match &budget.scope {
            // Without hyphens, as a record can write it from the bytes alone.
            Scope::Job(id) => format!("job:{}", id.0.simple()),
            Scope::Session(name) => format!("session:{name}"),
            Scope::Tenant(name) => format!("tenant:{name}"),
            Scope::Fleet => "fleet".to_owned(),
        };
        let period = match budget.period {
            Period::Total => TOTAL,
            Period::Day => day,
        };
        Self { scope, period: period.to_owned() }
    }
}

/// Whose call it is.
#[derive(Clone, Debug)]
pub(crate) struct Payer {
    pub(crate) job: JobId,
    pub(crate) tenant: String,
    pub(crate) session: Option<String>,
}

impl Payer {
    /// Every account that its calls of a day are counted in.
    pub(crate) fn accounts(&self, day: &str) -> Vec<Account> {
        let session = self.session.clone().map(Scope::Session);
        let scopes = [Scope::Fleet, Scope::Tenant(self.tenant.clone()), Scope::Job(self.job)];
        let scopes = scopes.into_iter().chain(session);
        let periods = [Period::Total, Period::Day];
        scopes
            .flat_map(|scope| periods.map(|period| Account::of(&Budget { scope: scope.clone(), period }, day)))
            .collect()
    }
}

/// What an account changes by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) spent_cost: i64,
    pub(crate) spent_tokens: i64,
    pub(crate) held_cost: i64,
    pub(crate) held_tokens: i64,
}

impl Change {
    /// A call begins.
    pub(crate) fn hold(hold: Hold) -> Self {
        Self { held_cost: signed(hold.cost.0), held_tokens: signed(hold.tokens), ..Self::default() }
    }

    /// A hold ends.
    pub(crate) fn release(hold: Hold) -> Self {
        let Self { held_cost, held_tokens, .. } = Self::hold(hold);
        Self { held_cost: -held_cost, held_tokens: -held_tokens, ..Self::default() }
    }

    /// A call that held so many tokens ended. A cost that is not known is part of no sum; where a provider does not say
    /// what an answer took, all that was held for it counts as used.
    pub(crate) fn spend(end: &EndStep, held_tokens: u64) -> Self {
        let cost = end.cost.map_or(0, |cost| signed(cost.0.min(MAX_COST)));
        let is_used = matches!(end.outcome, StepOutcome::Done(_)) || cost > 0;
        let unsaid = if is_used { held_tokens } else { 0 };
        let tokens = signed(end.usage.map_or(unsaid, |usage| usage.total()).min(MAX_TOKENS));
        Self { spent_cost: cost, spent_tokens: tokens, ..Self::default() }
    }

    /// Both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            spent_cost: self.spent_cost.saturating_add(other.spent_cost),
            spent_tokens: self.spent_tokens.saturating_add(other.spent_tokens),
            held_cost: self.held_cost.saturating_add(other.held_cost),
            held_tokens: self.held_tokens.saturating_add(other.held_tokens),
        }
    }

    /// What an account that stands so is filled to.
    pub(crate) fn fill(self) -> Fill {
        let unsigned = |n: i64| n.max(0) as u64;
        Fill {
            spent: Hold { cost: MicroUsd(unsigned(self.spent_cost)), tokens: unsigned(self.spent_tokens) },
            held: Hold { cost: MicroUsd(unsigned(self.held_cost)), tokens: unsigned(self.held_tokens) },
        }
    }
}

/// A count as records keep it.
pub(crate) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Accounts, each with how it stands or what it changes by.
#[derive(Clone, Debug, Default)]
pub(crate) struct Books(pub(crate) BTreeMap<Account, Change>);

impl Books {
    /// Adds the same change to each.
    pub(crate) fn add(&mut self, accounts: &[Account], change: Change) {
        for account in accounts {
            let now = self.0.entry(account.clone()).or_default();
            *now = now.and(change);
        }
    }

    /// Whether a call fits into all that it must fit in; the first that has no room otherwise.
    pub(crate) fn has_room(&self, call: &Call, day: &str) -> Result<(), Refused> {
        for limit in &call.limits {
            let fill = self.0.get(&Account::of(&limit.budget, day)).copied().unwrap_or_default().fill();
            if !fill.has_room(call.hold, limit) {
                return Err(Refused { limit: limit.clone(), fill, hold: call.hold });
            }
        }
        Ok(())
    }
}

/// Refuses limits on budgets that a call does not count in: nobody would ever give such a hold back.
pub(crate) fn check_limits(limits: &[Limit], accounts: &[Account], day: &str) -> Result<(), Invalid> {
    match limits.iter().find(|limit| !accounts.contains(&Account::of(&limit.budget, day))) {
        None => Ok(()),
        Some(limit) => {
            Err(Invalid::new("limits", format!("the run does not count for the budget of {}", limit.budget)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_utc() {
        assert_eq!(day(0), "1970-01-01");
        assert_eq!(day(86_400_000 - 1), "1970-01-01");
        assert_eq!(day(2_000_000_000_000), "2033-05-18");
    }

    #[test]
    fn a_call_counts_for_all_it_belongs_to() {
        let payer = Payer { job: JobId(uuid::Uuid::nil()), tenant: "a".to_owned(), session: Some("s".to_owned()) };
        let names: Vec<String> =
            payer.accounts("2033-05-18").into_iter().map(|a| format!("{} {}", a.scope, a.period)).collect();
        assert_eq!(names.len(), 8);
        assert!(names.contains(&"tenant:a 2033-05-18".to_owned()), "{names:?}");
        assert!(names.contains(&"job:00000000000000000000000000000000 total".to_owned()), "{names:?}");
    }

    #[test]
    fn what_a_call_holds_and_gives_back_comes_to_nothing() {
        let hold = Hold { cost: MicroUsd(7), tokens: u64::MAX };
        assert_eq!(Change::hold(hold).and(Change::release(hold)), Change::default());
    }
}
