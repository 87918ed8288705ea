//! `flotilla bench --streams`: many answers of models at once, in one worker.

use super::{Step, failed, place::Place, provider::Scripted, served::Fleet};
use crate::{cli::output, exit::Failure};
use flotilla_workers::bench::{self, Machine, Plan, Side, Streams};
use serde::Serialize;

/// How many, how long, how fast.
#[derive(clap::Args)]
pub struct Wanted {
    /// Measure only this: so many conversations of an agent that stream at once in one worker
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    streams: Option<u64>,
    /// Tokens of one answer
    #[arg(long, default_value_t = 600, value_name = "N", requires = "streams", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    stream_tokens: u64,
    /// Tokens a second of one answer
    #[arg(long, default_value_t = 20, value_name = "N", requires = "streams", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    stream_rate: u32,
    /// Conversations begun a second
    #[arg(long, default_value_t = 100, value_name = "N", requires = "streams", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    stream_starts: u64,
    /// Have the answers read as chats from a server, with it and the worker in processes of their own
    #[arg(long, requires = "streams")]
    through_server: bool,
}

impl Wanted {
    /// What is to be measured, and whether through a server.
    pub fn plan(&self) -> Option<(Plan, bool)> {
        let plan = Plan {
            runs: self.streams?,
            tokens: self.stream_tokens,
            tokens_per_second: self.stream_rate,
            starts_per_second: self.stream_starts,
        };
        Some((plan, self.through_server))
    }
}

/// What is printed.
#[derive(Serialize)]
pub struct Report {
    machine: Machine,
    store: Vec<(String, String)>,
    streams: Streams,
}

pub async fn measure((plan, through_server): (Plan, bool), place: &Place) -> Result<Report, Failure> {
    let step = Step::new();
    let store = &place.open().await?;
    step.is("streams of a provider in a process of its own");
    let scripted = Scripted::start(plan).await?;
    let provider = scripted.provider();
    let streams = if through_server {
        let fleet = Fleet::start(plan, place, &provider).await?;
        bench::streams_of_readers(&fleet.served(), plan, &provider).await
    } else {
        bench::streams(store, plan, &provider).await
    };
    let streams = streams.map_err(failed)?;
    let settings = place.settings(&**store).await?;
    store.close().await;
    step.end();
    Ok(Report { machine: Machine::this(), store: settings, streams })
}

pub fn print(report: &Report) -> Result<(), Failure> {
    let (machine, s) = (&report.machine, &report.streams);
    output::line(&format!("{}, {} cores, {} MB, {}", machine.cpu, machine.cores, machine.memory_mb, machine.os))?;
    report.store.iter().try_for_each(|(name, value)| output::line(&format!("  {name}: {value}")))?;
    output::line(&format!(
        "\n{} conversations in one worker, {} tokens each at {}/s, {} begun a second\n",
        s.runs, s.tokens, s.tokens_per_second, s.starts_per_second
    ))?;
    let head = ["", "WHOLE", "FIRST TOKEN P50", "P99", "A TOKEN P50", "P99", "LONGEST GAP", "MEDIAN", "STALLED 1 S"];
    output::table(&head, &[row("through flotilla", &s.flotilla), row("the provider directly", &s.direct)])?;
    let (added, each, cost) = (&s.added, &s.added_per_token, &s.cost);
    output::line(&format!(
        "\nadded to the first token: p50 {:.1} ms, p99 {:.1} ms; to each token after it: p50 {:.2} ms, p99 {:.2} ms",
        added.p50_ms, added.p99_ms, each.p50_ms, each.p99_ms
    ))?;
    if let Some(waited) = &s.until_started {
        output::line(&format!(
            "of that to the first, until the handler starts: p50 {:.1} ms, p99 {:.1} ms",
            waited.p50_ms, waited.p99_ms
        ))?;
    }
    output::line(&format!(
        "completed: {}; all streamed at once for {:.1} s, with the worker at {:.0} % of a core, the provider at {:.0} %, \
         the machine at {:.0} %",
        cost.completed,
        cost.all_at_once_seconds,
        cost.worker_cpu_percent,
        cost.provider_cpu_percent,
        cost.machine_cpu_percent
    ))?;
    output::line(&format!(
        "worker: {:.1} ms of CPU a run, {:.0} MiB resident at most, {:.0} MiB before",
        cost.worker_cpu_ms_per_run, cost.worker_memory_mb, cost.worker_memory_mb_before
    ))?;
    if let Some(server) = &cost.server {
        output::line(&format!(
            "server: {:.0} % of a core, {:.0} MiB resident at most, {:.0} MiB before; all readers: {:.0} % of a core",
            server.cpu_percent, server.memory_mb, server.memory_mb_before, server.readers_cpu_percent
        ))?;
    }
    output::line(&format!(
        "directly: the client at {:.0} % of a core, the provider at {:.0} %",
        s.direct_client_cpu_percent, s.direct_provider_cpu_percent
    ))
}

fn row(name: &str, side: &Side) -> Vec<String> {
    vec![
        name.to_owned(),
        side.whole.to_string(),
        format!("{:.1} ms", side.first_token.p50_ms),
        format!("{:.1} ms", side.first_token.p99_ms),
        format!("{:.2} ms", side.per_token.p50_ms),
        format!("{:.2} ms", side.per_token.p99_ms),
        format!("{:.0} ms", side.longest_gap_ms),
        format!("{:.0} ms", side.median_longest_gap_ms),
        side.stalled.to_string(),
    ]
}
