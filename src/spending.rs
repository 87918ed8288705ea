//! Which budgets are limited, and how full they are.

use flotilla_jobs::api::{BudgetState, SpendBy, SpendQuery};
use flotilla_workers::{
    agents::budget::Budgets,
    ledger::{Budget, Fill, Limit, Period, Scope},
    store::{Error, Store},
};
use std::collections::BTreeSet;

/// Limits of the fleet, of tenants with a limit of their own, and of tenants that spent today.
pub async fn states(store: &dyn Store, budgets: &Budgets) -> Result<Vec<BudgetState>, Error> {
    let mut tenants: BTreeSet<String> = budgets.tenants.keys().cloned().collect();
    let today = SpendQuery { by: vec![SpendBy::Tenant], ..SpendQuery::default() };
    tenants.extend(store.spend(&today).await?.into_iter().filter_map(|row| row.tenant));
    let scopes = std::iter::once(Scope::Fleet).chain(tenants.into_iter().map(Scope::Tenant));
    let limits: Vec<Limit> = scopes
        .flat_map(|scope| [Period::Day, Period::Total].map(|period| Budget { scope: scope.clone(), period }))
        .filter_map(|budget| budgets.limit(&budget))
        .collect();
    let asked: Vec<Budget> = limits.iter().map(|limit| limit.budget.clone()).collect();
    let fills = store.budgets(&asked).await?;
    Ok(limits.iter().zip(fills).map(|(limit, fill)| state(limit, fill)).collect())
}

fn state(limit: &Limit, Fill { spent, held }: Fill) -> BudgetState {
    BudgetState {
        budget: limit.budget.to_string(),
        most: limit.cost,
        most_tokens: limit.tokens,
        spent: spent.cost,
        spent_tokens: spent.tokens,
        held: held.cost,
        held_tokens: held.tokens,
    }
}
