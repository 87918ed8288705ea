//! Writing what was decided.

use super::{Plan, Starting};
use crate::{
    journal::{EndStep, Note, StepOutcome},
    ledger::Call,
    store::{
        Error,
        books::signed,
        postgres::{journal::number, pool::Conn, text},
        steps::{self, MAX_COST, MAX_TOKENS},
    },
};
use flotilla_jobs::{JobId, Usage};
use std::collections::BTreeMap;

/// Writes it; the transaction stays open.
pub(super) async fn write(conn: &mut Conn, plan: &Plan<'_>, day: &str, now: i64) -> Result<(), Error> {
    ends(conn, &plan.ends, now).await?;
    begins(conn, &plan.begins, day, now).await?;
    notes(conn, &plan.notes, now).await?;
    // Of two refusals of one job the last stays.
    let refused = plan.refused.iter().map(|(lease, refused)| (lease.job, (lease.run, refused)));
    let refused: BTreeMap<JobId, _> = refused.collect();
    if refused.is_empty() {
        return Ok(());
    }
    let refuse = sqlx::query(include_str!("../refuse.sql"))
        .bind(refused.keys().map(|job| job.0).collect::<Vec<_>>())
        .bind(refused.values().map(|(run, _)| *run as i32).collect::<Vec<_>>())
        .bind(refused.values().map(|(_, refused)| text::of(refused)).collect::<Vec<_>>());
    conn.run(refuse).await
}

async fn ends(conn: &mut Conn, ends: &[(&EndStep, bool)], now: i64) -> Result<(), Error> {
    if ends.is_empty() {
        return Ok(());
    }
    let count = |of: fn(&Usage) -> u64| {
        let of = |usage: &Usage| signed(of(usage).min(MAX_TOKENS));
        ends.iter().map(|(e, _)| e.usage.as_ref().map(of)).collect::<Vec<_>>()
    };
    let response = |(end, finishes): &(&EndStep, bool)| match &end.outcome {
        StepOutcome::Done(response) if *finishes => Some(response.get().to_owned()),
        _ => None,
    };
    let end = sqlx::query(include_str!("../end_calls.sql"))
        .bind(ends.iter().map(|(e, _)| e.run.0).collect::<Vec<_>>())
        .bind(ends.iter().map(|(e, _)| number(e.key.thread)).collect::<Vec<_>>())
        .bind(ends.iter().map(|(e, _)| number(e.key.seq)).collect::<Vec<_>>())
        .bind(ends.iter().map(|(e, _)| number(e.attempt)).collect::<Vec<_>>())
        .bind(ends.iter().map(|(e, _)| steps::outcome(e).0).collect::<Vec<_>>())
        .bind(ends.iter().map(|(e, _)| steps::outcome(e).1.map(text::plain)).collect::<Vec<_>>())
        .bind(count(|u| u.input))
        .bind(count(|u| u.cache_read))
        .bind(count(|u| u.cache_write))
        .bind(count(|u| u.cache_write_1h))
        .bind(count(|u| u.output))
        .bind(count(|u| u.reasoning))
        .bind(ends.iter().map(|(e, _)| e.cost.map(|cost| signed(cost.0.min(MAX_COST)))).collect::<Vec<_>>())
        .bind(ends.iter().map(|(e, _)| e.request_id.as_deref().map(text::plain)).collect::<Vec<_>>())
        .bind(ends.iter().map(response).collect::<Vec<_>>())
        .bind(now);
    conn.run(end).await
}

async fn begins(conn: &mut Conn, begins: &[Starting<'_>], day: &str, now: i64) -> Result<(), Error> {
    if begins.is_empty() {
        return Ok(());
    }
    let calls: Vec<Option<&Call>> = begins.iter().map(|s| s.begin.call.as_ref()).collect();
    let count = |of: fn(&Call) -> u64| calls.iter().map(|c| c.map_or(0, |c| signed(of(c)))).collect::<Vec<_>>();
    let name = |of: fn(&Call) -> &str| calls.iter().map(|c| c.map(of)).collect::<Vec<_>>();
    let price = |call: Option<&Call>| call.and_then(|c| c.price.as_ref()).map(|price| price.get().to_owned());
    let begin = sqlx::query(include_str!("../begin_calls.sql"))
        .bind(begins.iter().map(|s| s.begin.run.0).collect::<Vec<_>>())
        .bind(begins.iter().map(|s| number(s.begin.key.thread)).collect::<Vec<_>>())
        .bind(begins.iter().map(|s| number(s.begin.key.seq)).collect::<Vec<_>>())
        .bind(begins.iter().map(|s| s.begin.kind.as_str()).collect::<Vec<_>>())
        .bind(begins.iter().map(|s| s.begin.name.as_str()).collect::<Vec<_>>())
        .bind(begins.iter().map(|s| s.begin.input_hash.to_vec()).collect::<Vec<_>>())
        .bind(begins.iter().map(|s| number(s.attempt)).collect::<Vec<_>>())
        .bind(begins.iter().map(|s| s.begin.request.as_ref().map(|r| r.get())).collect::<Vec<_>>())
        .bind(begins.iter().map(|s| s.begin.lease.job.0).collect::<Vec<_>>())
        .bind(begins.iter().map(|s| s.begin.lease.run as i32).collect::<Vec<_>>())
        .bind(begins.iter().map(|s| s.agent.as_str()).collect::<Vec<_>>())
        .bind(begins.iter().map(|s| s.payer.tenant.as_str()).collect::<Vec<_>>())
        .bind(begins.iter().map(|s| s.payer.session.as_deref()).collect::<Vec<_>>())
        .bind(name(|c| &c.provider))
        .bind(name(|c| &c.model))
        .bind(calls.iter().copied().map(price).collect::<Vec<_>>())
        .bind(count(|c| c.hold.cost.0))
        .bind(count(|c| c.hold.tokens))
        .bind(count(|c| c.estimated_input))
        .bind(day)
        .bind(now)
        .bind(
            calls
                .iter()
                .map(|c| c.and_then(|c| c.saved).map(|saved| signed(saved.0.min(MAX_COST))))
                .collect::<Vec<_>>(),
        );
    conn.run(begin).await
}

async fn notes(conn: &mut Conn, notes: &[&Note], now: i64) -> Result<(), Error> {
    if notes.is_empty() {
        return Ok(());
    }
    let note = sqlx::query(include_str!("../note_steps.sql"))
        .bind(notes.iter().map(|n| n.run.0).collect::<Vec<_>>())
        .bind(notes.iter().map(|n| number(n.key.thread)).collect::<Vec<_>>())
        .bind(notes.iter().map(|n| number(n.key.seq)).collect::<Vec<_>>())
        .bind(notes.iter().map(|n| n.kind.as_str()).collect::<Vec<_>>())
        .bind(notes.iter().map(|n| n.name.as_str()).collect::<Vec<_>>())
        .bind(notes.iter().map(|n| n.input_hash.to_vec()).collect::<Vec<_>>())
        .bind(notes.iter().map(|n| n.request.as_ref().map(|r| r.get())).collect::<Vec<_>>())
        .bind(notes.iter().map(|n| n.value.get()).collect::<Vec<_>>())
        .bind(now);
    conn.run(note).await
}
