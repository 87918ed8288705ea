//! Claims jobs for the slots that are free, and waits for news where there are none.

use super::{Outage, jittered, resume, shares::Shares};
use crate::{
    backlog::Backlog,
    executor::Work,
    held::Held,
    store::{Claim, Claimed, Error, Store},
    wake::Wake,
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

pub(crate) struct Claimer {
    pub store: Arc<dyn Store>,
    pub worker: String,
    /// What it can run.
    pub kinds: Vec<&'static str>,
    pub shares: Shares,
    pub wake: Arc<Wake>,
    pub lease: Duration,
    /// A slow poll, in case a wake-up is lost.
    pub poll: Duration,
    pub slots: Arc<Semaphore>,
    pub backlog: Arc<Backlog>,
    pub held: Arc<Held>,
    pub out: mpsc::Sender<Work>,
}

impl Claimer {
    /// Claims until `stop`. A claim under way is not interrupted: its jobs come out to be handed over.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut open = vec![false; self.shares.names().count()];
        let mut outage = Outage::new("claim");
        loop {
            let slots = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                slots = self.free_slots() => slots,
            };
            // News is taken before the claim, so what arrives meanwhile opens its queue again.
            self.wake.take(&mut open);
            if !open.contains(&true) {
                drop(slots);
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    told = timeout(jittered(self.poll), self.wake.news()) => open.fill(told.is_err()),
                }
                continue;
            }
            match self.claim(slots, &mut open).await {
                Ok(()) => outage.over(),
                Err(error) => {
                    let wait = outage.failed(&error);
                    let _ = timeout(wait, stop.cancelled()).await;
                    self.wake.all();
                }
            }
        }
    }

    /// All slots that are free and for whose results there is room, at least one.
    async fn free_slots(&self) -> OwnedSemaphorePermit {
        loop {
            self.backlog.has_room().await;
            // Nobody else adds to what is held, so the room is still there when a slot is.
            let room = self.held.room().await;
            let Ok(mut slots) = Arc::clone(&self.slots).acquire_owned().await else {
                // The semaphore is never closed.
                std::future::pending::<()>().await;
                continue;
            };
            // Handlers that are about to end go first: one larger claim costs less than two.
            tokio::task::yield_now().await;
            let more = self.slots.available_permits().min(room - 1) as u32;
            if let Ok(rest) = Arc::clone(&self.slots).try_acquire_many_owned(more) {
                slots.merge(rest);
            }
            return slots;
        }
    }

    async fn claim(&mut self, mut slots: OwnedSemaphorePermit, open: &mut [bool]) -> Result<(), Error> {
        let shares = self.shares.divide(slots.num_permits() as u32, open);
        let asked: Vec<(String, u32)> = self
            .shares
            .names()
            .zip(&shares)
            .filter(|(_, share)| **share > 0)
            .map(|(name, share)| (name.to_owned(), *share))
            .collect();
        let kinds = Some(self.kinds.as_slice());
        let claim = Claim { worker: &self.worker, queues: &asked, kinds, lease_ttl: self.lease };
        let jobs = self.store.claim(claim).await?;
        // A queue that gave nothing is closed until there is news of it. One that gave less than its share stays
        // open: a store may answer with less than it has.
        for (open, (name, share)) in open.iter_mut().zip(self.shares.names().zip(&shares)) {
            *open &= *share == 0 || jobs.iter().any(|job| job.lease.queue() == name);
        }
        let mut work: Vec<Work> = jobs.into_iter().map(|job| self.work(job, slots.split(1))).collect();
        let mut again = resume::split_off(&mut work);
        for first in work {
            self.hand_out(first);
        }
        resume::look_up(&*self.store, &mut again).await;
        for work in again {
            self.hand_out(work);
        }
        Ok(())
    }

    /// A store that hands out more than was asked for is served too; the extra job just has no slot of its own.
    fn work(&self, claimed: Claimed, slot: Option<OwnedSemaphorePermit>) -> Work {
        let run = self.held.add(claimed.lease.clone());
        Work { claimed, run, slot, resumed: None }
    }

    fn hand_out(&self, work: Work) {
        if let Err(error) = self.out.try_send(work) {
            let work = error.into_inner();
            tracing::error!(job.id = %work.claimed.id(), "a claimed job cannot be run: the worker has ended");
            self.held.remove(&work.run);
        }
    }
}
