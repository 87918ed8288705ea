//! `flotilla bench`: what the store can do on this machine, beside what its servers can do alone.

mod child;
mod place;
mod provider;
mod served;
mod streams;
mod table;

use super::{output, session::Session, spinner::spinner};
use crate::{
    exit::{Exit, Failure},
    shutdown::Shutdown,
};
use flotilla_workers::bench::{self, Machine, Report};
use indicatif::ProgressBar;
use place::Place;
use serde::Serialize;
use std::{fmt::Display, time::Duration};

/// What a large backlog is compared with.
const FEW: u64 = 10_000;

/// How much is measured.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  flotilla bench                               the store that the configuration names
  flotilla bench --json > before.json          to compare with later
  flotilla bench --jobs 2000 --rounds 1 --idle-seconds 1 --latency-jobs 200    a quick look
  flotilla bench --streams 1000                only this: 1,000 conversations at once, with the scripted provider
  flotilla bench --streams 1000 --through-server    the same as chats that are read from `flotilla serve`

Jobs carry 1 KB, their handlers do nothing, every job and every result is recorded. SQLite is measured in a file of its
own beside the configured one; Redis and Postgres under the prefix PREFIX-bench and in the schema flotilla_bench, which
is removed before and after. Nothing else on the machine should be at work meanwhile.")]
pub struct Args {
    /// Jobs of one round
    #[arg(long, default_value_t = 50_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1_000..))]
    jobs: u64,
    /// Rounds; the median counts
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Jobs that run at once in the worker
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    concurrency: u64,
    /// Callers that submit one job at a time
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    callers: u64,
    /// Jobs a second while latency is measured
    #[arg(long, default_value_t = 200, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    rate: u64,
    /// Jobs of the latency measurement
    #[arg(long, default_value_t = 2_000, value_name = "N", value_parser = clap::value_parser!(u64).range(10..))]
    latency_jobs: u64,
    /// How long an idle worker is watched
    #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    idle_seconds: u64,
    /// Also measure claims and promotions with this many jobs waiting, and as many delayed, against 10,000
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(10_000..=10_000_000))]
    waiting: Option<u64>,
    #[command(flatten)]
    streams: streams::Wanted,
}

pub async fn run(args: Args, session: &Session) -> Result<Exit, Failure> {
    let shutdown = Shutdown::listen()?;
    let place = Place::enter(&session.loaded).await?;
    if let Some(plan) = args.streams.plan() {
        return conduct(streams::measure(plan, &place), &place, &shutdown, session, streams::print).await;
    }
    conduct(measure(&args, &place), &place, &shutdown, session, table::print).await
}

/// Measures, clears away and says what came of it.
async fn conduct<R: Serialize>(
    measure: impl Future<Output = Result<R, Failure>>,
    place: &Place,
    shutdown: &Shutdown,
    session: &Session,
    print: fn(&R) -> Result<(), Failure>,
) -> Result<Exit, Failure> {
    let report = tokio::select! {
        report = measure => Some(report),
        () = shutdown.stop.cancelled() => None,
    };
    place.leave().await?;
    let Some(report) = report else { return Ok(Exit::Interrupted) };
    let report = report?;
    if session.json {
        output::json(&report)?;
    } else {
        print(&report)?;
    }
    Ok(Exit::Ok)
}

async fn measure(args: &Args, place: &Place) -> Result<Report, Failure> {
    let step = Step::new();
    let store = &place.open().await?;
    step.is("the servers alone");
    let raw = place.raw(&**store, args.jobs as usize).await?;
    step.is("accepting jobs in batches");
    let enqueue_in_batches = bench::enqueue_in_batches(store, args.jobs, args.rounds).await.map_err(failed)?;
    step.is("accepting jobs one by one");
    let singles = args.jobs / 2;
    let enqueue_one_by_one =
        bench::enqueue_one_by_one(store, singles, args.callers, args.rounds).await.map_err(failed)?;
    step.is("working off backlogs");
    let concurrency = args.concurrency as usize;
    let (drain, drain_mixed) = bench::drain(store, args.jobs, concurrency, args.rounds).await.map_err(failed)?;
    step.is("latency at a fixed rate");
    let latency = bench::latency(store, args.rate, args.latency_jobs).await.map_err(failed)?;
    step.is("an idle worker");
    let watch = Duration::from_secs(args.idle_seconds);
    let idle = bench::idle(store, watch, || place.commands()).await.map_err(failed)?;
    let backlogs = match args.waiting {
        None => Vec::new(),
        Some(many) => {
            step.is("claims and promotions beside backlogs");
            bench::backlogs(store, &[FEW, many]).await.map_err(failed)?
        }
    };
    store.close().await;
    step.end();
    Ok(Report {
        machine: Machine::this(),
        store: raw.settings,
        payload_bytes: bench::PAYLOAD_BYTES,
        raw: raw.rates,
        enqueue_in_batches,
        enqueue_one_by_one,
        drain,
        drain_mixed,
        latency,
        idle,
        backlogs,
    })
}

fn failed(error: impl Display) -> Failure {
    Failure::unavailable(format!("the measurement failed: {error}"))
}

/// What is being measured: a spinner on a terminal, a line otherwise.
struct Step(Option<ProgressBar>);

impl Step {
    fn new() -> Self {
        Self(spinner())
    }

    fn is(&self, what: &'static str) {
        match &self.0 {
            Some(bar) => bar.set_message(what),
            None => output::note(&format!("measuring: {what}")),
        }
    }

    fn end(&self) {
        self.0.iter().for_each(ProgressBar::finish_and_clear);
    }
}
