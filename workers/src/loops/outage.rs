//! One loop's view of a store that does not answer: how long to wait, and one line in the log.

use crate::store::Error;
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use std::time::Duration;
use tokio::time::Instant;

pub(crate) struct Outage {
    who: &'static str,
    since: Option<(Instant, ExponentialBackoff)>,
}

impl Outage {
    /// No wait is longer.
    pub const LONGEST: Duration = Duration::from_secs(5);
    const FIRST: Duration = Duration::from_millis(100);

    /// Nothing is wrong yet.
    pub fn new(who: &'static str) -> Self {
        Self { who, since: None }
    }

    /// A call failed: answers how long to wait before the next. Only the first of a row is logged.
    pub fn failed(&mut self, error: &Error) -> Duration {
        let (_, waits) = self.since.get_or_insert_with(|| {
            tracing::warn!(loop.name = self.who, %error, "a store operation failed; trying again until it works");
            (Instant::now(), waits())
        });
        waits.next().unwrap_or(Self::LONGEST).min(Self::LONGEST)
    }

    /// A call worked.
    pub fn over(&mut self) {
        if let Some((since, _)) = self.since.take() {
            let outage_ms = since.elapsed().as_millis() as u64;
            tracing::info!(loop.name = self.who, outage_ms, "store operations work again");
        }
    }
}

fn waits() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(Outage::FIRST)
        .with_max_delay(Outage::LONGEST)
        .without_max_times()
        .with_jitter()
        .build()
}
