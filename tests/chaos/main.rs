//! Load on all kinds of jobs while a seeded schedule kills, freezes, cuts and restarts everything; see `scripts/chaos`.
//!
//! Exits with 1 unless every accepted job ended, once, in a state that it may end in.

mod load;
mod processes;
#[path = "../support/proxy.rs"]
mod proxy;
mod schedule;
#[path = "../../workers/tests/support/servers.rs"]
#[allow(dead_code, reason = "shared with tests of other kinds")]
mod servers;
mod verdict;
mod world;

use clap::Parser;
use std::{process::ExitCode, time::Duration};
use tokio_util::sync::CancellationToken;
use world::World;

/// How long, and which schedule.
#[derive(Parser)]
#[command(ignore_errors = true)]
struct Args {
    /// How long the trouble goes on.
    #[arg(long, default_value_t = 0.4)]
    minutes: f64,
    /// The same number gives the same trouble in the same order.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Jobs handed in each second.
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// As other tests have it: runs only if its name holds one of these.
    filter: Vec<String>,
    /// As other tests have it.
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if args.list || (!args.filter.is_empty() && !args.filter.iter().any(|word| "chaos".contains(word.as_str()))) {
        return ExitCode::SUCCESS;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if runtime.block_on(chaos(&args)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn chaos(args: &Args) -> bool {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let world = World::start().await;
    let over = CancellationToken::new();
    let load = tokio::spawn(load::run(world.servers(), args.seed, args.rate, over.clone()));
    let time = Duration::from_secs_f64(args.minutes * 60.0);
    let troubles = schedule::run(&world, args.seed, time).await;
    over.cancel();
    let accepted = load.await.expect("the load ends");
    let verdict = verdict::reach(&world, &accepted, troubles).await;
    println!("chaos: seed {}, {:.1} minutes, {} jobs a second asked\n{verdict}", args.seed, args.minutes, args.rate);
    world.end(verdict.holds()).await;
    verdict.holds()
}
