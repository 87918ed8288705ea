//! What both records decide alike about the steps of agents: what is asked of a step against what is on record.

use super::{Error, damage::Damage};
use crate::journal::{
    Begin, Begun, EndStep, Ended, InputHash, Note, Noted, RunId, RunStart, Step, StepKey, StepKind, StepOutcome,
};
use flotilla_jobs::{Invalid, MicroUsd, Usage};
use serde_json::value::RawValue;
use std::collections::HashSet;

/// Most bytes of a run's plan.
const MAX_PLAN: usize = 1 << 20;
/// Most bytes of a step's request, and of its response.
const MAX_STEP: usize = 8 << 20;
/// Most bytes of a name: of a step, an agent, a tenant, a session, a provider, a model.
const MAX_NAME: usize = 256;
/// Largest number of a thread, of a step, and of a call.
const MAX_NUMBER: u32 = 1_000_000_000;
/// Most micro-dollars that one call may hold or cost: a billion dollars.
pub(crate) const MAX_COST: u64 = 1_000_000_000_000_000;
/// Most tokens that one call may hold or use.
pub(crate) const MAX_TOKENS: u64 = 1_000_000_000_000;
/// Outcomes of calls that are no code of a failure.
pub(crate) const OPEN: &str = "open";
pub(crate) const DONE: &str = "done";
pub(crate) const LOST: &str = "lost";

/// A step as it is on record.
pub(crate) struct Known {
    pub(crate) kind: StepKind,
    pub(crate) name: String,
    pub(crate) input_hash: InputHash,
    /// Calls begun for it.
    pub(crate) attempt: u32,
    /// Whether a call was begun of which it is not known that it did nothing.
    pub(crate) unsure: bool,
    pub(crate) request: Option<Box<RawValue>>,
    /// `None` while it is not done.
    pub(crate) response: Option<Box<RawValue>>,
    pub(crate) usage: Option<Usage>,
    pub(crate) cost: Option<MicroUsd>,
}

impl Known {
    fn is(&self, kind: StepKind, name: &str, input_hash: &InputHash) -> bool {
        self.kind == kind && self.name == name && self.input_hash == *input_hash
    }

    /// The step, if it is done.
    pub(crate) fn step(self, key: StepKey) -> Option<Step> {
        Some(Step {
            key,
            kind: self.kind,
            name: self.name,
            input_hash: self.input_hash,
            request: self.request,
            response: self.response?,
            usage: self.usage,
            cost: self.cost,
        })
    }
}

/// Whether a call may be made, as far as the journal decides: its number, or what there is instead.
pub(crate) fn may_begin(begin: &Begin, known: Option<Known>) -> Result<u32, Begun> {
    let Some(known) = known else { return Ok(1) };
    if !known.is(begin.kind, &begin.name, &begin.input_hash) {
        return Err(Begun::Changed { recorded: known.name });
    }
    let (attempt, unsure) = (known.attempt, known.unsure);
    if let Some(step) = known.step(begin.key) {
        return Err(Begun::Done(Box::new(step)));
    }
    if begin.kind == StepKind::Effect && unsure && !begin.again {
        return Err(Begun::Unknown);
    }
    Ok(attempt + 1)
}

/// What stands in the place of a note, if it is not to be written.
pub(crate) fn noted(note: &Note, known: Option<Known>) -> Option<Noted> {
    let known = known?;
    if !known.is(note.kind, &note.name, &note.input_hash) {
        return Some(Noted::Changed { recorded: known.name });
    }
    known.step(note.key).map(|step| Noted::Done(Box::new(step)))
}

/// A call as it is on record, for who says how it ended.
pub(crate) struct Standing {
    pub(crate) outcome: String,
    /// Whether its lease holds.
    pub(crate) holds: bool,
    /// The call that finished its step.
    pub(crate) done_by: Option<u32>,
}

impl Standing {
    /// Whether its end is news to the ledger. A hold that was given back with its lease was given back once.
    pub(crate) fn is_news(&self) -> bool {
        self.outcome == OPEN || self.outcome == LOST
    }

    /// Whether this end finishes the step.
    pub(crate) fn finishes(&self, end: &EndStep) -> bool {
        self.is_news() && self.holds && self.done_by.is_none() && matches!(end.outcome, StepOutcome::Done(_))
    }

    /// What its end comes to.
    pub(crate) fn answer(&self, end: &EndStep) -> Ended {
        match self.done_by {
            _ if !self.holds => Ended::LeaseLost,
            Some(by) if by != end.attempt => Ended::DoneBefore,
            _ => Ended::Recorded,
        }
    }
}

/// The name of an outcome on record, and its message.
pub(crate) fn outcome(end: &EndStep) -> (&str, Option<&str>) {
    match &end.outcome {
        StepOutcome::Done(_) => (DONE, None),
        StepOutcome::Failed { code, message } => (code, Some(message)),
    }
}

/// An end of a call that was not begun.
pub(crate) fn no_call(end: &EndStep) -> Invalid {
    let (EndStep { run, attempt, .. }, StepKey { thread, seq }) = (end, end.key);
    Invalid::new("attempt", format!("no call {attempt} of step {thread}/{seq} of run {run} was begun"))
}

/// The kind of a step by its name on record.
pub(crate) fn kind(name: &str) -> Option<StepKind> {
    let kinds = [StepKind::Decision, StepKind::Llm, StepKind::Tool, StepKind::Effect];
    kinds.into_iter().find(|kind| kind.as_str() == name)
}

/// Says what is wrong with a step on record.
pub(crate) fn corrupt(what: &'static str, run: RunId, key: StepKey, wrong: &str) -> Error {
    let StepKey { thread, seq } = key;
    Error::Corrupt { what, detail: format!("step {thread}/{seq} of run {run}: {wrong}") }
}

/// Reports a step on record that cannot be read. Who asked for it fails with the same words.
pub(crate) fn report(error: &Error, damage: &Damage) {
    if let Error::Corrupt { what, detail } = error {
        damage.met(what, detail, "the job of its run fails");
    }
}

/// Where a step is, over all runs.
pub(crate) type Place = (RunId, StepKey);

/// Refuses what no record should hold.
pub(crate) fn check_start(start: &RunStart) -> Result<(), Invalid> {
    short("agent", &start.agent)?;
    short("tenant", &start.tenant)?;
    start.session.as_deref().map_or(Ok(()), |session| short("session", session))?;
    small("plan", &start.plan, MAX_PLAN)
}

pub(crate) fn check_begins(begins: &[Begin]) -> Result<(), Invalid> {
    once(begins.iter().map(|b| (b.run, b.key)))?;
    for begin in begins {
        if begin.kind == StepKind::Decision {
            return Err(Invalid::new("kind", "a decision is a note; begin calls"));
        }
        check_step(begin.key, &begin.name, begin.request.as_deref())?;
        if let Some(call) = &begin.call {
            short("provider", &call.provider)?;
            short("model", &call.model)?;
            let (cost, tokens) = (call.hold.cost.0, call.hold.tokens.max(call.estimated_input));
            if cost > MAX_COST || tokens > MAX_TOKENS {
                let most = format!("a call holds at most {} and {MAX_TOKENS} tokens", MicroUsd(MAX_COST));
                return Err(Invalid::new("hold", most));
            }
        }
    }
    Ok(())
}

pub(crate) fn check_ends(ends: &[EndStep]) -> Result<(), Invalid> {
    once(ends.iter().map(|e| (e.run, e.key)))?;
    for end in ends {
        match &end.outcome {
            StepOutcome::Done(response) => small("response", response, MAX_STEP)?,
            StepOutcome::Failed { code, .. } => {
                short("code", code)?;
                if [OPEN, DONE, LOST].contains(&code.as_str()) {
                    return Err(Invalid::new("code", format!("`{code}` is no failure")));
                }
            }
        }
    }
    Ok(())
}

pub(crate) fn check_notes(notes: &[Note]) -> Result<(), Invalid> {
    once(notes.iter().map(|n| (n.run, n.key)))?;
    for note in notes {
        if !matches!(note.kind, StepKind::Decision | StepKind::Tool) {
            return Err(Invalid::new("kind", format!("`{}` is no note; begin it", note.kind.as_str())));
        }
        check_step(note.key, &note.name, note.request.as_deref())?;
        small("value", &note.value, MAX_STEP)?;
    }
    Ok(())
}

fn check_step(key: StepKey, name: &str, request: Option<&RawValue>) -> Result<(), Invalid> {
    short("name", name)?;
    request.map_or(Ok(()), |request| small("request", request, MAX_STEP))?;
    if key.thread > MAX_NUMBER || key.seq > MAX_NUMBER {
        return Err(Invalid::new("key", format!("threads and steps are numbered up to {MAX_NUMBER}")));
    }
    Ok(())
}

fn once(places: impl Iterator<Item = Place>) -> Result<(), Invalid> {
    let mut seen = HashSet::new();
    for place in places {
        if !seen.insert(place) {
            let (run, StepKey { thread, seq }) = place;
            return Err(Invalid::new("key", format!("step {thread}/{seq} of run {run} is named twice at once")));
        }
    }
    Ok(())
}

fn short(field: &str, name: &str) -> Result<(), Invalid> {
    if name.is_empty() || name.len() > MAX_NAME || name.contains('\0') {
        let message = format!("1 to {MAX_NAME} bytes without U+0000; these are {}", name.len());
        return Err(Invalid::new(field, message));
    }
    Ok(())
}

fn small(field: &str, json: &RawValue, most: usize) -> Result<(), Invalid> {
    let bytes = json.get().len();
    if bytes > most {
        return Err(Invalid::new(field, format!("at most {most} bytes; these are {bytes}")));
    }
    Ok(())
}
