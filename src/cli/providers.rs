//! `flotilla providers`: what goes on and waits at each provider, and which of them rest.

use super::{output, session::Session};
use crate::exit::{Exit, Failure};
use flotilla_jobs::api::LaneStats;

/// Nothing to say: all of them are listed.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  flotilla providers\n  flotilla providers --json")]
pub struct Args {}

pub async fn run(Args {}: Args, session: &Session) -> Result<Exit, Failure> {
    let backend = session.backend().await?;
    let lanes = backend.providers().await;
    backend.close().await;
    print(&lanes?, session.json)?;
    Ok(Exit::Ok)
}

fn print(lanes: &[LaneStats], as_json: bool) -> Result<(), Failure> {
    if as_json {
        return output::json(&lanes);
    }
    if lanes.is_empty() {
        output::note("no provider was used in the last day");
        return Ok(());
    }
    let rows: Vec<_> = lanes.iter().map(row).collect();
    output::table(&["PROVIDER", "KEY", "MODEL", "STREAMS", "WAITING", "ASLEEP", "BREAKER"], &rows)
}

fn row(lane: &LaneStats) -> Vec<String> {
    let breaker = lane.breaker_open_ms.map(|ms| format!("open for {}", output::span(ms)));
    vec![
        lane.provider.clone(),
        lane.key.clone(),
        lane.model.clone(),
        lane.streams.to_string(),
        lane.waiting.to_string(),
        lane.asleep_ms.map(|ms| format!("for {}", output::span(ms))).unwrap_or_default(),
        breaker.unwrap_or_else(|| "closed".to_owned()),
    ]
}
