//! Cancelling: at once for a job that waits; a wish that is remembered for one that runs.

use super::{
    end::Finish,
    row::{self, Place},
    tx::Tx,
    unit::Unit,
};
use crate::store::{CancelReply, Error};
use flotilla_jobs::{JobId, JobState};

static FIND_OPEN: Unit = Unit::new(include_str!("find_open.sql"));
static ASK_CANCEL: Unit = Unit::new(include_str!("ask_cancel.sql"));

/// Cancels jobs, or asks for it; answers in the order given.
pub(super) async fn cancel(tx: &mut Tx<'_>, ids: &[JobId]) -> Result<Vec<Option<CancelReply>>, Error> {
    let found = FIND_OPEN.run(tx.conn, ids, |id, args| args.add(id.0)).await?;
    let (mut replies, mut waiting, mut running) = (Vec::with_capacity(ids.len()), Vec::new(), Vec::new());
    for (id, found) in ids.iter().zip(&found) {
        let Some(row) = found.rows.first() else {
            replies.push(None);
            continue;
        };
        // One in no known state waits for nothing, so it can be cancelled too.
        replies.push(Some(match row::place(row, "state").unwrap_or(Some(Place::Scheduled)) {
            None => CancelReply::AlreadyFinished,
            Some(Place::Running) => {
                running.push(*id);
                CancelReply::Asked
            }
            Some(_) => {
                waiting.push(cancelled(*id, row::get(row, "run")?));
                CancelReply::Cancelled
            }
        }));
    }
    ASK_CANCEL.run(tx.conn, &running, |id, args| args.add(id.0)).await?;
    for id in running {
        tx.cancel(id);
        tx.changed(id);
    }
    // All are gone before the first slot they held is given to another.
    tx.finish(&waiting).await?;
    tx.square().await?;
    Ok(replies)
}

/// A job that ends because someone asked for it.
pub(super) fn cancelled(id: JobId, run: i64) -> Finish<'static> {
    Finish { id, run, state: JobState::Cancelled, worker: None, started_at: None, error: None, output: None }
}
