//! Moves delayed jobs into their queues when they are due.
//!
//! Every worker does it, for the queues it serves: it must be prompt, whoever died. The store moves a job once.

use crate::store::{Error, Store};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

const BATCH: u32 = 1_000;
/// A job scheduled meanwhile is at most this late.
const LONGEST: Duration = Duration::from_secs(1);

/// Jobs due one after the other share a call.
const SHORTEST: Duration = Duration::from_millis(10);

/// Promotes until `stop`.
pub(crate) async fn run(store: Arc<dyn Store>, queues: Vec<String>, stop: CancellationToken) {
    super::every("promote", Duration::ZERO, &stop, || tick(&*store, &queues)).await;
}

/// Promotes one batch; answers when to come back.
pub(crate) async fn tick(store: &dyn Store, queues: &[String]) -> Result<Duration, Error> {
    let promoted = store.promote(queues, BATCH).await?;
    if promoted.moved >= BATCH {
        return Ok(Duration::ZERO);
    }
    let next_due = promoted.next_due_in_ms.map_or(LONGEST, Duration::from_millis);
    Ok(next_due.clamp(SHORTEST, LONGEST))
}
