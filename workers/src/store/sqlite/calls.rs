//! Calls of agents on record: how they begin and end, and the steps that need none.

use super::{journal, ledger, row, tx::Tx, unit::Unit};
use crate::{
    journal::{Begin, Begun, EndStep, Ended, Lease, Note, Noted, RunId, StepKey, StepOutcome},
    ledger::{Call, Hold},
    store::{
        Error,
        books::{self, Account, Books, Change, Payer, signed},
        steps::{self, Known, MAX_COST, Standing},
    },
};
use flotilla_jobs::{MicroUsd, Usage};
use sqlx::sqlite::SqliteRow;

static LOOK_STEP: Unit = Unit::new(include_str!("look_step.sql"));
static BEGIN_CALL: Unit = Unit::new(include_str!("begin_call.sql"));
static REFUSE: Unit = Unit::new(include_str!("refuse.sql"));
static LOOK_CALL: Unit = Unit::new(include_str!("look_call.sql"));
static END_CALL: Unit = Unit::new(include_str!("end_call.sql"));
static FINISH_STEP: Unit = Unit::new(include_str!("finish_step.sql"));
static NOTE_STEP: Unit = Unit::new(include_str!("note_step.sql"));

/// Dead holds that are voided for one call that has no room.
const DEAD: u32 = 1_000;

/// A step's place, looked at under a lease that holds.
struct Look {
    agent: String,
    payer: Payer,
    known: Option<Known>,
}

/// Begins calls; answers in the order given.
pub(super) async fn begin(tx: &mut Tx<'_>, begins: &[Begin]) -> Result<Vec<Begun>, Error> {
    let mut begun = Vec::with_capacity(begins.len());
    for begin in begins {
        begun.push(begin_one(tx, begin).await?);
    }
    Ok(begun)
}

async fn begin_one(tx: &mut Tx<'_>, begin: &Begin) -> Result<Begun, Error> {
    let Some(look) = look(tx, &begin.lease, begin.run, begin.key).await? else { return Ok(Begun::LeaseLost) };
    let attempt = match steps::may_begin(begin, look.known) {
        Ok(attempt) => attempt,
        Err(instead) => return Ok(instead),
    };
    let day = books::day(tx.now);
    if let Some(call) = &begin.call {
        let accounts = look.payer.accounts(&day);
        books::check_limits(&call.limits, &accounts, &day)?;
        let mut room = ledger::read(tx.conn, &accounts).await?.has_room(call, &day);
        if room.is_err() && ledger::void(tx, DEAD).await? > 0 {
            room = ledger::read(tx.conn, &accounts).await?.has_room(call, &day);
        }
        if let Err(refused) = room {
            let text = serde_json::to_string(&refused).unwrap_or_default();
            REFUSE.run_one(tx.conn, |args| args.add(begin.lease.job.0).add(begin.lease.run).add(&text)).await?;
            return Ok(Begun::Refused(refused));
        }
        let mut changes = Books::default();
        changes.add(&accounts, Change::hold(call.hold));
        ledger::post(tx, &changes).await?;
    }
    write_begin(tx, begin, attempt, &look.agent, &look.payer, &day).await?;
    Ok(Begun::Started { attempt })
}

async fn write_begin(
    tx: &mut Tx<'_>,
    begin: &Begin,
    attempt: u32,
    agent: &str,
    payer: &Payer,
    day: &str,
) -> Result<(), Error> {
    let (Begin { lease, run, key, call, .. }, now) = (begin, tx.now);
    let hold = call.as_ref().map(|call| call.hold).unwrap_or_default();
    let estimated = call.as_ref().map_or(0, |call| signed(call.estimated_input));
    let saved = call.as_ref().and_then(|call| call.saved).map(|saved| signed(saved.0.min(MAX_COST)));
    let of = |of: fn(&Call) -> Option<&str>| call.as_ref().and_then(of);
    let done = BEGIN_CALL.run_one(tx.conn, |args| {
        let args = args.add(run.0).add(key.thread).add(key.seq).add(begin.kind.as_str()).add(&begin.name);
        let args = args.add(&begin.input_hash[..]).add(attempt).add(now).add(begin.request.as_ref().map(|r| r.get()));
        let args = args.add(run.0).add(key.thread).add(key.seq).add(attempt).add(lease.job.0).add(lease.run);
        let args = args.add(agent).add(&payer.tenant).add(payer.session.as_deref());
        let args = args.add(of(|c| Some(&c.provider))).add(of(|c| Some(&c.model)));
        let args = args.add(of(|c| c.price.as_ref().map(|price| price.get())));
        let args = args.add(signed(hold.cost.0)).add(signed(hold.tokens)).add(estimated).add(saved);
        let args = args.add(day).add(now);
        args.add(lease.job.0).add(lease.run)
    });
    done.await.map(drop)
}

async fn look(tx: &mut Tx<'_>, lease: &Lease, run: RunId, key: StepKey) -> Result<Option<Look>, Error> {
    let done = LOOK_STEP
        .run_one(tx.conn, |args| args.add(key.thread).add(key.seq).add(lease.job.0).add(lease.run).add(run.0))
        .await?;
    let Some(row) = done.rows.first() else { return Ok(None) };
    let payer = Payer { job: lease.job, tenant: row::get(row, "tenant")?, session: row::get(row, "session")? };
    Ok(Some(Look { agent: row::get(row, "agent")?, payer, known: journal::known(row, run, key)? }))
}

/// Ends calls; answers in the order given.
pub(super) async fn end(tx: &mut Tx<'_>, ends: &[EndStep]) -> Result<Vec<Ended>, Error> {
    let mut ended = Vec::with_capacity(ends.len());
    for end in ends {
        ended.push(end_one(tx, end).await?);
    }
    Ok(ended)
}

async fn end_one(tx: &mut Tx<'_>, end: &EndStep) -> Result<Ended, Error> {
    let EndStep { lease, run, key, attempt, .. } = end;
    let found = LOOK_CALL
        .run_one(tx.conn, |args| {
            let args = args.add(lease.job.0).add(lease.run).add(run.0).add(key.thread).add(key.seq);
            args.add(attempt).add(lease.job.0)
        })
        .await?;
    let Some(row) = found.rows.first() else { return Err(steps::no_call(end).into()) };
    let standing = Standing {
        outcome: row::get(row, "outcome")?,
        holds: row::get(row, "holds")?,
        done_by: row::get(row, "done_by")?,
    };
    if standing.is_news() {
        write_end(tx, end).await?;
        if row::get(row, "paid")? {
            let spent = Change::spend(end, journal::count(row, "held_tokens")?);
            let change = if standing.outcome == steps::OPEN { spent.and(released(row)?) } else { spent };
            let mut changes = Books::default();
            changes.add(&accounts(row, end)?, change);
            ledger::post(tx, &changes).await?;
        }
    }
    if let (true, StepOutcome::Done(response)) = (standing.finishes(end), &end.outcome) {
        let now = tx.now;
        FINISH_STEP
            .run_one(tx.conn, |args| {
                args.add(response.get()).add(now).add(attempt).add(run.0).add(key.thread).add(key.seq)
            })
            .await?;
    }
    Ok(standing.answer(end))
}

async fn write_end(tx: &mut Tx<'_>, end: &EndStep) -> Result<(), Error> {
    let (now, (outcome, error)) = (tx.now, steps::outcome(end));
    let of = |of: fn(&Usage) -> u64| end.usage.as_ref().map(|usage| signed(of(usage).min(steps::MAX_TOKENS)));
    let cost = end.cost.map(|cost| signed(cost.0.min(MAX_COST)));
    let done = END_CALL.run_one(tx.conn, |args| {
        let args = args.add(outcome).add(error).add(of(|u| u.input)).add(of(|u| u.cache_read));
        let args = args.add(of(|u| u.cache_write)).add(of(|u| u.cache_write_1h)).add(of(|u| u.output));
        let args = args.add(of(|u| u.reasoning)).add(cost).add(end.request_id.as_deref()).add(now);
        args.add(end.run.0).add(end.key.thread).add(end.key.seq).add(end.attempt)
    });
    done.await.map(drop)
}

fn accounts(row: &SqliteRow, end: &EndStep) -> Result<Vec<Account>, Error> {
    let payer = Payer { job: end.lease.job, tenant: row::get(row, "tenant")?, session: row::get(row, "session")? };
    Ok(payer.accounts(row::get(row, "day")?))
}

/// What a call on record held.
pub(super) fn released(row: &SqliteRow) -> Result<Change, Error> {
    let (cost, tokens) = (journal::count(row, "held_cost")?, journal::count(row, "held_tokens")?);
    Ok(Change::release(Hold { cost: MicroUsd(cost), tokens }))
}

/// Puts notes on record; answers in the order given.
pub(super) async fn note(tx: &mut Tx<'_>, notes: &[Note]) -> Result<Vec<Noted>, Error> {
    let now = tx.now;
    let mut answers = Vec::with_capacity(notes.len());
    for note in notes {
        let Note { lease, run, key, kind, name, input_hash, request, value } = note;
        let Some(look) = look(tx, lease, *run, *key).await? else {
            answers.push(Noted::LeaseLost);
            continue;
        };
        if let Some(instead) = steps::noted(note, look.known) {
            answers.push(instead);
            continue;
        }
        NOTE_STEP
            .run_one(tx.conn, |args| {
                let args = args.add(run.0).add(key.thread).add(key.seq).add(kind.as_str()).add(name);
                let args = args.add(&input_hash[..]).add(now).add(now);
                args.add(request.as_ref().map(|r| r.get())).add(value.get())
            })
            .await?;
        answers.push(Noted::Recorded);
    }
    Ok(answers)
}
