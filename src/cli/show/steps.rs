//! What agents did for a job: a line for each call, and the sum.

use crate::{
    cli::{
        backend::Backend,
        output::{self, DIM, RED, RESET, YELLOW},
    },
    exit::Failure,
    shown,
};
use flotilla_jobs::{
    JobId, JobRecord, MicroUsd, Usage,
    api::{JobStep, JobSteps},
};
use serde::Serialize;

/// Columns, and how wide each is: what is longer moves the rest of its line. Pages come one by one, so no column can be
/// as wide as all that will be in it.
const HEAD: [(&str, usize); 8] =
    [("STEP", 8), ("KIND", 8), ("NAME", 18), ("STATE", 12), ("MODEL", 18), ("IN > OUT", 14), ("COST", 10), ("TIME", 8)];

/// A sum over calls.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Totals {
    /// Calls of models and tools with a result on record; decisions are none.
    steps: u64,
    /// Of models, with those that failed or were lost.
    calls: u64,
    lost: u64,
    /// Calls whose cost is not known: they are not part of `cost`.
    unknown: u64,
    usage: Usage,
    /// In micro-dollars.
    cost: MicroUsd,
    /// Answers that came from the cache: they are no calls, and cost nothing.
    cached: u64,
    /// What those would have cost otherwise, in micro-dollars.
    saved: MicroUsd,
    /// In calls; those of conversations that went on side by side are added up.
    duration_ms: u64,
}

/// The job, as it always was, and what agents did.
#[derive(Serialize)]
struct WithSteps<'j> {
    #[serde(flatten)]
    job: &'j JobRecord,
    steps: Vec<JobStep>,
    totals: Totals,
}

/// For programs.
pub(super) async fn json(backend: &dyn Backend, job: &JobRecord) -> Result<(), Failure> {
    let (mut steps, mut totals) = (Vec::new(), Totals::default());
    each(backend, job.id, |page| {
        page.steps.iter().for_each(|step| totals.add(step));
        steps.extend(page.steps);
        Ok(())
    })
    .await?;
    output::json(&WithSteps { job, steps, totals })
}

/// For people; nothing where no agent did anything.
pub(super) async fn people(backend: &dyn Backend, id: JobId) -> Result<(), Failure> {
    let (mut totals, mut run) = (Totals::default(), None);
    each(backend, id, |page| {
        for step in &page.steps {
            if run.replace(step.run) != Some(step.run) {
                let left = if step.superseded { ", left: another run took its place" } else { "" };
                output::line(&format!("{DIM}run{RESET}        {} {}{left}", step.run, shown::line(&step.agent)))?;
                output::line(&format!("{DIM}{}{RESET}", row(&HEAD.map(|(name, _)| name.to_owned()))))?;
            }
            totals.add(step);
            line(step)?;
        }
        Ok(())
    })
    .await?;
    if run.is_some() {
        output::line(&format!("{DIM}total{RESET}      {}", totals.text()))?;
    }
    Ok(())
}

async fn each(
    backend: &dyn Backend,
    id: JobId,
    mut page: impl FnMut(JobSteps) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut after = None;
    loop {
        let steps = backend.steps(id, after).await?;
        after = steps.next;
        page(steps)?;
        if after.is_none() {
            return Ok(());
        }
    }
}

fn line(step: &JobStep) -> Result<(), Failure> {
    let text = row(&cells(step));
    match step.outcome.as_str() {
        "lost" => output::line(&format!("{RED}{text}{RESET}"))?,
        "done" if step.kept => output::line(&text)?,
        _ => output::line(&format!("{YELLOW}{text}{RESET}"))?,
    }
    if let Some(message) = &step.message {
        output::line(&format!("{DIM}         {}{RESET}", shown::line(message)))?;
    }
    Ok(())
}

fn cells(step: &JobStep) -> [String; 8] {
    let number = match step.attempt {
        0 | 1 => format!("{}/{}", step.thread, step.seq),
        attempt => format!("{}/{} #{attempt}", step.thread, step.seq),
    };
    let kind = if step.kind == "llm" { "model" } else { &step.kind };
    let name = step.name.split_once(':').map_or(step.name.as_str(), |(_, name)| name);
    // Paid for, and not used: its worker had lost the job by then.
    let outcome = match step.outcome.as_str() {
        "done" if !step.kept => "unused",
        "done" if step.cached => "cached",
        outcome => outcome,
    };
    let tokens = step.usage.map(|usage| format!("{} > {}", usage.prompt(), usage.output));
    let cost = match (step.cost, &step.provider) {
        (Some(cost), Some(_)) => cost.to_string(),
        (None, Some(_)) if step.outcome != "open" => "unknown".to_owned(),
        _ => String::new(),
    };
    let time = took(step).map(|ms| format!("{}.{:03} s", ms / 1_000, ms % 1_000));
    [
        number,
        kind.to_owned(),
        name.to_owned(),
        outcome.to_owned(),
        step.model.clone().unwrap_or_default(),
        tokens.unwrap_or_default(),
        cost,
        time.unwrap_or_default(),
    ]
    .map(|cell| shown::line(&cell))
}

fn row(cells: &[String; 8]) -> String {
    let cells: Vec<String> = cells.iter().zip(HEAD).map(|(cell, (_, width))| format!("{cell:width$}")).collect();
    cells.join("  ").trim_end().to_owned()
}

fn took(step: &JobStep) -> Option<u64> {
    // A note has only the time it was made at.
    let end = step.finished_at.filter(|_| step.attempt > 0)?;
    Some(end.duration_since(step.started_at).as_millis().try_into().unwrap_or(0))
}

impl Totals {
    fn add(&mut self, step: &JobStep) {
        self.steps += u64::from(step.kept && step.kind != "decision");
        self.duration_ms += took(step).unwrap_or(0);
        if step.provider.is_none() {
            return;
        }
        if step.cached {
            self.cached += 1;
            self.saved = self.saved + step.saved.unwrap_or_default();
            return;
        }
        self.calls += 1;
        self.lost += u64::from(step.outcome == "lost");
        self.unknown += u64::from(step.cost.is_none() && step.outcome != "open");
        self.usage = self.usage + step.usage.unwrap_or_default();
        self.cost = self.cost + step.cost.unwrap_or_default();
    }

    fn text(&self) -> String {
        let Self { steps, calls, lost, unknown, usage, cost, cached, saved, duration_ms } = self;
        let lost = if *lost > 0 { format!(" ({lost} lost)") } else { String::new() };
        let unknown = match unknown {
            0 => String::new(),
            1 => ", and 1 call of unknown cost".to_owned(),
            n => format!(", and {n} calls of unknown cost"),
        };
        let cached = match cached {
            0 => String::new(),
            1 => format!(", and 1 answer from the cache (saved {saved})"),
            n => format!(", and {n} answers from the cache (saved {saved})"),
        };
        let (tokens_in, tokens_out) = (usage.prompt(), usage.output);
        let seconds = (duration_ms + 50) / 100;
        let steps = if *steps == 1 { "1 step".to_owned() } else { format!("{steps} steps") };
        let calls = if *calls == 1 { "1 call of a model".to_owned() } else { format!("{calls} calls of models") };
        format!(
            "{steps}, {calls}{lost}{cached}; {tokens_in} tokens in, {tokens_out} out; {cost}{unknown}; {}.{} s",
            seconds / 10,
            seconds % 10
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(json: &serde_json::Value) -> JobStep {
        let mut step = serde_json::json!({
            "run": 0, "agent": "a", "superseded": false, "thread": 1, "seq": 2, "attempt": 1, "kind": "llm",
            "name": "llm:review", "outcome": "done", "kept": true, "provider": "p", "model": "m",
            "started_at": "2026-01-01T00:00:00Z", "finished_at": "2026-01-01T00:00:01.5Z",
            "usage": { "input": 100, "output": 20 }, "cost": 1_500
        });
        step.as_object_mut().unwrap().append(json.clone().as_object_mut().unwrap());
        serde_json::from_value(step).unwrap()
    }

    #[test]
    fn a_line_says_what_a_call_was_and_took() {
        let cells = cells(&step(&serde_json::json!({})));
        assert_eq!(cells, ["1/2", "model", "review", "done", "m", "100 > 20", "$0.0015", "1.500 s"]);
        let evil = serde_json::json!({ "name": "tool:\u{1b}[2J\n", "kind": "tool", "attempt": 0, "outcome": "open",
            "kept": false, "model": null, "usage": null, "cost": null });
        assert_eq!(self::cells(&step(&evil))[2], "\\u{1b}[2J\\u{a}");
        let unused = serde_json::json!({ "kept": false, "attempt": 2 });
        assert_eq!(self::cells(&step(&unused))[..4], ["1/2 #2", "model", "review", "unused"]);
    }

    #[test]
    fn an_answer_from_the_cache_is_no_call() {
        let again = step(&serde_json::json!({ "cached": true, "saved": 1_500, "cost": 0, "usage": null }));
        assert_eq!(cells(&again)[3], "cached");
        let mut totals = Totals::default();
        totals.add(&again);
        let said =
            "1 step, 0 calls of models, and 1 answer from the cache (saved $0.0015); 0 tokens in, 0 out; $0; 1.5 s";
        assert_eq!(totals.text().replace("$0.00;", "$0;"), said);
    }

    #[test]
    fn lost_calls_are_counted_and_their_cost_is_not_zero() {
        let mut totals = Totals::default();
        totals.add(&step(&serde_json::json!({})));
        totals.add(&step(&serde_json::json!({ "kind": "decision", "attempt": 0, "provider": null })));
        let lost = serde_json::json!({ "outcome": "lost", "kept": false, "usage": null, "cost": null });
        totals.add(&step(&lost));
        assert_eq!(
            totals.text(),
            "1 step, 2 calls of models (1 lost); 100 tokens in, 20 out; $0.0015, and 1 call of unknown cost; 3.0 s"
        );
    }
}
