//! `flotilla spend`: what models cost, and how full budgets are.

use super::{output, session::Session};
use crate::exit::{Exit, Failure};
use flotilla_jobs::{
    MicroUsd, Usage,
    api::{BudgetState, SpendBy, SpendQuery, SpendRow},
};
use jiff::civil::Date;

const EXAMPLES: &str = "\
Examples:
  flotilla spend                                      today, by model
  flotilla spend --since 2026-01-01 --by day,tenant   a row for each day and tenant
  flotilla spend --budgets                            what is left";

/// Which spending, and in what rows. Days are UTC.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// First day [default: today]
    #[arg(long, value_name = "DAY")]
    since: Option<Date>,
    /// Last day, inclusive [default: today]
    #[arg(long, value_name = "DAY")]
    until: Option<Date>,
    /// A row for each: some of day, tenant, agent, model
    #[arg(long, value_name = "PARTS", value_delimiter = ',', default_value = "model")]
    by: Vec<SpendBy>,
    /// Only this tenant's
    #[arg(long)]
    tenant: Option<String>,
    /// Only this agent's
    #[arg(long)]
    agent: Option<String>,
    /// Only this model's
    #[arg(long)]
    model: Option<String>,
    /// How full the budgets are that are limited, instead
    #[arg(long, conflicts_with_all = ["since", "until", "by", "tenant", "agent", "model"])]
    budgets: bool,
}

pub async fn run(args: Args, session: &Session) -> Result<Exit, Failure> {
    let Args { since, until, mut by, tenant, agent, model, budgets } = args;
    by.sort_unstable();
    by.dedup();
    let query = SpendQuery { since, until, tenant, agent, model, by };
    let backend = session.backend().await?;
    if budgets {
        let states = backend.budgets().await;
        backend.close().await;
        print_budgets(&states?, session.json)?;
        return Ok(Exit::Ok);
    }
    let spend = backend.spend(&query).await;
    backend.close().await;
    let spend = spend?;
    if session.json {
        output::json(&spend)?;
    } else {
        print(&spend.rows, &query.by)?;
    }
    Ok(Exit::Ok)
}

fn print(rows: &[SpendRow], by: &[SpendBy]) -> Result<(), Failure> {
    if rows.is_empty() {
        output::note("no model was called in that time");
        return Ok(());
    }
    let parts = by.iter().map(|by| match by {
        SpendBy::Day => "DAY",
        SpendBy::Tenant => "TENANT",
        SpendBy::Agent => "AGENT",
        SpendBy::Model => "MODEL",
    });
    let numbers = ["CALLS", "LOST", "UNKNOWN", "ESTIMATED", "TOKENS IN", "CACHED", "OUT", "COST", "HELD"];
    let head: Vec<&str> = parts.chain(numbers).collect();
    let mut cells: Vec<Vec<String>> = rows.iter().map(|row| cells(row, by)).collect();
    if rows.len() > 1 {
        let mut total = self::cells(&total(rows), by);
        if let Some(first) = total.first_mut() {
            "total".clone_into(first);
        }
        cells.push(total);
    }
    output::table(&head, &cells)?;
    if rows.iter().any(|row| row.unknown > 0) {
        output::note("the cost of calls counted as UNKNOWN is in no sum: no price, or no answer");
    }
    let found = total(rows);
    if found.cached > 0 {
        let (cached, saved) = (found.cached, found.saved);
        output::note(&format!(
            "{cached} answers came from the cache and cost nothing; calls for them would have cost {saved}"
        ));
    }
    if rows.iter().any(|row| row.estimated > 0) {
        output::note(
            "the provider of calls counted as ESTIMATED did not say what they used: COST has the most that it can be",
        );
    }
    Ok(())
}

fn cells(row: &SpendRow, by: &[SpendBy]) -> Vec<String> {
    let part = |by: &SpendBy| match by {
        SpendBy::Day => row.day.map(|day| day.to_string()).unwrap_or_default(),
        SpendBy::Tenant => row.tenant.clone().unwrap_or_default(),
        SpendBy::Agent => row.agent.clone().unwrap_or_default(),
        SpendBy::Model => row.model.clone().unwrap_or_default(),
    };
    let Usage { cache_read, output, .. } = row.usage;
    let numbers = [row.calls, row.lost, row.unknown, row.estimated, row.usage.prompt(), cache_read, output];
    let numbers = numbers.map(|n| n.to_string());
    by.iter().map(part).chain(numbers).chain([row.cost, row.held].map(|amount| amount.to_string())).collect()
}

fn total(rows: &[SpendRow]) -> SpendRow {
    SpendRow {
        calls: rows.iter().map(|row| row.calls).sum(),
        lost: rows.iter().map(|row| row.lost).sum(),
        unknown: rows.iter().map(|row| row.unknown).sum(),
        estimated: rows.iter().map(|row| row.estimated).sum(),
        usage: rows.iter().map(|row| row.usage).sum(),
        cost: rows.iter().map(|row| row.cost).sum(),
        held: rows.iter().map(|row| row.held).sum(),
        cached: rows.iter().map(|row| row.cached).sum(),
        saved: rows.iter().map(|row| row.saved).sum(),
        ..SpendRow::default()
    }
}

fn print_budgets(budgets: &[BudgetState], as_json: bool) -> Result<(), Failure> {
    if as_json {
        return output::json(&budgets);
    }
    if budgets.is_empty() {
        output::note("nothing is limited; set at least budgets.day.usd");
        return Ok(());
    }
    let amount = |most: Option<MicroUsd>| most.map(|most| most.to_string()).unwrap_or_default();
    let count = |most: Option<u64>| most.map(|most| most.to_string()).unwrap_or_default();
    let row = |state: &BudgetState| {
        vec![
            state.budget.clone(),
            state.spent.to_string(),
            state.held.to_string(),
            amount(state.most),
            state.spent_tokens.to_string(),
            state.held_tokens.to_string(),
            count(state.most_tokens),
        ]
    };
    let rows: Vec<_> = budgets.iter().map(row).collect();
    output::table(&["BUDGET", "SPENT", "HELD", "LIMIT", "TOKENS SPENT", "HELD", "LIMIT"], &rows)
}
