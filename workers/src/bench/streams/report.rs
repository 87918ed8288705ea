//! What the streams say.

use super::{Plan, STALL, heard::Heard};
use crate::bench::report::quantile;
use serde::Serialize;
use std::time::Duration;
use tokio::time::Instant;

/// All of it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Streams {
    #[allow(missing_docs)]
    pub runs: u64,
    /// Of one answer.
    pub tokens: u64,
    #[allow(missing_docs)]
    pub tokens_per_second: u32,
    #[allow(missing_docs)]
    pub starts_per_second: u64,
    /// Jobs: from handing them in.
    pub flotilla: Side,
    /// Calls of the provider by the same client and without Flotilla.
    pub direct: Side,
    /// What Flotilla adds to the time to the first token.
    pub added: Wait,
    /// Of that, from handing in a job to the start of its handler.
    pub until_started: Wait,
    #[allow(missing_docs)]
    pub cost: Cost,
    /// CPU of the client alone and of the provider while there was no Flotilla, in percent of one core.
    pub direct_client_cpu_percent: f64,
    #[allow(missing_docs)]
    pub direct_provider_cpu_percent: f64,
}

/// What readers saw.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Side {
    /// Answers that came whole, with every token.
    pub whole: u64,
    /// From asking to the first token.
    pub first_token: Wait,
    /// The longest time between two tokens of any answer, in milliseconds.
    pub longest_gap_ms: f64,
    /// The same for the answer in the middle, each by its longest.
    pub median_longest_gap_ms: f64,
    /// Answers with a gap of a second or more.
    pub stalled: u64,
}

/// In milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
#[allow(missing_docs)]
pub struct Wait {
    pub p50_ms: f64,
    pub p99_ms: f64,
}

/// What the runs took. CPU is in percent of one core, over the time in which all streamed at once where there was such a
/// time, else over all of it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Cost {
    /// Jobs whose result is on record.
    pub completed: u64,
    /// How often handlers began: above the number of runs where some were put off, or tried again.
    pub starts: u64,
    /// For how long all streamed at once.
    pub all_at_once_seconds: f64,
    #[allow(missing_docs)]
    pub worker_cpu_percent: f64,
    #[allow(missing_docs)]
    pub provider_cpu_percent: f64,
    /// Servers and everything else that ran among it.
    pub machine_cpu_percent: f64,
    /// From the first job to the last result.
    pub worker_cpu_ms_per_run: f64,
    #[allow(missing_docs)]
    pub worker_memory_mb_before: f64,
    /// The most that was seen, resident.
    pub worker_memory_mb: f64,
}

/// Calls without Flotilla.
pub(super) struct Direct {
    pub heard: Vec<Heard>,
    pub client_cpu_percent: f64,
    pub provider_cpu_percent: f64,
}

impl Streams {
    pub(super) fn of(plan: Plan, heard: &[Heard], cost: Cost, direct: &Direct) -> Self {
        let (flotilla, without) = (Side::of(plan, heard), Side::of(plan, &direct.heard));
        Self {
            runs: plan.runs,
            tokens: plan.tokens,
            tokens_per_second: plan.tokens_per_second,
            starts_per_second: plan.starts_per_second,
            added: Wait {
                p50_ms: flotilla.first_token.p50_ms - without.first_token.p50_ms,
                p99_ms: flotilla.first_token.p99_ms - without.first_token.p99_ms,
            },
            until_started: Wait::of(heard.iter().filter_map(|one| between(one.asked, one.started))),
            flotilla,
            direct: without,
            cost,
            direct_client_cpu_percent: direct.client_cpu_percent,
            direct_provider_cpu_percent: direct.provider_cpu_percent,
        }
    }
}

impl Side {
    fn of(plan: Plan, heard: &[Heard]) -> Self {
        let gaps = sorted(heard.iter().map(|one| one.longest_gap));
        Self {
            whole: heard.iter().filter(|one| one.whole && one.words == plan.tokens).count() as u64,
            first_token: Wait::of(heard.iter().filter_map(|one| between(one.asked, one.first))),
            longest_gap_ms: quantile(&gaps, 1.0),
            median_longest_gap_ms: quantile(&gaps, 0.5),
            stalled: heard.iter().filter(|one| one.longest_gap >= STALL).count() as u64,
        }
    }
}

impl Wait {
    fn of(times: impl Iterator<Item = Duration>) -> Self {
        let times = sorted(times);
        Self { p50_ms: quantile(&times, 0.5), p99_ms: quantile(&times, 0.99) }
    }
}

fn between(from: Option<Instant>, to: Option<Instant>) -> Option<Duration> {
    Some(to?.duration_since(from?))
}

/// In milliseconds.
fn sorted(times: impl Iterator<Item = Duration>) -> Vec<f64> {
    let mut times: Vec<f64> = times.map(|time| time.as_secs_f64() * 1_000.0).collect();
    times.sort_by(f64::total_cmp);
    times
}
