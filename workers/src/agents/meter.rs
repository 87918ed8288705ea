//! What a run has used up, against its agent's limits.
//!
//! Counted from what is on record when the run is opened, and on from there; so a limit holds over restarts.

use super::{
    definition::Limits,
    halt::Halt,
    record::{Gave, Said},
};
use crate::{
    clock::Clock,
    journal::{Opened, Spent, Step, StepKind},
    ledger::Hold,
};
use flotilla_jobs::{MicroUsd, Usage};
use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// Counts for one run.
#[derive(Debug)]
pub(super) struct Meter {
    limits: Limits,
    /// In milliseconds since the epoch.
    started_at: i64,
    clock: Clock,
    counts: Mutex<Counts>,
    /// Told when a hold is given back.
    freed: Notify,
}

/// A limit on money that is not the agent's own.
#[derive(Clone, Copy, Debug)]
struct Cap {
    most: MicroUsd,
    /// Of the failure where it has no room.
    code: &'static str,
    /// What sets it, for people.
    set_by: &'static str,
}

#[derive(Debug, Default)]
struct Counts {
    cap: Option<Cap>,
    spent: Spent,
    held: Hold,
    steps: u32,
    tool_bytes: u64,
    models: BTreeSet<String>,
}

impl Meter {
    /// With what is on record.
    pub fn new(limits: Limits, opened: &Opened, steps: &[Step], clock: Clock) -> Self {
        let mut counts = Counts { spent: opened.spent, ..Counts::default() };
        for step in steps {
            match step.kind {
                StepKind::Decision => continue,
                StepKind::Llm => {
                    let said: Option<Said> = serde_json::from_str(step.response.get()).ok();
                    counts.models.extend(said.map(|said| said.by));
                }
                StepKind::Tool | StepKind::Effect => {
                    let gave: Option<Gave> = serde_json::from_str(step.response.get()).ok();
                    counts.tool_bytes += gave.map_or(0, |gave| gave.text.len() as u64);
                }
            }
            counts.steps += 1;
        }
        let started_at = opened.started_at.as_millisecond();
        Self { limits, started_at, clock, counts: Mutex::new(counts), freed: Notify::new() }
    }

    pub fn spent(&self) -> Spent {
        self.counts().spent
    }

    pub fn steps(&self) -> u32 {
        self.counts().steps
    }

    pub fn models(&self) -> Vec<String> {
        self.counts().models.iter().cloned().collect()
    }

    /// Sets a limit on money beside the agent's own; calls hold what they may cost against both.
    pub fn cap(&self, most: MicroUsd, code: &'static str, set_by: &'static str) {
        self.counts().cap = Some(Cap { most, code, set_by });
    }

    /// How much of its money limits is left; `None` where there is none.
    pub fn left(&self) -> Option<MicroUsd> {
        let counts = self.counts();
        let most = self.caps(&counts).map(|cap| cap.most).min()?;
        Some(most.saturating_sub(counts.spent.cost + counts.held.cost))
    }

    fn caps(&self, counts: &Counts) -> impl Iterator<Item = Cap> + use<> {
        let own = |most| Cap { most, code: "out_of_money", set_by: "the agent's limit (`limits.usd`)" };
        self.limits.cost.map(own).into_iter().chain(counts.cap)
    }

    /// How long it may go on.
    pub fn time_left(&self) -> Result<Duration, Halt> {
        let end = self.started_at + i64::from(self.limits.minutes) * 60_000;
        match u64::try_from(end - self.clock.now()) {
            Ok(left) if left > 0 => Ok(Duration::from_millis(left)),
            _ => Err(self.out_of_time()),
        }
    }

    pub fn out_of_time(&self) -> Halt {
        let minutes = self.limits.minutes;
        Halt::fail(
            "out_of_time",
            format!("the run is not done after {minutes} minutes, its agent's limit (`limits.minutes`)"),
        )
    }

    /// Whether another call of a model or a tool may be made.
    pub fn allow_step(&self) -> Result<(), Halt> {
        self.time_left()?;
        let (steps, most) = (self.steps(), self.limits.steps);
        if steps < most {
            return Ok(());
        }
        Err(Halt::fail("out_of_steps", format!("the run took {most} steps, its agent's limit (`limits.steps`)")))
    }

    /// Holds what a call may use. Waits while only the holds of other calls are in the way.
    pub async fn hold(&self, hold: Hold) -> Result<Held<'_>, Halt> {
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if self.try_hold(hold)? {
                return Ok(Held { meter: self, hold });
            }
            freed.await;
        }
    }

    fn try_hold(&self, hold: Hold) -> Result<bool, Halt> {
        let mut counts = self.counts();
        let (tokens, cost) = (counts.spent.tokens() + hold.tokens, counts.spent.cost + hold.cost);
        if tokens > self.limits.tokens {
            let (spent, most) = (counts.spent.tokens(), self.limits.tokens);
            let what = format!(
                "the next call may take {} tokens; {spent} are used of {most}, the agent's limit (`limits.tokens`)",
                hold.tokens
            );
            return Err(Halt::fail("out_of_tokens", what));
        }
        if let Some(Cap { most, code, set_by }) = self.caps(&counts).find(|cap| cost > cap.most) {
            let (needed, spent) = (hold.cost, counts.spent.cost);
            let what = format!("the next call may cost {needed}; {spent} is spent of {most}, {set_by}");
            return Err(Halt::fail(code, what));
        }
        let fits = tokens + counts.held.tokens <= self.limits.tokens
            && self.caps(&counts).all(|cap| cost + counts.held.cost <= cap.most);
        if fits {
            counts.held.tokens += hold.tokens;
            counts.held.cost = counts.held.cost + hold.cost;
        }
        Ok(fits)
    }

    /// A model answered, or a call of it ended without an answer that still was counted. Without `usage` all that it
    /// held counts as used, unless nothing was charged.
    pub fn called(&self, by: Option<&str>, usage: Option<Usage>, cost: Option<MicroUsd>, held: Hold) {
        let mut counts = self.counts();
        let spent = &mut counts.spent;
        let is_charged = cost.is_some_and(|cost| cost > MicroUsd::ZERO);
        match usage {
            Some(usage) => spent.usage = spent.usage + usage,
            None if is_charged || by.is_some() => spent.unsaid_tokens += held.tokens,
            None => {}
        }
        spent.estimated += u64::from(usage.is_none() && is_charged);
        spent.cost = spent.cost + cost.unwrap_or_default();
        spent.unknown += u64::from(cost.is_none());
        if let Some(by) = by {
            counts.steps += 1;
            counts.spent.calls += 1;
            counts.models.insert(by.to_owned());
        }
    }

    /// An answer of this model was found again: a step that costs nothing.
    pub fn found(&self, by: &str) {
        let mut counts = self.counts();
        counts.steps += 1;
        counts.models.insert(by.to_owned());
    }

    /// A tool answered.
    pub fn tool(&self, bytes: usize) {
        let mut counts = self.counts();
        counts.steps += 1;
        counts.tool_bytes += bytes as u64;
    }

    /// How much tools may say yet.
    pub fn tool_bytes_left(&self) -> usize {
        usize::try_from(self.limits.tool_bytes.saturating_sub(self.counts().tool_bytes)).unwrap_or(usize::MAX)
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a call holds until it ends.
pub(super) struct Held<'a> {
    meter: &'a Meter,
    hold: Hold,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut counts = self.meter.counts();
        counts.held.tokens = counts.held.tokens.saturating_sub(self.hold.tokens);
        counts.held.cost = counts.held.cost.saturating_sub(self.hold.cost);
        drop(counts);
        self.meter.freed.notify_waiters();
    }
}
