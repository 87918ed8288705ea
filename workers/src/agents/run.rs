//! A run: one agent's work on one job, from what is on record on.

use super::{
    chain,
    definition::PartDefinition,
    halt::Halt,
    host::{Agents, JobRef},
    meter::Meter,
    patience::SHORT,
    plan::Plan,
    record,
    thread::Threads,
    traced,
};
use crate::journal::{InputHash, Note, Noted, RunId, RunStart, Spent, Step, StepKey, StepKind};
use flotilla_jobs::MicroUsd;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, to_value};
use std::time::Duration;
use tracing::Span;

/// A run that is open under its job's lease.
#[derive(Debug)]
pub struct Run {
    pub(super) agents: Agents,
    pub(super) job: JobRef,
    pub(super) id: RunId,
    pub(super) plan: Plan,
    /// What a run that begins now would pin; `None` where its agent is gone.
    pub(super) fresh: Option<Plan>,
    pub(super) meter: Meter,
    pub(super) threads: Threads,
    /// What its calls are part of, in traces.
    pub(super) span: Span,
    /// Whether an earlier attempt of the job began it, or one that it takes the place of.
    pub(super) resumed: bool,
}

/// A step that is about to be made.
#[derive(Clone, Debug)]
pub(super) struct Next {
    pub key: StepKey,
    pub kind: StepKind,
    pub name: String,
    pub hash: InputHash,
}

impl Run {
    /// What was pinned when the run began.
    pub fn extra<T: DeserializeOwned>(&self) -> Result<T, Halt> {
        T::deserialize(&self.plan.extra).map_err(|error| {
            let what = format!("what the run keeps beside its agent cannot be read by this version: {error}");
            Halt::fail("journal_unreadable", what)
        })
    }

    /// A value that stays the same wherever the run goes on: the one on record, or the one that `make` gives now.
    pub async fn decide<T: Serialize + DeserializeOwned + Send>(
        &self,
        thread: u32,
        name: &str,
        input: &(impl Serialize + Sync),
        make: impl FnOnce() -> T + Send,
    ) -> Result<T, Halt> {
        let input = to_value(input).map_err(|error| Halt::fail("journal", format!("decision `{name}`: {error}")))?;
        let mut place = self.threads.enter(thread)?;
        let next = Next::new(place.take_one(), StepKind::Decision, format!("decision:{name}"), &place.head, &input);
        place.head = next.hash;
        if let Some(step) = place.recorded(next.key) {
            self.same(&next, &step).await?;
            return record::read(&step);
        }
        self.job.border()?;
        let value = make();
        match self.note(&next, &input, &value).await? {
            None => Ok(value),
            Some(earlier) => record::read(&earlier),
        }
    }

    /// The decision that comes next in a thread, if it is on record.
    pub fn decided<T: DeserializeOwned>(&self, thread: u32) -> Result<Option<T>, Halt> {
        self.threads.enter(thread)?.peek().map(record::read).transpose()
    }

    /// What it has cost so far, lost calls included as far as that is known.
    pub fn spent(&self) -> Spent {
        self.meter.spent()
    }

    /// Lets it cost no more than `most`, whatever its agent may. A call that might is not made: the run fails with
    /// `code`, and says what it is that `set_by` names.
    pub fn cap(&self, most: MicroUsd, code: &'static str, set_by: &'static str) {
        self.meter.cap(most, code, set_by);
    }

    /// Calls of models and tools that it finished.
    pub fn steps(&self) -> u32 {
        self.meter.steps()
    }

    /// The models that answered, by our names.
    pub fn models(&self) -> Vec<String> {
        self.meter.models()
    }

    /// Whether an earlier attempt of the job did something already.
    pub fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// Its name.
    pub fn id(&self) -> RunId {
        self.id
    }

    /// Counts the run as ended: with its result, or with what it halts for.
    pub fn ended(&self, halt: Option<&Halt>) {
        let outcome = match halt {
            None => "done",
            Some(Halt::Snooze { .. }) => "snoozed",
            Some(Halt::Pause(_)) => "paused",
            Some(Halt::Approval(_)) => "asked",
            Some(Halt::LeaseLost) => "lease_lost",
            Some(Halt::Cancelled) => "cancelled",
            Some(Halt::Stopping) => "handed_over",
            Some(Halt::Retry(..)) => "retried",
            Some(Halt::Fail(_)) => "failed",
        };
        let agent = &self.plan.definition.name;
        self.agents.means.metrics.run_ended(agent, outcome, u64::from(self.steps()));
        traced::ran(&self.span, halt, self.steps(), self.spent());
    }

    /// A part of the agent that the run began with.
    pub(super) fn part(&self, name: &str) -> Result<&PartDefinition, Halt> {
        let unknown = || {
            let agent = &self.plan.definition.name;
            Halt::fail(
                "unknown_part",
                format!("agent `{agent}` has no part `{name}`; add `[parts.{name}]` to its file"),
            )
        };
        self.plan.definition.parts.get(name).ok_or_else(unknown)
    }

    /// Puts a step on record that cost nothing; answers the earlier one where there is one.
    pub(super) async fn note(
        &self,
        next: &Next,
        request: &impl Serialize,
        value: &impl Serialize,
    ) -> Result<Option<Box<Step>>, Halt> {
        let note = Note {
            lease: self.job.lease.clone(),
            run: self.id,
            key: next.key,
            kind: next.kind,
            name: next.name.clone(),
            input_hash: next.hash,
            request: Some(record::write(request)?),
            value: record::write(value)?,
        };
        let journal = &self.agents.means.journal;
        let noted = self.job.patiently(SHORT, || journal.note(vec![note.clone()])).await?;
        match only(noted)? {
            Noted::Recorded => Ok(None),
            Noted::Done(step) => Ok(Some(step)),
            Noted::Changed { recorded } => Err(self.diverged(next, &recorded).await),
            Noted::LeaseLost => Err(Halt::LeaseLost),
        }
    }

    /// The result of a step that another call finished first.
    pub(super) async fn reread<T: DeserializeOwned>(&self, next: &Next) -> Result<T, Halt> {
        let before = next.key.seq.checked_sub(1).map(|seq| StepKey { seq, ..next.key });
        let before =
            before.or_else(|| next.key.thread.checked_sub(1).map(|thread| StepKey { thread, seq: i32::MAX as u32 }));
        let journal = &self.agents.means.journal;
        let found = self.job.patiently(SHORT, || journal.steps(self.id, before, 1)).await?;
        match found.first().filter(|step| step.key == next.key) {
            Some(step) => record::read(step),
            None => Err(Halt::fail(
                "journal",
                format!("step {}/{} is said to be done, and is not on record", next.key.thread, next.key.seq),
            )),
        }
    }

    /// Whether a step on record is the one that is about to be made.
    pub(super) async fn same(&self, next: &Next, step: &Step) -> Result<(), Halt> {
        if (&step.name, &step.input_hash) == (&next.name, &next.hash) {
            return Ok(());
        }
        Err(self.diverged(next, &step.name).await)
    }

    /// The code makes another step than the one on record: a deploy changed it. The run is left, and another one begins
    /// with the next attempt, once; if that one differs from its record too, the code does not do the same twice.
    pub(super) async fn diverged(&self, next: &Next, recorded: &str) -> Halt {
        let StepKey { thread, seq } = next.key;
        let differs = if recorded == next.name { " with another input" } else { "" };
        let what = format!("step {thread}/{seq} is on record as `{recorded}`, and now is `{}`{differs}", next.name);
        if let Some(earlier) = &self.plan.diverged {
            let what = format!(
                "{what}; an earlier run was left since {earlier}; what the agent does must follow from what is on record"
            );
            return Halt::fail("nondeterministic", what);
        }
        tracing::warn!(run = %self.id, "{what}: another run takes its place");
        self.restart(Some(what)).await
    }

    /// Leaves the run; another one begins, with what there is now, when the job goes on.
    pub(super) async fn restart(&self, diverged: Option<String>) -> Halt {
        let Some(fresh) = &self.fresh else {
            let agent = &self.plan.definition.name;
            return Halt::fail(
                "unknown_agent",
                format!("agent `{agent}` is gone, and its run cannot go on without it"),
            );
        };
        let why = diverged.clone().unwrap_or_else(|| "its agent changed".to_owned());
        let begin = async {
            let start = RunStart {
                agent: fresh.definition.name.clone(),
                tenant: self.job.tenant.clone(),
                session: self.job.session.clone(),
                plan: Plan { diverged, ..fresh.clone() }.write()?,
            };
            let journal = &self.agents.means.journal;
            self.job.patiently(SHORT, || journal.restart_run(&self.job.lease, start.clone())).await
        };
        match begin.await {
            Ok(Some(_)) => Halt::Snooze { after: Duration::ZERO, why },
            Ok(None) => Halt::LeaseLost,
            Err(halt) => halt,
        }
    }
}

impl Next {
    /// The step that follows `head` with this input.
    pub fn new(key: StepKey, kind: StepKind, name: String, head: &InputHash, input: &Value) -> Self {
        let hash = chain::link(head, kind, &name, input);
        Self { key, kind, name, hash }
    }
}

/// The one answer to one question.
pub(super) fn only<T>(answers: Vec<T>) -> Result<T, Halt> {
    answers.into_iter().next().ok_or_else(|| Halt::fail("journal", "the journal gave no answer"))
}
