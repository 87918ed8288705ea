//! `flotilla work`: workers only.

use super::{
    Setting,
    process::{Process, fleet_limit},
    session::Session,
};
use crate::{
    exit::{Exit, Failure},
    http,
};

/// What is most often set.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  flotilla work --concurrency 20\n  flotilla work --queues slow --health-listen 127.0.0.1:9091"
)]
pub struct Args {
    /// Most jobs at once [default: 50]
    #[arg(long, value_name = "N")]
    concurrency: Option<usize>,
    /// Queues and weights [default: default=1]
    #[arg(long, value_name = "NAME=WEIGHT,…")]
    queues: Option<String>,
    /// Address of /live, /ready, /health and /metrics, or off [default: 127.0.0.1:9090]
    #[arg(long, value_name = "ADDRESS")]
    health_listen: Option<String>,
}

impl Args {
    pub fn settings(&self) -> Vec<Setting> {
        vec![
            ("--concurrency", "worker.concurrency", self.concurrency.map(|n| n.to_string())),
            ("--queues", "worker.queues", self.queues.clone()),
            ("--health-listen", "worker.http.listen", self.health_listen.clone()),
        ]
    }
}

pub async fn run(session: &Session) -> Result<Exit, Failure> {
    let process = Process::start(session, fleet_limit(&session.loaded.config)).await?;
    // Several workers on one machine need nothing configured.
    let elsewhere = session.loaded.is_default("worker.http.listen");
    let listener = process.bind("worker.http.listen", process.config.worker.http.listen, elsewhere).await?;
    let router = http::probes(process.app());
    let work = async {
        let report = process.run_fleet().await;
        process.close_connections();
        report
    };
    let (report, ()) = tokio::join!(work, process.serve(listener, router, "health and metrics"));
    report?;
    Ok(process.end().await)
}
