//! Decides which worker of a fleet does what only one has to do.
//!
//! One call for all duties, three times in the time that a lead lasts. A worker that dies is followed by another within
//! that time and one period; one that stops gives up at once. A worker that was frozen knows by its own clock that its
//! lead is over before it does anything.

use crate::{
    metrics::Metrics,
    store::{Error, Store},
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

/// How long giving up may take; whoever is next waits it out otherwise.
const GIVE_UP: Duration = Duration::from_secs(1);

/// Asks for the duties of this worker.
pub(crate) struct Leader {
    pub store: Arc<dyn Store>,
    /// Unique per process start.
    pub holder: String,
    /// How long a lead lasts that is not asked for again.
    pub ttl: Duration,
    pub every: Duration,
    pub metrics: Arc<Metrics>,
    pub duties: Duties,
}

/// Duties, and until when this worker leads each.
#[derive(Default)]
pub(crate) struct Duties {
    names: Vec<String>,
    until: Vec<watch::Sender<Option<Instant>>>,
}

/// Whether this worker leads a duty.
pub(crate) struct Led(watch::Receiver<Option<Instant>>);

impl Duties {
    /// One more duty. What is done for it must bear to be done by two at once, though not often.
    pub fn add(&mut self, name: impl Into<String>) -> Led {
        let (told, led) = watch::channel(None);
        self.names.push(name.into());
        self.until.push(told);
        Led(led)
    }
}

impl Led {
    /// Returns when this worker leads.
    pub async fn leads(&self) {
        let mut until = self.0.clone();
        loop {
            if until.borrow_and_update().is_some_and(|until| until > Instant::now()) {
                return;
            }
            if until.changed().await.is_err() {
                // Nobody asks any more.
                return std::future::pending().await;
            }
        }
    }
}

impl Leader {
    /// Asks until `stop`, and then gives up.
    pub async fn run(self, stop: CancellationToken) {
        super::every("lead", Duration::ZERO, &stop, || self.tick()).await;
        self.note(&vec![false; self.duties.names.len()], Instant::now());
        let give_up = self.store.lead(&self.duties.names, &self.holder, Duration::ZERO);
        if !matches!(timeout(GIVE_UP, give_up).await, Ok(Ok(_))) {
            tracing::debug!("could not give up what this worker led; another one follows when its time is over");
        }
    }

    async fn tick(&self) -> Result<Duration, Error> {
        let start = Instant::now();
        let leads = self.store.lead(&self.duties.names, &self.holder, self.ttl).await?;
        for (duty, led) in self.note(&leads, start + self.ttl) {
            if led {
                tracing::info!(duty, "this worker now does this for the whole fleet");
            } else {
                tracing::warn!(duty, "another worker does this for the fleet now: this one did not ask in time");
            }
        }
        Ok(self.every)
    }

    /// Tells whoever waits; answers what changed.
    fn note(&self, leads: &[bool], until: Instant) -> Vec<(&str, bool)> {
        let mut changed = Vec::new();
        for ((duty, told), leads) in self.duties.names.iter().zip(&self.duties.until).zip(leads) {
            self.metrics.leads(duty, *leads);
            let before = told.send_replace(leads.then_some(until)).is_some();
            if before != *leads {
                changed.push((duty.as_str(), *leads));
            }
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_lead_that_was_not_extended_is_over() {
        let mut duties = Duties::default();
        let led = duties.add("prune");
        let leads = async || timeout(Duration::from_millis(1), led.leads()).await.is_ok();
        assert!(!leads().await);
        duties.until[0].send_replace(Some(Instant::now() + Duration::from_secs(15)));
        assert!(leads().await);
        // Nobody tells a process that was frozen: it sees that the time is over.
        duties.until[0].send_replace(Some(Instant::now()));
        assert!(!leads().await);
    }

    #[tokio::test]
    async fn whoever_waits_hears_of_a_lead() {
        let mut duties = Duties::default();
        let led = duties.add("prune");
        let wait = tokio::spawn(async move { led.leads().await });
        tokio::task::yield_now().await;
        duties.until[0].send_replace(Some(Instant::now() + Duration::from_secs(15)));
        timeout(Duration::from_secs(15), wait).await.unwrap().unwrap();
    }
}
