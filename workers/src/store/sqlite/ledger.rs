//! What was spent and what is held, on record.

use super::{
    calls, journal, row,
    tx::Tx,
    unit::{Args, Unit},
};
use crate::{
    clock::Millis,
    ledger::{Budget, Estimated, Fill, Refused},
    store::{
        Error,
        books::{self, Account, Books, Change, Payer},
        damage::Damage,
        spending,
    },
};
use flotilla_jobs::{
    JobId, MicroUsd,
    api::{SpendBy, SpendQuery, SpendRow},
};
use sqlx::{SqliteConnection, sqlite::SqliteRow};

static READ_BUDGET: Unit = Unit::new(include_str!("read_budget.sql"));
static POST_BUDGET: Unit = Unit::new(include_str!("post_budget.sql"));
static DEAD_CALLS: Unit = Unit::new(include_str!("dead_calls.sql"));
static LOSE_CALL: Unit = Unit::new(include_str!("lose_call.sql"));
static SPEND: Unit = Unit::new(include_str!("spend.sql"));
static REFUSED: Unit = Unit::new(include_str!("refused.sql"));
static ESTIMATES: Unit = Unit::new(include_str!("estimates.sql"));
static OLD_SPEND: Unit = Unit::new(include_str!("old_spend.sql"));
static PRUNE_SPEND: Unit = Unit::new(include_str!("prune_spend.sql"));

/// How accounts stand.
pub(super) async fn read(conn: &mut SqliteConnection, accounts: &[Account]) -> Result<Books, Error> {
    let done = READ_BUDGET.run(conn, accounts, |account, args| args.add(&account.scope).add(&account.period)).await?;
    let mut books = Books::default();
    for (account, done) in accounts.iter().zip(&done) {
        if let Some(row) = done.rows.first() {
            let change = Change {
                spent_cost: row::get(row, "spent_cost")?,
                spent_tokens: row::get(row, "spent_tokens")?,
                held_cost: row::get(row, "held_cost")?,
                held_tokens: row::get(row, "held_tokens")?,
            };
            books.0.insert(account.clone(), change);
        }
    }
    Ok(books)
}

/// Changes accounts.
pub(super) async fn post(tx: &mut Tx<'_>, changes: &Books) -> Result<(), Error> {
    let changes: Vec<(&Account, &Change)> = changes.0.iter().collect();
    let post = POST_BUDGET.run(tx.conn, &changes, |(account, change), args: Args| {
        let args = args.add(&account.scope).add(&account.period).add(change.spent_cost).add(change.spent_tokens);
        args.add(change.held_cost).add(change.held_tokens)
    });
    post.await.map(drop)
}

/// Gives back what calls hold whose leases ended; answers how many calls.
pub(super) async fn void(tx: &mut Tx<'_>, batch: u32) -> Result<u32, Error> {
    let dead = DEAD_CALLS.run_one(tx.conn, |args| args.add(batch)).await?.rows;
    let mut changes = Books::default();
    let mut places: Vec<(uuid::Uuid, u32, u32, u32)> = Vec::with_capacity(dead.len());
    for row in &dead {
        places.push((row::get(row, "id")?, row::get(row, "thread")?, row::get(row, "seq")?, row::get(row, "attempt")?));
        if row::get(row, "paid")? {
            let job = JobId(row::get(row, "job_id")?);
            let payer = Payer { job, tenant: row::get(row, "tenant")?, session: row::get(row, "session")? };
            changes.add(&payer.accounts(row::get(row, "day")?), calls::released(row)?);
        }
    }
    let now = tx.now;
    LOSE_CALL
        .run(tx.conn, &places, |(run, thread, seq, attempt), args| {
            args.add(now).add(run).add(thread).add(seq).add(attempt)
        })
        .await?;
    post(tx, &changes).await?;
    Ok(dead.len() as u32)
}

/// Whether there is anything to give back.
pub(super) async fn any_dead(conn: &mut SqliteConnection) -> Result<bool, Error> {
    Ok(!DEAD_CALLS.run_one(conn, |args| args.add(1)).await?.rows.is_empty())
}

/// How full budgets are.
pub(super) async fn fills(conn: &mut SqliteConnection, budgets: &[Budget], now: Millis) -> Result<Vec<Fill>, Error> {
    let day = books::day(now);
    let accounts: Vec<Account> = budgets.iter().map(|budget| Account::of(budget, &day)).collect();
    let books = read(conn, &accounts).await?;
    Ok(accounts.iter().map(|account| books.0.get(account).copied().unwrap_or_default().fill()).collect())
}

/// What was spent.
pub(super) async fn spend(
    conn: &mut SqliteConnection,
    query: &SpendQuery,
    now: Millis,
) -> Result<Vec<SpendRow>, Error> {
    let today = books::day(now);
    let days = spending::days(query, &today)?;
    let by = |by| i64::from(query.by.contains(&by));
    let (tenant, agent, model) = (query.tenant.as_deref(), query.agent.as_deref(), query.model.as_deref());
    let done = SPEND
        .run_one(conn, |args| {
            let args = args.add(by(SpendBy::Day)).add(by(SpendBy::Tenant)).add(by(SpendBy::Agent));
            let args = args.add(by(SpendBy::Model)).add(&days.0).add(&days.1);
            let args = args.add(tenant).add(tenant).add(agent).add(agent).add(model).add(model);
            args.add(spending::MAX_ROWS + 1)
        })
        .await?;
    let rows = done.rows.iter().map(spend_row).collect::<Result<_, _>>()?;
    spending::answer(query, rows)
}

fn spend_row(row: &SqliteRow) -> Result<SpendRow, Error> {
    let day: Option<&str> = row::get(row, "day")?;
    Ok(SpendRow {
        day: day.map(|day| day.parse().map_err(|_| row::corrupt(&format!("`{day}` is no day")))).transpose()?,
        tenant: row::get(row, "tenant")?,
        agent: row::get(row, "agent")?,
        model: row::get(row, "model")?,
        calls: journal::count(row, "calls")?,
        lost: journal::count(row, "lost")?,
        unknown: journal::count(row, "unknown")?,
        estimated: journal::count(row, "estimated")?,
        usage: journal::usage(row)?.unwrap_or_default(),
        cost: MicroUsd(journal::count(row, "cost")?),
        held: MicroUsd(journal::count(row, "held")?),
        cached: journal::count(row, "cached")?,
        saved: MicroUsd(journal::count(row, "saved")?),
    })
}

/// Paused jobs that a budget refused.
pub(super) async fn refused(
    conn: &mut SqliteConnection,
    after: Option<JobId>,
    batch: u32,
    damage: &Damage,
) -> Result<Vec<(JobId, Refused)>, Error> {
    let from = after.map_or(uuid::Uuid::nil(), |id| id.0);
    let done = REFUSED.run_one(conn, |args| args.add(from).add(batch)).await?;
    let mut found = Vec::with_capacity(done.rows.len());
    for row in &done.rows {
        let (id, text) = (row::id(row)?, row::get::<&str>(row, "refused")?);
        match serde_json::from_str(text) {
            Ok(refused) => found.push((id, refused)),
            Err(error) => damage.met(format!("job {id}"), error, "it waits until somebody resumes it"),
        }
    }
    Ok(found)
}

/// Estimates against what was counted.
pub(super) async fn estimates(conn: &mut SqliteConnection) -> Result<Vec<Estimated>, Error> {
    let done = ESTIMATES.run_one(conn, |args| args.add(spending::MAX_ESTIMATES)).await?;
    let estimated = |row: &SqliteRow| {
        Ok(Estimated {
            model: row::get(row, "model")?,
            calls: journal::count(row, "calls")?,
            estimated: journal::count(row, "estimated")?,
            counted: journal::count(row, "counted")?,
        })
    };
    done.rows.iter().map(estimated).collect()
}

/// Whether anything was spent before a day.
pub(super) async fn any_old(conn: &mut SqliteConnection, before: &str) -> Result<bool, Error> {
    Ok(!OLD_SPEND.run_one(conn, |args| args.add(before).add(before)).await?.rows.is_empty())
}

/// Deletes what was spent before a day; answers how many rows went.
pub(super) async fn prune(tx: &mut Tx<'_>, before: &str, batch: u32) -> Result<u32, Error> {
    let done = PRUNE_SPEND.run_one(tx.conn, |args| args.add(before).add(batch).add(before).add(batch)).await?;
    Ok(done.rows.len() as u32)
}
