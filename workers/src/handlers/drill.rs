//! `drill`: does as it is told, to rehearse failures.

use crate::{context::Context, registry::Handler};
use async_trait::async_trait;
use flotilla_jobs::{
    Cause, Fault, Outcome, Progress,
    kinds::{Act, Drill, DrillReport},
};
use std::{hint::black_box, ops::ControlFlow, time::Duration};
use tokio::time::{Instant, sleep};

/// What a sleep says when it is interrupted, before its number.
const ASLEEP: &str = "asleep in step ";

/// Does what drills say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Driller;

#[async_trait]
impl Handler<Drill> for Driller {
    async fn run(&self, job: Drill, cx: &Context) -> anyhow::Result<Outcome<DrillReport>> {
        let attempts = cx.attempts();
        let run = 1 + Cause::ALL.iter().map(|cause| attempts.of(*cause)).sum::<u32>();
        let mut steps = 0;
        let mut kept = Vec::new();
        let steps_of_run =
            job.steps.iter().enumerate().filter(|(_, step)| step.only_attempt.is_none_or(|only| only == run));
        for (number, step) in steps_of_run {
            if let ControlFlow::Break(outcome) = act(number, &step.act, &mut kept, cx).await {
                return Ok(outcome);
            }
            steps += 1;
        }
        Ok(Outcome::Done(DrillReport { steps, run }))
    }
}

async fn act(number: usize, act: &Act, kept: &mut Vec<u8>, cx: &Context) -> ControlFlow<Outcome<DrillReport>> {
    kept.clear();
    kept.shrink_to_fit();
    match act {
        Act::Sleep { ms } => return wait(number, *ms, cx).await,
        Act::Say { text } => cx.output(text).await,
        Act::Progress { done, total, message } => cx.progress(*done, *total, message.as_deref().unwrap_or_default()),
        Act::Fail { message } => return ControlFlow::Break(Outcome::Fail(Fault::new("drill", message))),
        Act::Retry { message, after_ms } => {
            let after = after_ms.map(Duration::from_millis);
            return ControlFlow::Break(Outcome::Retry { fault: Fault::new("drill", message), after });
        }
        Act::Panic { message } => panic!("{message}"),
        Act::Abort => std::process::abort(),
        // Not zeros, which the system would hand out without memory behind them.
        Act::ExhaustMemory { mib } => kept.resize(usize::try_from(*mib << 20).unwrap_or(usize::MAX), 1),
        Act::OverflowStack => drop(black_box(deeper(1))),
        Act::Block { ms } => std::thread::sleep(Duration::from_millis(*ms)),
        Act::IgnoreCancel { ms } => sleep(Duration::from_millis(*ms)).await,
    }
    ControlFlow::Continue(())
}

/// Sleeps on where an earlier run was when its worker stopped: that is how a handler loses nothing by a hand-over.
async fn wait(number: usize, ms: u64, cx: &Context) -> ControlFlow<Outcome<DrillReport>> {
    let slept = match cx.resumed().and_then(asleep) {
        Some((step, _)) if number < step => return ControlFlow::Continue(()),
        Some((step, done)) if number == step => done,
        _ => 0,
    };
    let start = Instant::now();
    tokio::select! {
        () = sleep(Duration::from_millis(ms.saturating_sub(slept))) => ControlFlow::Continue(()),
        () = cx.cancelled().cancelled() => ControlFlow::Break(Outcome::Cancel("told to".to_owned())),
        () = cx.stopping().cancelled() => {
            cx.progress(slept + start.elapsed().as_millis() as u64, Some(ms), format!("{ASLEEP}{number}"));
            ControlFlow::Break(Outcome::Snooze(Duration::ZERO))
        }
    }
}

/// The step that was interrupted, and for how many milliseconds it had slept.
fn asleep(progress: &Progress) -> Option<(usize, u64)> {
    Some((progress.message.strip_prefix(ASLEEP)?.parse().ok()?, progress.done))
}

/// Never returns: each call takes a piece of the stack that cannot be optimized away.
#[allow(unconditional_recursion, reason = "the stack must end")]
fn deeper(depth: u64) -> u64 {
    let piece = black_box([depth; 512]);
    deeper(piece[0] + 1) + black_box(piece)[511]
}
