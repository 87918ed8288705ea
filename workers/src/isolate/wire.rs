//! What a worker and the process that runs one job for it say to each other: one line of JSON each.

use crate::{
    clock::Millis,
    context::Context,
    policy::Ran,
    sessions::Left,
    store::{Lease, LiveEvent},
};
use flotilla_jobs::{Attempts, Fault, JobId, Outcome, Progress};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::time::Duration;

/// To the process: the job must end.
pub(super) const CANCEL: &str = "cancel\n";
/// To the process: the job should return at its next safe point.
pub(super) const STOP: &str = "stop\n";

/// The first line to the process: the job.
#[derive(Serialize, Deserialize)]
pub(super) struct Start {
    pub id: JobId,
    pub kind: String,
    pub tenant: String,
    /// When the run began.
    pub started_at: Millis,
    token: u64,
    ticket: String,
    queue: String,
    worker: String,
    run: u32,
    attempts: Attempts,
    ready_at: Millis,
    pub resumed: Option<Progress>,
    pub payload: Box<RawValue>,
}

impl Start {
    pub fn new(payload: Box<RawValue>, started_at: Millis, cx: &Context) -> Self {
        let lease = &cx.lease;
        Self {
            id: lease.job,
            kind: cx.kind.clone(),
            tenant: cx.tenant.clone(),
            started_at,
            token: lease.token,
            ticket: lease.ticket.to_string(),
            queue: lease.queue.to_string(),
            worker: lease.worker.to_string(),
            run: lease.run,
            attempts: lease.attempts,
            ready_at: lease.ready_at,
            resumed: cx.resumed.as_deref().cloned(),
            payload,
        }
    }

    pub fn lease(&self) -> Lease {
        Lease {
            job: self.id,
            queue: self.queue.as_str().into(),
            worker: self.worker.as_str().into(),
            token: self.token,
            run: self.run,
            attempts: self.attempts,
            ticket: self.ticket.as_str().into(),
            ready_at: self.ready_at,
        }
    }

    pub fn line(&self) -> String {
        line(self)
    }
}

/// A line from the process.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Said {
    Event(LiveEvent),
    /// What the job leaves in its session, if it ends now.
    Left(Left),
    Ended(Ended),
}

impl Said {
    pub fn line(&self) -> String {
        line(self)
    }
}

/// How the handler ended.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ended {
    Done(Box<RawValue>),
    Retry { fault: Fault, after: Option<Duration> },
    Fail(Fault),
    Cancel(String),
    Snooze(Duration),
    Pause(String),
    Panicked(String),
}

impl From<Outcome<Box<RawValue>>> for Ended {
    fn from(outcome: Outcome<Box<RawValue>>) -> Self {
        match outcome {
            Outcome::Done(output) => Self::Done(output),
            Outcome::Retry { fault, after } => Self::Retry { fault, after },
            Outcome::Fail(fault) => Self::Fail(fault),
            Outcome::Cancel(reason) => Self::Cancel(reason),
            Outcome::Snooze(wait) => Self::Snooze(wait),
            Outcome::Pause(reason) => Self::Pause(reason),
        }
    }
}

impl From<Ended> for Ran {
    fn from(ended: Ended) -> Self {
        Self::Returned(match ended {
            Ended::Done(output) => Outcome::Done(output),
            Ended::Retry { fault, after } => Outcome::Retry { fault, after },
            Ended::Fail(fault) => Outcome::Fail(fault),
            Ended::Cancel(reason) => Outcome::Cancel(reason),
            Ended::Snooze(wait) => Outcome::Snooze(wait),
            Ended::Pause(reason) => Outcome::Pause(reason),
            Ended::Panicked(message) => return Self::Panicked(message),
        })
    }
}

/// Serialization of these types does not fail: they have no maps with keys that are no text.
fn line(value: &impl Serialize) -> String {
    let mut line = serde_json::to_string(value).unwrap_or_default();
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(ended: Ended) -> Ran {
        let line = Said::Ended(ended).line();
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        match serde_json::from_str(&line).unwrap() {
            Said::Ended(ended) => ended.into(),
            _ => panic!("{line}"),
        }
    }

    #[test]
    fn every_end_survives_the_pipe() {
        let output = RawValue::from_string("{\"a\":[1,\"\\n\"]}".to_owned()).unwrap();
        let ran = there_and_back(Outcome::Done(output).into());
        assert!(matches!(ran, Ran::Returned(Outcome::Done(o)) if o.get() == "{\"a\":[1,\"\\n\"]}"));
        let fault = Fault::new("x", "y\nz");
        let after = Some(Duration::from_millis(1_500));
        let ran = there_and_back(Outcome::Retry { fault: fault.clone(), after }.into());
        assert!(matches!(ran, Ran::Returned(Outcome::Retry { fault: f, after: a }) if f == fault && a == after));
        let ran = there_and_back(Ended::Panicked("at the disco".to_owned()));
        assert!(matches!(ran, Ran::Panicked(message) if message == "at the disco"));
    }
}
