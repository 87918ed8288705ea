//! Budgets as they are configured: what a call must fit in.

use crate::ledger::{Budget, Limit, Period, Scope};
use flotilla_jobs::{JobId, MicroUsd};
use std::collections::BTreeMap;

/// How much something may use; nothing is set by default, and what is not set is not limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Allowance {
    pub cost: Option<MicroUsd>,
    /// All tokens, in and out.
    pub tokens: Option<u64>,
}

/// What one tenant may use, where that differs from the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TenantBudgets {
    /// In a day.
    pub day: Option<Allowance>,
    /// Ever.
    pub total: Option<Allowance>,
}

/// What is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budgets {
    /// One job.
    pub job: Allowance,
    /// One session.
    pub session: Allowance,
    /// One tenant in a day.
    pub tenant_day: Allowance,
    /// One tenant, ever.
    pub tenant: Allowance,
    /// The fleet in a day.
    pub day: Allowance,
    /// The fleet, ever.
    pub fleet: Allowance,
    /// Tenants that may use more or less than the others, by name.
    pub tenants: BTreeMap<String, TenantBudgets>,
}

impl Budgets {
    /// What a call must fit in, the narrowest first; only what is limited.
    pub fn limits(&self, job: JobId, session: Option<&str>, tenant: &str) -> Vec<Limit> {
        let tenant = Scope::Tenant(tenant.to_owned());
        let budgets = [(Scope::Job(job), Period::Total)]
            .into_iter()
            .chain(session.map(|session| (Scope::Session(session.to_owned()), Period::Total)))
            .chain([(tenant.clone(), Period::Day), (tenant, Period::Total)])
            .chain([(Scope::Fleet, Period::Day), (Scope::Fleet, Period::Total)]);
        budgets.filter_map(|(scope, period)| self.limit(&Budget { scope, period })).collect()
    }

    /// The limit of one budget; `None` where it has none.
    pub fn limit(&self, budget: &Budget) -> Option<Limit> {
        let Allowance { cost, tokens } = self.allowance(budget);
        (cost.is_some() || tokens.is_some()).then(|| Limit { budget: budget.clone(), cost, tokens })
    }

    fn allowance(&self, Budget { scope, period }: &Budget) -> Allowance {
        match (scope, period) {
            (Scope::Job(_), Period::Total) => self.job,
            (Scope::Session(_), Period::Total) => self.session,
            (Scope::Job(_) | Scope::Session(_), Period::Day) => Allowance::default(),
            (Scope::Tenant(name), period) => {
                let own = self.tenants.get(name).copied().unwrap_or_default();
                match period {
                    Period::Day => own.day.unwrap_or(self.tenant_day),
                    Period::Total => own.total.unwrap_or(self.tenant),
                }
            }
            (Scope::Fleet, Period::Day) => self.day,
            (Scope::Fleet, Period::Total) => self.fleet,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dollars(dollars: u64) -> Allowance {
        Allowance { cost: Some(MicroUsd(dollars * 1_000_000)), tokens: None }
    }

    fn shown(limits: &[Limit]) -> Vec<String> {
        limits.iter().map(|limit| format!("{} {}", limit.budget, limit.cost.unwrap_or_default())).collect()
    }

    #[test]
    fn nothing_is_limited_by_default() {
        assert!(Budgets::default().limits(JobId::new(), Some("s"), "acme").is_empty());
    }

    #[test]
    fn a_call_must_fit_in_all_that_is_limited() {
        let job = JobId::new();
        let budgets = Budgets { job: dollars(1), session: dollars(2), day: dollars(3), ..Budgets::default() };
        let all = shown(&budgets.limits(job, Some("s"), "acme"));
        assert_eq!(all, [format!("job {job} $1.00"), "session s $2.00".into(), "the fleet, per day $3.00".into()]);
        assert_eq!(budgets.limits(job, None, "acme").len(), 2);
    }

    #[test]
    fn a_tenant_may_have_its_own() {
        let own = TenantBudgets { day: Some(dollars(9)), total: None };
        let tenants = [("acme".to_owned(), own)].into();
        let budgets = Budgets { tenant_day: dollars(1), tenant: dollars(5), tenants, ..Budgets::default() };
        let of = |tenant: &str| shown(&budgets.limits(JobId::new(), None, tenant));
        assert_eq!(of("acme"), ["tenant acme, per day $9.00", "tenant acme $5.00"]);
        assert_eq!(of("other"), ["tenant other, per day $1.00", "tenant other $5.00"]);
        // An allowance that sets nothing takes the limit away.
        let free = TenantBudgets { day: Some(Allowance::default()), total: Some(Allowance::default()) };
        let budgets = Budgets { tenants: [("acme".to_owned(), free)].into(), ..budgets };
        assert!(budgets.limits(JobId::new(), None, "acme").is_empty());
    }
}
