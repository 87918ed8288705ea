//! Takes sessions that nobody spoke in for long to the archive, and removes what nobody needs there.

use super::lead::Led;
use crate::{
    archive::{Archive, Idled},
    store::Error,
};
use flotilla_jobs::SessionId;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Between looks at all sessions.
const PERIOD: Duration = Duration::from_mins(10);
/// Most sessions of one round, and how long it may take: a stop waits for its end.
const MOST: u64 = 32;
const TIME: Duration = Duration::from_secs(2);
/// Between rounds: archiving must not get in the way of work.
const BREATH: Duration = Duration::from_millis(50);
/// Most objects removed in one round.
const REMOVED: u32 = 100;

/// An archive, and how long nobody spoke in what goes there.
#[derive(Clone, Debug)]
pub struct Archiving {
    #[allow(missing_docs)]
    pub archive: Arc<Archive>,
    /// `None` only looks after what is there.
    pub after: Option<Duration>,
}

/// Archives until `stop`.
pub(crate) async fn run(archiving: Archiving, led: Led, stop: CancellationToken) {
    let at = Mutex::new(None);
    super::every_led("archive", &led, super::first(PERIOD / 20), &stop, || tick(&archiving, &at)).await;
}

/// One round, from where the last one ended; answers when to come back.
pub(crate) async fn tick(archiving: &Archiving, at: &Mutex<Option<SessionId>>) -> Result<Duration, Error> {
    let archive = &archiving.archive;
    let removed = archive.sweep(REMOVED).await?;
    let Some(age) = archiving.after else { return Ok(super::jittered(PERIOD)) };
    let from = *at.lock().unwrap_or_else(PoisonError::into_inner);
    let Idled { archived, failed, next } = archive.idle(age, from, MOST, TIME).await?;
    *at.lock().unwrap_or_else(PoisonError::into_inner) = next;
    if archived > 0 {
        tracing::info!(archived, failed, removed, "sessions were archived that nobody spoke in for long");
    }
    // What fails is tried again with the next look at all sessions, and does not make this one run hot.
    Ok(if next.is_some() && failed == 0 { BREATH } else { super::jittered(PERIOD) })
}
