//! What was spent and what is held, on record.

use super::{
    Record, calls,
    journal::{corrupt, count, usage},
    pool::Conn,
    row,
};
use crate::{
    ledger::{Budget, Estimated, Fill, Period, Refused},
    store::{
        Error,
        books::{self, Account, Books, Change},
        spending,
    },
};
use flotilla_jobs::{
    JobId, MicroUsd,
    api::{SpendBy, SpendQuery, SpendRow},
};
use sqlx::postgres::PgRow;
use uuid::Uuid;

/// Changes accounts, which stay locked until the transaction ends; answers how they stand now.
pub(super) async fn post(conn: &mut Conn, changes: &Books) -> Result<Books, Error> {
    if changes.0.is_empty() {
        return Ok(Books::default());
    }
    let each = |of: fn(&Change) -> i64| changes.0.values().map(of).collect::<Vec<_>>();
    let post = sqlx::query(include_str!("post_budgets.sql"))
        .bind(changes.0.keys().map(|account| account.scope.as_str()).collect::<Vec<_>>())
        .bind(changes.0.keys().map(|account| account.period.as_str()).collect::<Vec<_>>())
        .bind(each(|c| c.spent_cost))
        .bind(each(|c| c.spent_tokens))
        .bind(each(|c| c.held_cost))
        .bind(each(|c| c.held_tokens));
    let mut standing = Books::default();
    for row in conn.rows(post).await? {
        let account = Account { scope: row::get(&row, "scope")?, period: row::get(&row, "period")? };
        standing.0.insert(account, change(&row)?.unwrap_or_default());
    }
    Ok(standing)
}

fn change(row: &PgRow) -> Result<Option<Change>, Error> {
    let Some(spent_cost) = row::get(row, "spent_cost")? else { return Ok(None) };
    Ok(Some(Change {
        spent_cost,
        spent_tokens: row::get(row, "spent_tokens")?,
        held_cost: row::get(row, "held_cost")?,
        held_tokens: row::get(row, "held_tokens")?,
    }))
}

impl Record {
    /// What was spent.
    pub(crate) async fn spend(&self, query: &SpendQuery) -> Result<Vec<SpendRow>, Error> {
        let mut conn = self.conn().await?;
        let now = conn.row(sqlx::query(include_str!("now.sql")).bind(self.now())).await?;
        let days = spending::days(query, &books::day(row::get(&now, "now")?))?;
        let by = |by| query.by.contains(&by);
        let spend = sqlx::query(include_str!("spend.sql"))
            .bind(by(SpendBy::Day))
            .bind(by(SpendBy::Tenant))
            .bind(by(SpendBy::Agent))
            .bind(by(SpendBy::Model))
            .bind(days.0)
            .bind(days.1)
            .bind(query.tenant.as_deref())
            .bind(query.agent.as_deref())
            .bind(query.model.as_deref())
            .bind(i64::from(spending::MAX_ROWS) + 1);
        let rows = conn.rows(spend).await?.iter().map(spend_row).collect::<Result<_, _>>()?;
        spending::answer(query, rows)
    }

    /// How full budgets are.
    pub(crate) async fn fills(&self, budgets: &[Budget]) -> Result<Vec<Fill>, Error> {
        // The day is the server's business; only the scope is taken from here.
        let scopes: Vec<String> = budgets.iter().map(|budget| Account::of(budget, "").scope).collect();
        let period = |budget: &Budget| (budget.period == Period::Total).then(|| Account::of(budget, "").period);
        let read = sqlx::query(include_str!("read_budgets.sql"))
            .bind(scopes)
            .bind(budgets.iter().map(period).collect::<Vec<_>>())
            .bind(self.now());
        let rows = self.conn().await?.rows(read).await?;
        rows.iter().map(|row| Ok(change(row)?.unwrap_or_default().fill())).collect()
    }

    /// Gives back what calls hold whose leases ended; answers how many calls.
    pub(crate) async fn void_holds(&self, batch: u32) -> Result<u32, Error> {
        let mut conn = self.begin().await?;
        let voiding = sqlx::query(include_str!("lose_calls.sql")).bind(i64::from(batch)).bind(self.now());
        let lost = conn.rows(voiding).await?;
        let mut changes = Books::default();
        for row in &lost {
            if row::get(row, "paid")? {
                let payer = calls::payer(row, JobId(row::get(row, "job_id")?))?;
                changes.add(&payer.accounts(row::get(row, "day")?), calls::released(row)?);
            }
        }
        post(&mut conn, &changes).await?;
        conn.commit().await?;
        Ok(lost.len() as u32)
    }

    /// Paused jobs that a budget refused.
    pub(crate) async fn refused(&self, after: Option<JobId>, batch: u32) -> Result<Vec<(JobId, Refused)>, Error> {
        let refused =
            sqlx::query(include_str!("refused.sql")).bind(after.map_or(Uuid::nil(), |id| id.0)).bind(i64::from(batch));
        let mut found = Vec::new();
        for row in self.conn().await?.rows(refused).await? {
            let (id, text) = (JobId(row::get(&row, "id")?), row::get::<String>(&row, "refused")?);
            match serde_json::from_str(&text) {
                Ok(refused) => found.push((id, refused)),
                Err(error) => self.damage.met(format!("job {id}"), error, "it waits until somebody resumes it"),
            }
        }
        Ok(found)
    }

    /// Estimates against what was counted.
    pub(crate) async fn estimates(&self) -> Result<Vec<Estimated>, Error> {
        let query = sqlx::query(include_str!("estimates.sql")).bind(i64::from(spending::MAX_ESTIMATES));
        let estimated = |row: &PgRow| {
            Ok(Estimated {
                model: row::get(row, "model")?,
                calls: count(row, "calls")?,
                estimated: count(row, "estimated")?,
                counted: count(row, "counted")?,
            })
        };
        self.conn().await?.rows(query).await?.iter().map(estimated).collect()
    }

    /// Deletes what was spent long ago; answers how many rows went.
    pub(crate) async fn prune_spend(&self, age_ms: i64, batch: u32) -> Result<u32, Error> {
        let prune = sqlx::query(include_str!("prune_spend.sql")).bind(age_ms).bind(i64::from(batch)).bind(self.now());
        Ok(count(&self.conn().await?.row(prune).await?, "gone")? as u32)
    }
}

fn spend_row(row: &PgRow) -> Result<SpendRow, Error> {
    let day: Option<String> = row::get(row, "day")?;
    Ok(SpendRow {
        day: day.map(|day| day.parse().map_err(|_| corrupt(&format!("`{day}` is no day")))).transpose()?,
        tenant: row::get(row, "tenant")?,
        agent: row::get(row, "agent")?,
        model: row::get(row, "model")?,
        calls: count(row, "calls")?,
        lost: count(row, "lost")?,
        unknown: count(row, "unknown")?,
        estimated: count(row, "estimated")?,
        usage: usage(row)?.unwrap_or_default(),
        cost: MicroUsd(count(row, "cost")?),
        held: MicroUsd(count(row, "held")?),
        cached: count(row, "cached")?,
        saved: MicroUsd(count(row, "saved")?),
    })
}
