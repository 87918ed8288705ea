//! Records how runs ended, in batches that form by themselves: while one call is under way the next batch grows.

use super::Outage;
use crate::{
    backlog::Backlog,
    held::{Held, Run},
    metrics::{KindMetrics, Metrics},
    sessions::Left,
    store::{End, Error, Settle, Settled, Store},
    tally::Tally,
};
use flotilla_jobs::Fault;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Most results in one call.
const BATCH: usize = 1_000;
/// A second call starts beside one under way only for this many results: fewer are better off in its successor.
const WORTH_A_SECOND_CALL: usize = 64;

/// A run that ended and is not yet on record.
pub(crate) struct Finished {
    pub run: Arc<Run>,
    pub kind: Arc<KindMetrics>,
    pub settle: Settle,
}

impl Finished {
    /// Size of its output, and of what it leaves in its session, for the backlog.
    pub fn bytes(&self) -> usize {
        let output = match &self.settle.end {
            End::Completed(output) => output.get().len(),
            _ => 0,
        };
        output + self.settle.left.as_ref().map_or(0, Left::bytes)
    }
}

pub(crate) struct Flusher {
    pub store: Arc<dyn Store>,
    pub held: Arc<Held>,
    pub backlog: Arc<Backlog>,
    pub tally: Arc<Tally>,
    pub metrics: Arc<Metrics>,
    /// Cancelled when the process ends and what is not yet recorded must be left to a rescue.
    pub give_up: CancellationToken,
}

impl Flusher {
    /// Records what comes in until the last sender is gone, or until it must give up.
    pub async fn run(self, mut finished: mpsc::Receiver<Finished>) {
        tokio::select! {
            biased;
            () = self.give_up.cancelled() => {}
            () = self.record_all(&mut finished) => {}
        }
        let left = self.backlog.results();
        if left > 0 {
            tracing::error!(results = left, "ended before these results were on record: their jobs will run again");
            self.backlog.forget();
            self.metrics.unrecorded(0);
        }
    }

    async fn record_all(&self, finished: &mut mpsc::Receiver<Finished>) {
        let mut calls = FuturesUnordered::new();
        let mut batch = Vec::new();
        let mut open = true;
        while open || !batch.is_empty() || !calls.is_empty() {
            let enough = if calls.is_empty() { 1 } else { WORTH_A_SECOND_CALL };
            if batch.len() >= enough && calls.len() < 2 {
                calls.push(self.record(std::mem::take(&mut batch)));
            }
            let room = BATCH - batch.len();
            tokio::select! {
                Some(()) = calls.next() => {}
                got = finished.recv_many(&mut batch, room), if open && room > 0 => {
                    open = got > 0;
                    self.metrics.unrecorded(self.backlog.results());
                }
            }
        }
    }

    /// Records a batch. A store that is away is waited for; a batch it refuses is tried one by one, so that one bad
    /// result does not take others with it.
    async fn record(&self, batch: Vec<Finished>) {
        match self.settle(&batch).await {
            Ok(settled) => self.done(&batch, &settled),
            Err(error) if batch.len() == 1 => self.refused(batch, &error).await,
            Err(_) => {
                for one in batch {
                    let one = vec![one];
                    match self.settle(&one).await {
                        Ok(settled) => self.done(&one, &settled),
                        Err(error) => self.refused(one, &error).await,
                    }
                }
            }
        }
    }

    /// A result that cannot be stored fails its job, and says why, rather than make it run for ever.
    async fn refused(&self, mut one: Vec<Finished>, error: &Error) {
        for finished in &mut one {
            tracing::error!(job.id = %finished.run.lease.job(), %error, "a result was refused by the store");
            let bytes = finished.bytes();
            finished.settle.left = None;
            finished.settle.end =
                End::Failed(Fault::new("unrecordable_result", format!("the store refused the result: {error}")));
            self.backlog.take(0, bytes);
        }
        match self.settle(&one).await {
            Ok(settled) => self.done(&one, &settled),
            Err(error) => {
                for finished in &one {
                    tracing::error!(job.id = %finished.run.lease.job(), %error, "left to a rescue: it cannot be settled");
                }
                self.gone(&one);
            }
        }
    }

    /// Settles, for as long as it takes.
    async fn settle(&self, batch: &[Finished]) -> Result<Vec<Settled>, Error> {
        let mut outage = Outage::new("flush");
        loop {
            match self.store.settle(batch.iter().map(|f| f.settle.clone()).collect()).await {
                Err(error) if error.is_transient() => {
                    let wait = outage.failed(&error);
                    tokio::time::sleep(wait).await;
                }
                answer => {
                    outage.over();
                    return answer;
                }
            }
        }
    }

    fn done(&self, batch: &[Finished], settled: &[Settled]) {
        for (finished, settled) in batch.iter().zip(settled) {
            self.tally.count(&finished.settle.end, *settled);
            self.metrics.settled(&finished.kind, &finished.settle.end, *settled);
            if *settled == Settled::LeaseLost {
                tracing::warn!(
                    job.id = %finished.run.lease.job(),
                    "a result was not recorded: the job went to another worker, or had its result before"
                );
            }
        }
        self.gone(batch);
    }

    fn gone(&self, batch: &[Finished]) {
        for finished in batch {
            self.held.remove(&finished.run);
        }
        self.backlog.take(batch.len(), batch.iter().map(Finished::bytes).sum());
        self.metrics.unrecorded(self.backlog.results());
    }
}
