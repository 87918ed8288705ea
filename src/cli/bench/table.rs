//! A report for people.

use crate::{cli::output, exit::Failure};
use flotilla_workers::bench::{Rate, Report};

pub fn print(report: &Report) -> Result<(), Failure> {
    let machine = &report.machine;
    output::line(&format!(
        "{}, {} cores, {} MB, {}; payloads of {} bytes",
        machine.cpu, machine.cores, machine.memory_mb, machine.os, report.payload_bytes
    ))?;
    report.store.iter().try_for_each(|(name, value)| output::line(&format!("  {name}: {value}")))?;
    output::line("")?;
    output::table(&["MEASURED", "MEDIAN", "SLOWEST", "FASTEST", "CPU"], &rows(report))?;
    output::line("")?;
    let latency = &report.latency;
    output::line(&format!(
        "enqueue call to handler start at {}/s: p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms ({} jobs)",
        latency.rate, latency.p50_ms, latency.p99_ms, latency.max_ms, latency.jobs
    ))?;
    let commands = report.idle.redis_commands_per_second.map(|n| format!(", {n:.1} Redis commands/s"));
    output::line(&format!("idle worker: {:.2} % of a core{}", report.idle.cpu_percent, commands.unwrap_or_default()))?;
    report.backlogs.iter().try_for_each(|b| {
        output::line(&format!(
            "with {} jobs waiting and as many delayed: claim of 50 in {:.2} ms (p90 {:.2}), promotion of 500 in {:.2} ms \
             (p90 {:.2})",
            b.waiting, b.claim_ms, b.claim_p90_ms, b.promote_ms, b.promote_p90_ms
        ))
    })
}

fn rows(report: &Report) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> =
        report.raw.iter().map(|(name, rate)| vec![name.clone(), format!("{rate:.0}/s")]).collect();
    rows.push(row("enqueue in batches of 1,000", &report.enqueue_in_batches));
    rows.push(row("enqueue one by one", &report.enqueue_one_by_one));
    rows.push(row("drain", &report.drain));
    rows.push(row("drain with priorities, groups and a cap", &report.drain_mixed));
    rows
}

fn row(name: &str, rate: &Rate) -> Vec<String> {
    vec![
        name.to_owned(),
        format!("{:.0}/s", rate.per_second),
        format!("{:.0}/s", rate.slowest),
        format!("{:.0}/s", rate.fastest),
        format!("{:.3} ms/job", rate.cpu_ms_per_job),
    ]
}
