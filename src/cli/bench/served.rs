//! A server and a worker of a measurement, each in a process of its own.

use super::{child::Child, failed, place::Place};
use crate::exit::Failure;
use flotilla_jobs::client::Client;
use flotilla_workers::bench::{Plan, Provider, Served};
use std::time::Duration;

/// Both read it from their standard input.
const SETTINGS: &str = include_str!("served.toml");

/// How often, and how far apart, a worker is asked whether it is well.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(100);

/// They run until this is dropped.
pub struct Fleet {
    server: Child,
    worker: Child,
}

impl Fleet {
    /// Starts both on the store of the measurement.
    pub async fn start(plan: Plan, place: &Place, provider: &Provider) -> Result<Self, Failure> {
        let concurrency = plan.runs.to_string();
        let store = place.variables();
        let mut variables: Vec<(&str, &str)> = store.iter().map(|(name, value)| (*name, value.as_str())).collect();
        variables.extend([
            ("FLOTILLA_WORKER__CONCURRENCY", concurrency.as_str()),
            ("FLOTILLA_PROVIDERS__BENCH__WIRE", "openai-chat"),
            ("FLOTILLA_PROVIDERS__BENCH__BASE_URL", provider.base_url.as_str()),
        ]);
        let start = async |command: &str, says: &str| {
            Child::start(&[command, "--config", "/dev/stdin"], &variables, SETTINGS, says).await
        };
        let server = start("serve", "the API listens on ").await?;
        let worker = start("work", "health and metrics on ").await?;
        well(&worker.url).await?;
        Ok(Self { server, worker })
    }

    pub fn served(&self) -> Served {
        Served { url: self.server.url.clone(), server: self.server.id(), worker: self.worker.id() }
    }
}

/// Waits until a worker is well.
async fn well(url: &str) -> Result<(), Failure> {
    let client = Client::new(url).map_err(failed)?;
    for _ in 0..TRIES {
        if client.health().await.is_ok_and(|(well, _)| well) {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(failed("the worker did not get well"))
}
