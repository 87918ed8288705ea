//! What every command is given.

use super::{
    backend::{Backend, Direct},
    remote::Remote,
};
use crate::{archive, config::Loaded, exit::Failure, follow::Followers, kinds, open::Place, telemetry::Traces};
use flotilla_jobs::client::Client;
use flotilla_workers::{metrics::Metrics, producer::Producer};
use secrecy::ExposeSecret;
use std::{sync::Arc, time::Duration};

/// The settings, and how to print.
pub struct Session {
    pub loaded: Loaded,
    pub json: bool,
    /// Where spans go, if anywhere.
    pub traces: Option<Traces>,
}

impl Session {
    /// Where jobs are managed: the server, if one is configured, else the store.
    pub async fn backend(&self) -> Result<Box<dyn Backend>, Failure> {
        if let Some(client) = self.client()? {
            return Ok(Box::new(Remote::new(client)));
        }
        let config = &self.loaded.config;
        let store = Place::of(&self.loaded)?.open(true).await?;
        let (store, archive) = archive::behind(store, config, &Metrics::new())?;
        let producer = Producer::new(Arc::clone(&store), kinds::registry(None, config.worker.drills, None, None))
            .accept_unknown_kinds(config.http.accept_unknown_kinds)
            .max_waiting(config.max_waiting())
            .guarded(self.loaded.guards.clone());
        let followers = Followers::start(Arc::clone(&store));
        Ok(Box::new(Direct { store, producer, followers, budgets: config.budgets.budgets(), archive }))
    }

    /// A client of the server, if one is configured.
    pub fn client(&self) -> Result<Option<Client>, Failure> {
        let server = &self.loaded.config.server;
        server.url.as_deref().map(|url| self.client_of(url)).transpose()
    }

    /// A client of this server.
    pub fn client_of(&self, url: &str) -> Result<Client, Failure> {
        let config = &self.loaded.config;
        let token = config.server.token.as_ref().or(config.http.token.as_ref());
        let timeout = Duration::from_millis(config.server.timeout_ms);
        Ok(Client::connect(url, token.map(ExposeSecret::expose_secret), timeout)?)
    }
}
