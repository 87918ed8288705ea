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
    /// From handing in the job, or from the request of a reader.
    pub flotilla: Side,
    /// Calls of the provider by the same client and without Flotilla.
    pub direct: Side,
    /// What Flotilla adds to the time to the first token.
    pub added: Wait,
    /// What it adds to the time from one token to the next.
    pub added_per_token: Wait,
    /// From handing in a job to the start of its handler; readers of a server do not see it.
    pub until_started: Option<Wait>,
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
    /// From one token to the next: of each answer, the time from its first to its last one by the steps between them.
    pub per_token: Wait,
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
    /// Where the answers were read from a server.
    pub server: Option<ServerCost>,
}

/// What a server and its readers took, in the same terms.
#[derive(Clone, Copy, Debug, Serialize)]
#[allow(missing_docs)]
pub struct ServerCost {
    pub cpu_percent: f64,
    pub memory_mb_before: f64,
    pub memory_mb: f64,
    /// All of them, in the process that measures.
    pub readers_cpu_percent: f64,
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
            added: flotilla.first_token.above(without.first_token),
            added_per_token: flotilla.per_token.above(without.per_token),
            until_started: (cost.server.is_none())
                .then(|| Wait::of(heard.iter().filter_map(|one| between(one.asked, one.started)))),
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
            whole: heard.iter().filter(|one| one.whole && one.words() == plan.tokens).count() as u64,
            first_token: Wait::of(heard.iter().filter_map(|one| between(one.asked, one.first))),
            per_token: Wait::of(heard.iter().filter_map(per_token)),
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

    fn above(self, other: Self) -> Self {
        Self { p50_ms: self.p50_ms - other.p50_ms, p99_ms: self.p99_ms - other.p99_ms }
    }
}

fn per_token(one: &Heard) -> Option<Duration> {
    let steps = u32::try_from(one.words().checked_sub(1)?).ok().filter(|steps| *steps > 0)?;
    Some(between(one.first, one.last)? / steps)
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
