//! Connecting to Redis, and refusing one that would lose work.

use super::{Queues, fault, lanes::Named, link::Link, repair::Repaired, scripts};
use crate::{
    clock::Clock,
    store::{Error, OpenError, damage::Damage},
};
use secrecy::{ExposeSecret, SecretString};
use std::{collections::HashMap, time::Duration};

/// Oldest server that is supported.
const MIN_VERSION: (u32, u32) = (7, 0);

impl Queues {
    /// Connects, checks the server and loads the scripts.
    pub(crate) async fn connect(
        url: &SecretString,
        prefix: &str,
        call_timeout: Duration,
        clock: Clock,
    ) -> Result<Self, OpenError> {
        let client = redis::Client::open(url.expose_secret()).map_err(|e| OpenError::Address {
            what: "redis",
            detail: format!("{}; use redis://user:password@host:6379/0", e.category()),
        })?;
        let queues = Self {
            fast: link(&client, call_timeout).await?,
            bulk: link(&client, call_timeout).await?,
            client,
            call_timeout,
            prefix: prefix.to_owned(),
            clock,
            damage: Damage::default(),
            repaired: Repaired::default(),
            named: Named::default(),
        };
        queues.check_server().await?;
        Ok(queues)
    }

    async fn check_server(&self) -> Result<(), OpenError> {
        let unreachable = |detail: String| OpenError::Unreachable { what: "redis", detail };
        let info = self.info().await.map_err(|e| unreachable(e.to_string()))?;
        let unfit = |detail: String| Err(OpenError::Unfit { what: "redis", detail });

        let version = info.get("redis_version").map_or("", String::as_str);
        if parse_version(version) < Some(MIN_VERSION) {
            return unfit(format!("server is version {version}; 7.0 or later is needed"));
        }
        // Not CONFIG GET, which managed servers forbid.
        let policy = info.get("maxmemory_policy").map_or("noeviction", String::as_str);
        if policy != "noeviction" {
            return unfit(format!(
                "maxmemory-policy is `{policy}`: under memory pressure redis would evict keys, and an evicted key is a \
                 lost lease or job; set `maxmemory-policy noeviction`"
            ));
        }
        for script in scripts::all() {
            script.load_async(&mut self.fast.clone()).await.map_err(|e| unreachable(e.to_string()))?;
        }
        Ok(())
    }

    async fn info(&self) -> Result<HashMap<String, String>, Error> {
        let text: String =
            redis::cmd("INFO").arg("server").arg("memory").query_async(&mut self.fast.clone()).await.map_err(fault)?;
        let pairs = text.lines().filter_map(|line| line.split_once(':'));
        Ok(pairs.map(|(key, value)| (key.to_owned(), value.trim().to_owned())).collect())
    }

    /// Its version.
    pub(crate) async fn version(&self) -> Result<String, Error> {
        Ok(self.info().await?.remove("redis_version").unwrap_or_default())
    }

    /// How long it has answered without a break, as far as this process knows.
    pub(crate) async fn steady_for(&self) -> Duration {
        self.fast.held_for().await.unwrap_or_default()
    }
}

async fn link(client: &redis::Client, call_timeout: Duration) -> Result<Link, OpenError> {
    let opened = Link::open(client, call_timeout).await;
    opened.map_err(|e| OpenError::Unreachable { what: "redis", detail: e.to_string() })
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split('.').map(|p| p.parse().ok());
    Some((parts.next()??, parts.next()??))
}
