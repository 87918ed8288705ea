//! `flotilla run`: API and workers in one process.

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
    after_help = "Examples:\n  flotilla run\n  flotilla run --listen 127.0.0.1:9000 --concurrency 8 --queues default=2,slow=1\n\n\
                        SIGTERM or Ctrl-C: no new work, running jobs may end. Once more: at once; they run elsewhere."
)]
pub struct Args {
    /// Address of the API [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Most jobs at once [default: 50]
    #[arg(long, value_name = "N")]
    concurrency: Option<usize>,
    /// Queues and weights [default: default=1]
    #[arg(long, value_name = "NAME=WEIGHT,…")]
    queues: Option<String>,
}

impl Args {
    pub fn settings(&self) -> Vec<Setting> {
        vec![
            ("--listen", "http.listen", self.listen.clone()),
            ("--concurrency", "worker.concurrency", self.concurrency.map(|n| n.to_string())),
            ("--queues", "worker.queues", self.queues.clone()),
        ]
    }
}

pub async fn run(session: &Session) -> Result<Exit, Failure> {
    let process = Process::start(session, fleet_limit(&session.loaded.config)).await?;
    let listener = process.bind("http.listen", process.config.http.listen, false).await?;
    let router = http::api(process.app());
    let work = async {
        let (report, ()) = tokio::join!(process.run_fleet(), async {
            tokio::select! {
                () = process.linger() => {}
                () = process.shutdown.hard.cancelled() => {}
            }
        });
        process.close_connections();
        report
    };
    let (report, ()) = tokio::join!(work, process.serve(listener, router, "the API listens"));
    report?;
    Ok(process.end().await)
}
