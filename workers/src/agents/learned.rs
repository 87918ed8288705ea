//! How far estimates of tokens are off, as the ledger's calls say: looked up now and then.

use super::model::tokens::Factors;
use crate::ledger::Ledger;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, timeout};

/// How long what was learned is used before it is looked up again.
const FRESH: Duration = Duration::from_mins(5);
/// For the ledger's answer. Without one, what was known before is used.
const LIMIT: Duration = Duration::from_secs(2);

/// What is known of each model.
#[derive(Debug, Default)]
pub(super) struct Learned {
    state: Mutex<(Option<Instant>, Arc<Factors>)>,
}

impl Learned {
    /// What is known now.
    pub fn factors(&self) -> Arc<Factors> {
        self.state().1.clone()
    }

    /// Asks the ledger, unless that was done lately.
    pub async fn refresh(&self, ledger: &dyn Ledger) {
        {
            let mut state = self.state();
            if state.0.is_some_and(|at| at.elapsed() < FRESH) {
                return;
            }
            // Whether it answers or not: others need not ask meanwhile.
            state.0 = Some(Instant::now());
        }
        match timeout(LIMIT, ledger.estimates()).await {
            Ok(Ok(estimates)) => self.state().1 = Arc::new(Factors::learned(&estimates)),
            Ok(Err(error)) => tracing::debug!(%error, "the ledger does not say how far estimates are off"),
            Err(_) => tracing::debug!("the ledger does not say in time how far estimates are off"),
        }
    }

    fn state(&self) -> MutexGuard<'_, (Option<Instant>, Arc<Factors>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
