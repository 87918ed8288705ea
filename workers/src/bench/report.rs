//! What the measurements say.

use super::{Backlog, Machine};
use serde::Serialize;

/// Everything measured in one run.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct Report {
    pub machine: Machine,
    /// The store, its servers' versions and their durability settings.
    pub store: Vec<(String, String)>,
    pub payload_bytes: usize,
    /// Limits of the servers alone: what was measured and operations per second.
    pub raw: Vec<(String, f64)>,
    pub enqueue_in_batches: Rate,
    pub enqueue_one_by_one: Rate,
    pub drain: Rate,
    /// The drain with priorities, groups and a queue cap in use.
    pub drain_mixed: Rate,
    pub latency: Latency,
    pub idle: Idle,
    /// Claims and promotions with few and with many jobs waiting, where that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub backlogs: Vec<Backlog>,
}

/// How many, how fast, at what cost.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Rate {
    /// Jobs in one round.
    pub jobs: u64,
    /// Jobs per second: the median of the rounds.
    pub per_second: f64,
    /// The slowest round.
    pub slowest: f64,
    /// The fastest round.
    pub fastest: f64,
    /// CPU of the whole machine, in milliseconds a job: workers, servers and everything else that ran.
    pub cpu_ms_per_job: f64,
}

/// From the enqueue call to the start of the handler, at a fixed rate, in milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[allow(missing_docs)]
pub struct Latency {
    pub rate: u64,
    pub jobs: u64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

/// A worker with nothing to do.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Idle {
    /// For how long it was watched, in seconds.
    pub seconds: f64,
    /// CPU of this process, in percent of one core.
    pub cpu_percent: f64,
    /// Commands that Redis saw a second, where there is a Redis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redis_commands_per_second: Option<f64>,
}

impl Rate {
    /// The median, slowest and fastest of rounds of `jobs` each; each round is its seconds and the machine's CPU seconds.
    pub(super) fn of_rounds(jobs: u64, rounds: &[(f64, f64)]) -> Self {
        let mut rates: Vec<f64> = rounds.iter().map(|(seconds, _)| jobs as f64 / seconds).collect();
        let mut costs: Vec<f64> = rounds.iter().map(|(_, cpu)| cpu * 1_000.0 / jobs as f64).collect();
        rates.sort_by(f64::total_cmp);
        costs.sort_by(f64::total_cmp);
        let middle = |sorted: &[f64]| sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
        Self {
            jobs,
            per_second: middle(&rates),
            slowest: rates.first().copied().unwrap_or(0.0),
            fastest: rates.last().copied().unwrap_or(0.0),
            cpu_ms_per_job: middle(&costs),
        }
    }
}

/// The value below which this share of them is; 0 of none.
pub(super) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1) as f64;
    sorted.get((last * share).round() as usize).copied().unwrap_or(0.0)
}
