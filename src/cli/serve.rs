//! `flotilla serve`: the API only.

use super::{Setting, process::Process, session::Session};
use crate::{
    exit::{Exit, Failure},
    http,
};
use std::time::Duration;

/// What is most often set.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  FLOTILLA_HTTP__TOKEN_FILE=/run/secrets/token flotilla serve --listen 0.0.0.0:8080")]
pub struct Args {
    /// Address of the API [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
}

impl Args {
    pub fn settings(&self) -> Vec<Setting> {
        vec![("--listen", "http.listen", self.listen.clone())]
    }
}

pub async fn run(session: &Session) -> Result<Exit, Failure> {
    let config = &session.loaded.config;
    let limit = Duration::from_millis(config.http.linger_ms + config.http.drain_ms + config.worker.hard_stop_ms);
    let process = Process::start(session, limit).await?;
    let listener = process.bind("http.listen", process.config.http.listen, false).await?;
    let router = http::api(process.app());
    let stop = async {
        process.linger().await;
        process.close_connections();
    };
    tokio::join!(stop, process.serve(listener, router, "the API listens"));
    Ok(process.end().await)
}
