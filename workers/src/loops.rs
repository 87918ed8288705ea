//! The loops of a worker, one file each: options in, a token that ends them, and a `tick` that tests call alone.

pub(crate) mod adopt;
pub(crate) mod approvals;
pub(crate) mod archive;
pub(crate) mod budgets;
pub(crate) mod claim;
pub(crate) mod flush;
pub(crate) mod lead;
pub(crate) mod listen;
pub(crate) mod live;
mod outage;
pub(crate) mod parked;
pub(crate) mod promote;
pub(crate) mod prune;
pub(crate) mod reconcile;
pub(crate) mod renew;
pub(crate) mod rescue;
mod resume;
pub(crate) mod shares;

pub(crate) use outage::Outage;

use crate::store::Error;
use lead::Led;
use rand::RngExt;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Calls `tick` until `stop`, first after `first` and then after the wait that it answers; a tick under way is not
/// interrupted. A store that does not answer delays the loop and never ends it.
pub(crate) async fn every<F, T>(name: &'static str, first: Duration, stop: &CancellationToken, mut tick: F)
where
    F: FnMut() -> T,
    T: Future<Output = Result<Duration, Error>>,
{
    let mut outage = Outage::new(name);
    let mut wait = first;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = match tick().await {
            Ok(next) => {
                outage.over();
                next
            }
            Err(error) => outage.failed(&error),
        };
    }
}

/// The same, but a tick waits until this worker leads the duty. What needs no more than to be done once by somebody is
/// done so; what must be prompt is left to every worker, and the store does each part of it once.
pub(crate) async fn every_led<F, T>(
    name: &'static str,
    led: &Led,
    first: Duration,
    stop: &CancellationToken,
    mut tick: F,
) where
    F: FnMut() -> T,
    T: Future<Output = Result<Duration, Error>>,
{
    let tick = || {
        let work = tick();
        async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(Duration::ZERO),
                () = led.leads() => {}
            }
            work.await
        }
    };
    every(name, first, stop, tick).await;
}

/// The period, up to a fifth longer: workers that were started together do not act together.
pub(crate) fn jittered(period: Duration) -> Duration {
    period.mul_f64(rand::rng().random_range(1.0..1.2))
}

/// Somewhere in the first period.
pub(crate) fn first(period: Duration) -> Duration {
    period.mul_f64(rand::rng().random_range(0.0..1.0))
}
