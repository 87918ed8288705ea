//! Calls of agents on record: how they begin and end, and the steps that need none, of many callers in one
//! transaction.
//!
//! Whoever changes both locks in one order: jobs, calls, budgets. A budget of the whole fleet is locked once for all
//! that share a transaction, and only for its last statements.

mod write;

use super::{Record, journal, pool::Conn, row};
use crate::{
    journal::{Begin, Begun, EndStep, Ended, Lease, Note, Noted, RunId, StepKey},
    ledger::{Hold, Refused},
    store::{
        Error,
        books::{self, Account, Books, Change, Payer},
        postgres::ledger,
        steps::{self, Known, Standing},
    },
};
use flotilla_jobs::{JobId, MicroUsd};
use sqlx::postgres::PgRow;
use uuid::Uuid;

/// What is to be put on record together. No step is named twice.
#[derive(Default)]
pub(crate) struct Entries {
    pub(crate) ends: Vec<EndStep>,
    pub(crate) begins: Vec<Begin>,
    pub(crate) notes: Vec<Note>,
}

/// What came of each, in the order given.
#[derive(Default)]
pub(crate) struct Entered {
    pub(crate) ends: Vec<Ended>,
    pub(crate) begins: Vec<Begun>,
    pub(crate) notes: Vec<Noted>,
}

/// A step's place, looked at under a lease that holds.
struct Look {
    agent: String,
    payer: Payer,
    known: Option<Known>,
}

/// A call that may be made as far as the journal decides.
struct Starting<'a> {
    begin: &'a Begin,
    attempt: u32,
    agent: String,
    payer: Payer,
    /// The budgets it counts in; none where it costs nothing.
    accounts: Vec<Account>,
}

/// What is written at the end of a transaction.
#[derive(Default)]
struct Plan<'a> {
    /// Ends, and whether each finishes its step.
    ends: Vec<(&'a EndStep, bool)>,
    begins: Vec<Starting<'a>>,
    refused: Vec<(&'a Lease, Refused)>,
    notes: Vec<&'a Note>,
}

impl Record {
    /// Puts all of it on record, or nothing.
    pub(crate) async fn enter(&self, entries: &Entries) -> Result<Entered, Error> {
        let Entries { ends, begins, notes } = entries;
        let mut jobs: Vec<JobId> = ends.iter().map(|e| e.lease.job).collect();
        jobs.extend(begins.iter().map(|b| b.lease.job).chain(notes.iter().map(|n| n.lease.job)));
        jobs.sort_unstable();
        jobs.dedup();

        let mut conn = self.begin().await?;
        let now = journal::lock(&mut conn, &jobs, self.now()).await?;
        let (mut plan, mut entered, day) = (Plan::default(), Entered::default(), books::day(now));
        let settled = end(&mut conn, ends, &mut plan, &mut entered).await?;

        let places = begins.iter().map(|b| (&b.lease, b.run, b.key));
        let places: Vec<_> = places.chain(notes.iter().map(|n| (&n.lease, n.run, n.key))).collect();
        let mut looks = look(&mut conn, &places).await?.into_iter();
        let mut begun = begin(begins, looks.by_ref().take(begins.len()), &day)?;
        admit(&mut conn, settled, &mut begun, &mut plan, &day).await?;
        entered.begins = begun.into_iter().map(|step| step.begun(&mut plan)).collect();
        entered.notes = notes.iter().zip(looks).map(|(note, look)| noted(note, look, &mut plan)).collect();

        write::write(&mut conn, &plan, &day, now).await?;
        conn.commit().await?;
        Ok(entered)
    }
}

/// Decides over ends; answers how budgets change by them.
async fn end<'a>(
    conn: &mut Conn,
    ends: &'a [EndStep],
    plan: &mut Plan<'a>,
    entered: &mut Entered,
) -> Result<Books, Error> {
    let mut changes = Books::default();
    if ends.is_empty() {
        return Ok(changes);
    }
    let looked = sqlx::query(include_str!("look_calls.sql"))
        .bind(ends.iter().map(|e| e.lease.job.0).collect::<Vec<_>>())
        .bind(ends.iter().map(|e| e.lease.run as i32).collect::<Vec<_>>())
        .bind(ends.iter().map(|e| e.run.0).collect::<Vec<_>>())
        .bind(ends.iter().map(|e| journal::number(e.key.thread)).collect::<Vec<_>>())
        .bind(ends.iter().map(|e| journal::number(e.key.seq)).collect::<Vec<_>>())
        .bind(ends.iter().map(|e| journal::number(e.attempt)).collect::<Vec<_>>());
    let found = by_number(ends.len(), conn.rows(looked).await?)?;
    for (end, row) in ends.iter().zip(found) {
        let row = row.ok_or_else(|| steps::no_call(end))?;
        let standing = Standing {
            outcome: row::get(&row, "outcome")?,
            holds: row::get(&row, "holds")?,
            done_by: row::get::<Option<i32>>(&row, "done_by")?.map(|by| by as u32),
        };
        if standing.is_news() {
            plan.ends.push((end, standing.finishes(end)));
            if row::get(&row, "paid")? {
                let spent = Change::spend(end, journal::count(&row, "held_tokens")?);
                let change = if standing.outcome == steps::OPEN { spent.and(released(&row)?) } else { spent };
                let payer = payer(&row, end.lease.job)?;
                changes.add(&payer.accounts(row::get(&row, "day")?), change);
            }
        }
        entered.ends.push(standing.answer(end));
    }
    Ok(changes)
}

/// What is on record in each of these places; `None` where the lease was taken away.
async fn look(conn: &mut Conn, places: &[(&Lease, RunId, StepKey)]) -> Result<Vec<Option<Look>>, Error> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let looked = sqlx::query(include_str!("look_steps.sql"))
        .bind(places.iter().map(|(lease, ..)| lease.job.0).collect::<Vec<_>>())
        .bind(places.iter().map(|(lease, ..)| lease.run as i32).collect::<Vec<_>>())
        .bind(places.iter().map(|(_, run, _)| run.0).collect::<Vec<Uuid>>())
        .bind(places.iter().map(|(.., key)| journal::number(key.thread)).collect::<Vec<_>>())
        .bind(places.iter().map(|(.., key)| journal::number(key.seq)).collect::<Vec<_>>());
    let found = by_number(places.len(), conn.rows(looked).await?)?;
    let look = |((lease, run, key), row): (&(&Lease, RunId, StepKey), Option<PgRow>)| {
        let Some(row) = row else { return Ok(None) };
        let (agent, payer) = (row::get(&row, "agent")?, payer(&row, lease.job)?);
        Ok(Some(Look { agent, payer, known: journal::known(&row, *run, *key)? }))
    };
    places.iter().zip(found).map(look).collect()
}

/// What comes of one begin.
enum Step<'a> {
    Not(Begun),
    Start(Starting<'a>),
}

impl<'a> Step<'a> {
    fn begun(self, plan: &mut Plan<'a>) -> Begun {
        match self {
            Self::Not(begun) => begun,
            Self::Start(starting) => {
                let attempt = starting.attempt;
                plan.begins.push(starting);
                Begun::Started { attempt }
            }
        }
    }
}

/// Decides over begins as far as the journal does.
fn begin<'a>(
    begins: &'a [Begin],
    looks: impl Iterator<Item = Option<Look>>,
    day: &str,
) -> Result<Vec<Step<'a>>, Error> {
    let step = |(begin, look): (&'a Begin, Option<Look>)| {
        let Some(Look { agent, payer, known }) = look else { return Ok(Step::Not(Begun::LeaseLost)) };
        let attempt = match steps::may_begin(begin, known) {
            Ok(attempt) => attempt,
            Err(instead) => return Ok(Step::Not(instead)),
        };
        let accounts = if begin.call.is_some() { payer.accounts(day) } else { Vec::new() };
        books::check_limits(begin.call.as_ref().map_or(&[], |call| &call.limits), &accounts, day)?;
        Ok(Step::Start(Starting { begin, attempt, agent, payer, accounts }))
    };
    begins.iter().zip(looks).map(step).collect()
}

/// Changes budgets by what ended, and by what begins as far as there is room.
///
/// Everything is written as if there were, in one statement that also locks; what has none is taken back.
async fn admit<'a>(
    conn: &mut Conn,
    settled: Books,
    steps: &mut [Step<'a>],
    plan: &mut Plan<'a>,
    day: &str,
) -> Result<(), Error> {
    let mut changes = settled;
    for step in steps.iter() {
        if let Step::Start(Starting { begin: Begin { call: Some(call), .. }, accounts, .. }) = step {
            changes.add(accounts, Change::hold(call.hold));
        }
    }
    let mut standing = ledger::post(conn, &changes).await?;
    for step in steps.iter() {
        if let Step::Start(Starting { begin: Begin { call: Some(call), .. }, accounts, .. }) = step {
            standing.add(accounts, Change::release(call.hold));
        }
    }
    let mut back = Books::default();
    for step in steps {
        let Step::Start(Starting { begin: Begin { call: Some(call), lease, .. }, accounts, .. }) = step else {
            continue;
        };
        match standing.has_room(call, day) {
            Ok(()) => standing.add(accounts, Change::hold(call.hold)),
            Err(refused) => {
                back.add(accounts, Change::release(call.hold));
                plan.refused.push((lease, refused.clone()));
                *step = Step::Not(Begun::Refused(refused));
            }
        }
    }
    ledger::post(conn, &back).await.map(drop)
}

fn noted<'a>(note: &'a Note, look: Option<Look>, plan: &mut Plan<'a>) -> Noted {
    let Some(look) = look else { return Noted::LeaseLost };
    steps::noted(note, look.known).unwrap_or_else(|| {
        plan.notes.push(note);
        Noted::Recorded
    })
}

/// Puts rows in the places that their column `n` says, from 1.
fn by_number(places: usize, rows: Vec<PgRow>) -> Result<Vec<Option<PgRow>>, Error> {
    let mut found: Vec<Option<PgRow>> = std::iter::repeat_with(|| None).take(places).collect();
    for row in rows {
        let n = row::get::<i64>(&row, "n")? as usize;
        if let Some(place) = n.checked_sub(1).and_then(|n| found.get_mut(n)) {
            *place = Some(row);
        }
    }
    Ok(found)
}

/// Whose call or run it is.
pub(super) fn payer(row: &PgRow, job: JobId) -> Result<Payer, Error> {
    Ok(Payer { job, tenant: row::get(row, "tenant")?, session: row::get(row, "session")? })
}

/// What a call on record held.
pub(super) fn released(row: &PgRow) -> Result<Change, Error> {
    let (cost, tokens) = (journal::count(row, "held_cost")?, journal::count(row, "held_tokens")?);
    Ok(Change::release(Hold { cost: MicroUsd(cost), tokens }))
}
