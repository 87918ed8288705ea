//! Appends what running jobs say to their live output, in batches that form by themselves.

use super::Outage;
use crate::store::{Error, Lease, LiveEvent, Store};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Most events that wait; a handler's `output` waits beyond that.
pub(crate) const CAPACITY: usize = 1_024;

/// What comes to this loop.
#[derive(Debug)]
pub(crate) enum Said {
    /// A job said something.
    Event(Box<(Lease, LiveEvent)>),
    /// Someone wants to know when everything said before is in the store.
    Flush(oneshot::Sender<()>),
}

/// Appends until the last sender is gone, or until it must give up.
pub(crate) async fn run(store: Arc<dyn Store>, mut said: mpsc::Receiver<Said>, give_up: CancellationToken) {
    let all = async {
        let mut batch = Vec::new();
        while said.recv_many(&mut batch, CAPACITY).await > 0 {
            tick(&*store, batch.drain(..)).await;
        }
    };
    tokio::select! {
        biased;
        () = give_up.cancelled() => {}
        () = all => {}
    }
}

/// Appends one batch, for as long as it takes, then answers those who wait for it.
pub(crate) async fn tick(store: &dyn Store, said: impl Iterator<Item = Said>) {
    let (mut events, mut waiting) = (Vec::new(), Vec::new());
    for said in said {
        match said {
            Said::Event(event) => push(&mut events, *event),
            Said::Flush(done) => waiting.push(done),
        }
    }
    if !events.is_empty() {
        append(store, events).await;
    }
    for done in waiting {
        let _ = done.send(());
    }
}

/// Of a job's progress only the last word before something else was said is kept: the rest is old news.
fn push(events: &mut Vec<(Lease, LiveEvent)>, mut event: (Lease, LiveEvent)) {
    if let LiveEvent::Progress(progress) = &mut event.1 {
        if progress.message.contains('\0') {
            progress.message = progress.message.replace('\0', "␀");
        }
        if let Some((lease, LiveEvent::Progress(earlier))) = events.last_mut()
            && lease.job() == event.0.job()
        {
            std::mem::swap(earlier, progress);
            return;
        }
    }
    events.push(event);
}

async fn append(store: &dyn Store, events: Vec<(Lease, LiveEvent)>) {
    let mut outage = Outage::new("live");
    loop {
        match store.append(events.clone()).await {
            Ok(()) => return outage.over(),
            Err(error) if error.is_transient() => {
                let wait = outage.failed(&error);
                tokio::time::sleep(wait).await;
            }
            Err(error) => return refused(&error, events.len()),
        }
    }
}

fn refused(error: &Error, events: usize) {
    tracing::error!(%error, events, "live output was refused by the store and is dropped");
}
