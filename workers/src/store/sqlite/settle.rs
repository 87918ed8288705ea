//! Recording how runs ended: the results of many callers are written together.

use super::{
    end::{Finish, GiveBack},
    row::{self, Place},
    tx::Tx,
    unit::Unit,
};
use crate::{
    clock::millis,
    store::{End, Error, Settle, Settled, ending::Ending},
};
use flotilla_jobs::JobId;
use std::{borrow::Cow, collections::HashSet, time::Duration};

static CANCEL_FLAG: Unit = Unit::of_keys(include_str!("cancel_flag.sql"));

/// Records ends; answers in the order given.
pub(super) async fn settle(tx: &mut Tx<'_>, ends: &[&Settle]) -> Result<Vec<Settled>, Error> {
    let mut settled = vec![Settled::LeaseLost; ends.len()];
    // Of two ends of one run, the first counts.
    let mut seen: HashSet<(JobId, u32)> = HashSet::with_capacity(ends.len());
    let firsts: Vec<usize> =
        (0..ends.len()).filter(|i| seen.insert((ends[*i].lease.job, ends[*i].lease.run))).collect();
    let cancelled = cancel_asked(tx, ends, &firsts).await?;

    let (mut finals, mut backs) = (Vec::new(), Vec::new());
    for i in firsts {
        match finish(ends[i], cancelled.contains(&i)) {
            Some(end) => finals.push((i, end)),
            None => backs.extend(give_back(ends[i], tx.now).map(|end| (i, end))),
        }
    }
    let (places, finals): (Vec<usize>, Vec<Finish<'_>>) = finals.into_iter().unzip();
    for ((i, end), counted) in places.iter().zip(&finals).zip(tx.finish(&finals).await?) {
        if counted {
            settled[*i] = Settled::Recorded(end.state);
        }
    }
    let (places, backs): (Vec<usize>, Vec<GiveBack<'_>>) = backs.into_iter().unzip();
    for ((i, end), counted) in places.iter().zip(&backs).zip(tx.give_back(&backs).await?) {
        if counted {
            settled[*i] = Settled::Recorded(end.to.state());
        }
    }
    tx.square().await?;
    Ok(settled)
}

/// Places of the ends that would put a job back which someone asked to cancel.
async fn cancel_asked(tx: &mut Tx<'_>, ends: &[&Settle], firsts: &[usize]) -> Result<HashSet<usize>, Error> {
    let open: Vec<usize> = firsts.iter().copied().filter(|i| ends[*i].end.terminal().is_none()).collect();
    let flags =
        CANCEL_FLAG.run(tx.conn, &open, |i, args| args.add(ends[*i].lease.job.0).add(ends[*i].lease.run)).await?;
    let mut asked = HashSet::new();
    for (i, flag) in open.iter().zip(&flags) {
        if flag.rows.first().map(|row| row::get(row, "cancel")).transpose()?.unwrap_or(false) {
            asked.insert(*i);
        }
    }
    Ok(asked)
}

/// The final result of a run, or of any run of a job that someone asked to cancel.
fn finish(settle: &Settle, cancel: bool) -> Option<Finish<'_>> {
    let Ending { state, output, error } = settle.end.ending(cancel)?;
    Some(Finish {
        id: settle.lease.job,
        run: i64::from(settle.lease.run),
        state,
        worker: Some(&settle.lease.worker),
        started_at: Some(settle.started_at),
        error,
        output,
    })
}

fn give_back(settle: &Settle, now: i64) -> Option<GiveBack<'_>> {
    let after = |delay: &Duration| Some(now.saturating_add(millis(*delay)));
    let (to, ready_at, error, paused) = match &settle.end {
        End::Retry(fault, delay) => (Place::Scheduled, after(delay), Some(fault), None),
        End::Snoozed(delay) => (Place::Scheduled, after(delay), None, None),
        End::Paused(reason) => (Place::Paused, None, None, Some(reason.as_str())),
        // It keeps its group's slot, so it is ready wherever it is.
        _ => (Place::Ready, None, None, None),
    };
    Some(GiveBack {
        id: settle.lease.job,
        run: settle.lease.run,
        cause: settle.end.cause()?,
        worker: Some(&settle.lease.worker),
        started_at: Some(settle.started_at),
        error: error.map(Cow::Borrowed),
        to,
        ready_at,
        paused,
    })
}
