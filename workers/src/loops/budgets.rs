//! Gives back what dead calls hold, and lets jobs go on that a budget paused, once there is room for them.
//!
//! There is room again on the next day, under a raised limit, or when calls cost less than they held. Who goes on is
//! decided by id, and no more go on than fit: each is counted as if it held already, until it has had time to.

use super::lead::Led;
use crate::{
    agents::budget::Budgets,
    ledger::{Budget, Fill, Hold},
    store::{Error, Store},
};
use flotilla_jobs::JobId;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const PERIOD: Duration = Duration::from_secs(3);
/// Holds given back in one go.
const HOLDS: u32 = 1_000;
/// Jobs looked at in one go.
const JOBS: u32 = 500;
/// So soon a job that goes on has asked for its room, unless every worker is busy.
const SOON: Duration = Duration::from_secs(15);

/// Jobs that were let go on lately, and the room that was meant for them.
#[derive(Default)]
pub(crate) struct Promised(Mutex<Vec<(Instant, Budget, Hold)>>);

/// Looks until `stop`.
pub(crate) async fn run(store: Arc<dyn Store>, budgets: Arc<Budgets>, led: Led, stop: CancellationToken) {
    let promised = Promised::default();
    let tick = || async { tick(&*store, &budgets, &promised).await.map(|_| super::jittered(PERIOD)) };
    super::every_led("budgets", &led, super::first(PERIOD), &stop, tick).await;
}

/// Looks once at all that waits; answers which jobs go on.
pub(crate) async fn tick(store: &dyn Store, budgets: &Budgets, promised: &Promised) -> Result<Vec<JobId>, Error> {
    while store.void_holds(HOLDS).await? >= HOLDS {}
    promised.forget_kept();
    let (mut after, mut resumed) = (None, Vec::new());
    loop {
        let waiting = store.refused(after, JOBS).await?;
        let Some((last, _)) = waiting.last() else { return Ok(resumed) };
        after = Some(*last);
        let asked: Vec<Budget> = waiting.iter().map(|(_, refused)| refused.limit.budget.clone()).collect();
        let fills = store.budgets(&asked).await?;
        let mut fit = Vec::new();
        for ((id, refused), fill) in waiting.iter().zip(fills) {
            let budget = &refused.limit.budget;
            let has_room = |limit| promised.on(budget, fill).has_room(refused.hold, &limit);
            if budgets.limit(budget).is_none_or(has_room) {
                promised.promise(budget, refused.hold);
                fit.push(*id);
            }
        }
        let done = store.resume(&fit).await?;
        let went_on = fit.into_iter().zip(done).filter(|(_, done)| *done).map(|(id, _)| id);
        resumed.extend(went_on.inspect(|job| tracing::info!(%job, "there is room in its budget: it goes on")));
    }
}

impl Promised {
    fn promise(&self, budget: &Budget, hold: Hold) {
        self.all().push((Instant::now(), budget.clone(), hold));
    }

    fn forget_kept(&self) {
        self.all().retain(|(since, ..)| since.elapsed() < SOON);
    }

    /// How full a budget is with what is promised of it.
    fn on(&self, budget: &Budget, mut fill: Fill) -> Fill {
        for (.., hold) in self.all().iter().filter(|(_, of, _)| of == budget) {
            fill.held.cost = fill.held.cost + hold.cost;
            fill.held.tokens = fill.held.tokens.saturating_add(hold.tokens);
        }
        fill
    }

    fn all(&self) -> MutexGuard<'_, Vec<(Instant, Budget, Hold)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
