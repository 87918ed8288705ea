//! Everything that can be harmed: two API servers, four workers, Redis, Postgres, and the network in between.

use crate::{
    processes::Process,
    proxy::Proxy,
    servers::{self, Server},
};
use std::{path::PathBuf, time::Duration};
use tempfile::TempDir;
use tokio::process::Command;

const SERVERS: usize = 2;
const WORKERS: usize = 4;
/// How soon the jobs of a worker that died run again.
pub const LEASE: Duration = Duration::from_secs(3);

/// What runs.
pub struct World {
    pub api: Vec<Process>,
    pub workers: Vec<Process>,
    pub redis: Server,
    pub postgres: Server,
    pub to_redis: Proxy,
    pub to_postgres: Proxy,
    urls: Vec<String>,
    home: TempDir,
}

impl World {
    /// Starts all of it on servers of its own.
    pub async fn start() -> Self {
        let (redis, postgres) = (Server::redis(&[]), Server::postgres());
        let (to_redis, to_postgres) = (Proxy::to(redis.port()), Proxy::to(postgres.port()));
        let home = tempfile::tempdir().expect("a temporary directory");
        let config = format!(
            "[store]\nredis_url = \"{}\"\npostgres_url = \"{}\"\n[worker]\nconcurrency = 16\ndrills = true\n\
             lease_ms = {}\nrenew_ms = 1000\ndrain_ms = 2000\n[http]\nlinger_ms = 0\n",
            redis.url_by(to_redis.port()),
            postgres.url_by(to_postgres.port()),
            LEASE.as_millis(),
        );
        let file = home.path().join("flotilla.toml");
        std::fs::write(&file, config).expect("write the configuration");
        let command = |args: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_flotilla"));
            let path = std::env::var_os("PATH").unwrap_or_default();
            command.args(args).arg("--config").arg(&file).env_clear().env("PATH", path).env("HOME", home.path());
            command.current_dir(home.path());
            command
        };
        let migrated = command(&["migrate"]).output().await.expect("run flotilla migrate");
        assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));

        let (mut api, mut workers, mut urls) = (Vec::new(), Vec::new(), Vec::new());
        for n in 0..SERVERS {
            let address = format!("127.0.0.1:{}", servers::free_port());
            urls.push(format!("http://{address}"));
            let serve = command(&["serve", "--listen", &address]);
            api.push(Process::start(&format!("server-{n}"), serve, home.path()));
        }
        for n in 0..WORKERS {
            let mut work = command(&["work", "--health-listen", "off"]);
            work.env("FLOTILLA_WORKER__NAME", format!("worker-{n}"));
            workers.push(Process::start(&format!("worker-{n}"), work, home.path()));
        }
        Self { api, workers, redis, postgres, to_redis, to_postgres, urls, home }
    }

    /// Addresses of the API.
    pub fn servers(&self) -> Vec<String> {
        self.urls.clone()
    }

    /// Everything runs and answers again.
    pub fn heal(&self) {
        self.to_redis.heal();
        self.to_postgres.heal();
    }

    /// Ends every process; keeps their logs where something was wrong.
    pub async fn end(self, well: bool) {
        let Self { api, workers, home, .. } = self;
        for process in api.into_iter().chain(workers) {
            process.end().await;
        }
        if !well {
            let kept: PathBuf = home.keep();
            eprintln!("the logs of every process are in {}", kept.display());
        }
    }
}
